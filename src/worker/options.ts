import { absoluteAddress } from '#platform/worker'
import type { BackendOptions } from '../backends/index.ts'
import type { MtcnnOptions } from '../detect/index.ts'
import { FacewiseError } from '../errors.ts'
import type { AttributeName, FacewiseProgress } from '../facewise/index.ts'
import type { LoadModelOptions } from '../models/index.ts'
import type { EmbeddingStore } from '../store/index.ts'
import type { WorkerLike } from './channel.ts'
import type { SentOptions } from './messages.ts'

/** Where a model is, as a worker can be told. */
export type WorkerModelOptions = Pick<LoadModelOptions, 'manifest' | 'cache'> & {
  /** The address or (in Node) folder of its files. */
  readonly source?: string | URL
}

/** Options of `createFacewiseWorker`: those of `createFacewise` that are data, and how many workers there are. */
export interface FacewiseWorkerOptions {
  /** How many workers, 1 to 64; 1 by default. Each has its own copy of the models; they are started when calls need them. */
  readonly workers?: number
  /** How each worker chooses its backend. */
  readonly backend?: Omit<BackendOptions, 'signal'>
  /** Where models are: an address (in a browser relative to the page), in Node also a folder; or what to load by name. */
  readonly models?: string | URL | Readonly<Record<string, WorkerModelOptions>>
  /** Settings of MTCNN. */
  readonly detector?: Omit<MtcnnOptions, 'backend' | 'model' | 'stages' | 'onStage'>
  /** The name of a model; the one in the package by default. */
  readonly embedder?: string
  /** What `describe` tells: emotion, age and gender, pose, quality by default. */
  readonly attributes?: readonly AttributeName[]
  /** Names of other models. */
  readonly classifiers?: {
    readonly emotion?: string
    readonly ageGender?: string
    readonly liveness?: string
  }
  /** Where faces are remembered: a store, or its URL (`openStore`); in memory by default. It stays on this side, one for all workers. */
  readonly store?: string | EmbeddingStore
  /** Hears how far loading is, of all models in all workers together. */
  readonly onProgress?: (progress: FacewiseProgress) => void
  /**
   * Starts a worker that runs `facewise/worker-entry`, for bundlers that do not follow its address: a `Worker` of the browser
   * (`type: 'module'`), or of `node:worker_threads`.
   */
  readonly worker?: () => WorkerLike
  /** How long a worker may take until it answers, in milliseconds, models not counted; 60,000 by default. */
  readonly startTimeoutMs?: number
}

const MAX_WORKERS = 64

/** @throws FacewiseError `INVALID_ARGUMENT` that names the option. */
export function workerCount({ workers = 1 }: FacewiseWorkerOptions): number {
  if (Number.isInteger(workers) && workers >= 1 && workers <= MAX_WORKERS) return workers
  throw new FacewiseError('INVALID_ARGUMENT', `\`workers\` is a whole number from 1 to ${MAX_WORKERS}; got ${workers}.`)
}

/**
 * The options as they are sent: data alone, addresses absolute.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` that names what is a function or an object of a class.
 */
export function sentOptions(options: FacewiseWorkerOptions): SentOptions {
  const { backend, models, detector, embedder, attributes, classifiers } = options
  const sent = {
    ...(backend && { backend: { ...backend, ...(backend.wasmPaths && { wasmPaths: placesOf(backend.wasmPaths) }) } }),
    ...(models !== undefined && { models: modelsOf(models) }),
    ...(detector && { detector }),
    ...(embedder !== undefined && { embedder }),
    ...(attributes && { attributes }),
    ...(classifiers && { classifiers }),
  }
  assertData(sent)
  return sent
}

function placesOf(paths: NonNullable<BackendOptions['wasmPaths']>): NonNullable<BackendOptions['wasmPaths']> {
  if (typeof paths === 'string') return absoluteAddress(paths)
  return Object.fromEntries(Object.entries(paths).map(([file, place]) => [file, absoluteAddress(place)]))
}

function modelsOf(models: NonNullable<FacewiseWorkerOptions['models']>): SentOptions['models'] {
  if (typeof models === 'string' || models instanceof URL) return absoluteAddress(models)
  return Object.fromEntries(
    Object.entries(models).map(([name, { source, ...rest }]) => {
      const isPlace = typeof source === 'string' || source instanceof URL
      return [name, { ...rest, ...(source !== undefined && { source: isPlace ? absoluteAddress(source) : source }) }]
    }),
  )
}

/** @throws FacewiseError `INVALID_ARGUMENT` for what would be lost on the way, or cannot be sent. */
export function assertData(value: unknown, path = ''): void {
  const kind = typeof value
  if (kind === 'function' || kind === 'symbol') throw notData(path, `a ${kind}`)
  if (kind !== 'object' || value === null) return
  const prototype: unknown = Object.getPrototypeOf(value)
  if (!Array.isArray(value) && prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    throw notData(path, `an object of the class ${(value as object).constructor?.name}`)
  }
  for (const [key, each] of Object.entries(value as object)) assertData(each, path ? `${path}.${key}` : key)
}

function notData(path: string, what: string): FacewiseError {
  return new FacewiseError(
    'INVALID_ARGUMENT',
    `\`${path}\` is, or holds, ${what}, which cannot be sent to a worker. Give names, numbers and addresses, or use createFacewise.`,
  )
}
