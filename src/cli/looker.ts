import { type BackendName, type Engine, startBackend } from '../backends/index.ts'
import type { MtcnnOptions } from '../detect/index.ts'
import { DEFAULT_EMBEDDER, type EmbedderManifest } from '../embed/index.ts'
import { FacewiseError } from '../errors.ts'
import { createFacewise, type Facewise } from '../facewise/index.ts'
import { resolveModel } from '../models/resolve.ts'
import type { EmbeddingStore } from '../store/index.ts'
import { createFacewiseWorker } from '../worker/index.ts'
import { type DetectorDefaults, type DetectorOptions, detectorSettings } from './options.ts'
import type { Terminal } from './terminal.ts'

/** The composed object as commands call it, the same in this thread and in others. */
export type Looker = Pick<Facewise, 'detect' | 'represent' | 'describe' | 'identify'>

/** The options of commands that say what is loaded. */
export interface LookerOptions extends DetectorOptions {
  readonly embedder?: string
  readonly emotionModel?: string
  readonly ageGenderModel?: string
  readonly livenessModel?: string
}

/** What the composed object is told: data alone, so that workers can be told it too. */
export interface LookerSettings {
  readonly backend: { readonly prefer?: readonly BackendName[] }
  readonly detector: Pick<MtcnnOptions, 'minFaceSize' | 'maxFaceSize' | 'thresholds'>
  readonly embedder?: string
  readonly classifiers: { readonly emotion?: string; readonly ageGender?: string; readonly liveness?: string }
  readonly models: Readonly<Record<string, { readonly source: string }>>
}

/** The settings for the options of a command line. */
export function lookerSettings(options: LookerOptions, defaults: DetectorDefaults): LookerSettings {
  const { embedder, emotionModel: emotion, ageGenderModel: ageGender, livenessModel: liveness, backend } = options
  const names = [embedder, emotion, ageGender, liveness].filter(name => name !== undefined)
  return {
    backend: { prefer: backend },
    detector: detectorSettings(options, defaults),
    embedder,
    classifiers: { emotion, ageGender, liveness },
    models: Object.fromEntries(names.flatMap(name => (isPlace(name) ? [[name, { source: name }]] : []))),
  }
}

/** Whether a model is given by its folder or address in place of its name. */
function isPlace(name: string): boolean {
  return /[/\\]|^\.+$/.test(name)
}

/** Where a model is, if its folder or address is given in place of its name. */
export function placeOf(name: string): { source: string } | undefined {
  return isPlace(name) ? { source: name } : undefined
}

/** What looks at the pictures of a command, started when it is first asked for. */
export interface OpenedLooker {
  open(): Promise<Looker>
  /** In how many threads of their own; 1 is this one. */
  readonly workers: number
  /** The backend that it runs on, as it is started in this thread. */
  engine(): Promise<Engine>
  dispose(): Promise<void>
}

/**
 * The composed object for a command: in this thread, or with several `workers` in as many others.
 *
 * @param pictures how many there are: more threads would have nothing to do.
 * @param store where `identify` looks; it stays in this thread, and whoever opened it closes it.
 */
export function createLooker(
  options: LookerOptions,
  defaults: DetectorDefaults,
  pictures: number,
  terminal: Pick<Terminal, 'startWorker'>,
  store?: EmbeddingStore,
): OpenedLooker {
  const workers = Math.max(1, Math.min(options.workers ?? 1, pictures))
  const settings = lookerSettings(options, defaults)
  let starting: Promise<Looker & AsyncDisposable> | undefined
  let chosen: Promise<Engine> | undefined
  const engine = (): Promise<Engine> => {
    chosen ??= startBackend(settings.backend)
    return chosen
  }
  const start = async (): Promise<Looker & AsyncDisposable> => {
    const here = await engine()
    if (workers === 1) return createFacewise({ ...settings, store, backend: here })
    // Chosen here for all threads: each would measure for itself, and two backends differ in the last digits.
    const backend = { prefer: here.backend }
    return createFacewiseWorker({ ...settings, store, backend, workers, worker: terminal.startWorker })
  }
  return {
    workers,
    engine,
    open() {
      starting ??= start()
      return starting
    },
    async dispose() {
      const opened = await starting?.catch(() => undefined)
      await opened?.[Symbol.asyncDispose]()
    },
  }
}

/**
 * What the embedder's manifest says, without loading its network: its name, its metric and its thresholds.
 *
 * @throws FacewiseError `MODEL_NOT_FOUND`, `MODEL_INVALID`, `INVALID_ARGUMENT` for an unknown name.
 */
export async function embedderManifest({ embedder = DEFAULT_EMBEDDER }: LookerOptions): Promise<EmbedderManifest> {
  const { manifest } = await resolveModel(embedder, placeOf(embedder) ?? {})
  if (manifest.task === 'embedding') return manifest
  throw new FacewiseError(
    'MODEL_INVALID',
    `${manifest.name} is a model for ${manifest.task}; --embedder takes one for embedding.`,
  )
}
