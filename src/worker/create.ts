import { parcelOf } from '#platform/worker'
import type { BackendReport } from '../backends/index.ts'
import type { DetectOptions } from '../detect/index.ts'
import { FacewiseError, throwIfAborted } from '../errors.ts'
import type {
  DescribedFace,
  DescribeOptions,
  EnrollOptions,
  Enrolment,
  Facewise,
  IdentifiedFace,
  IdentifyOptions,
  PictureVerification,
  RepresentedFace,
  TrackedFrame,
  TrackOptions,
  TrackSource,
  VerifyPicturesOptions,
} from '../facewise/index.ts'
import { checkAttributes } from '../facewise/options.ts'
import type { ImageInput } from '../image/index.ts'
import { memoryStore, openStore } from '../store/index.ts'
import type { Method } from './messages.ts'
import { assertData, type FacewiseWorkerOptions, sentOptions, workerCount } from './options.ts'
import { createPool } from './pool.ts'
import { trackInWorker } from './track.ts'

/** How pictures go to a worker. */
export interface Handover {
  /**
   * Gives bytes, pixels, `ImageBitmap` and `VideoFrame` away instead of copying them: afterwards they are empty here. Only bytes that are
   * all of their buffer change hands; others are copied. `false` by default.
   */
  readonly transfer?: boolean
}

/** A {@link Facewise} in workers. Pictures must stay as they are until their call is settled, elements of a page excepted. */
export interface FacewiseWorker extends Omit<Facewise, 'embedder' | 'engine'> {
  detect(input: ImageInput, options?: DetectOptions & Handover): ReturnType<Facewise['detect']>
  represent(input: ImageInput, options?: DetectOptions & Handover): Promise<RepresentedFace[]>
  describe(input: ImageInput, options?: DescribeOptions & Handover): Promise<DescribedFace[]>
  verify(a: ImageInput, b: ImageInput, options?: VerifyPicturesOptions & Handover): Promise<PictureVerification>
  enroll(
    subject: string,
    pictures: ImageInput | readonly ImageInput[],
    options?: EnrollOptions & Handover,
  ): Promise<Enrolment>
  identify(input: ImageInput, options?: IdentifyOptions & Handover): Promise<IdentifiedFace[]>
  /**
   * Follows the faces of a video, as `Facewise.track` does: the same options, frames and errors. Frames are taken on this side, when the
   * iterator is asked for the next one, and looked at in one worker, the same for the whole video.
   *
   * @throws FacewiseError while it runs also `WORKER_LOST`, if that worker is lost: ids end with it, so begin anew.
   */
  track(source: TrackSource, options?: TrackOptions): AsyncGenerator<TrackedFrame, void, undefined>
  /** Loads everything in all workers. */
  warmup(options?: { readonly signal?: AbortSignal }): Promise<void>
  /** How each worker chose its backend; starts those that were not needed yet. */
  reports(): Promise<BackendReport[]>
  /** Ends the workers, and closes the store that it has opened; calls under way reject with `DISPOSED`. */
  dispose(): Promise<void>
}

const DEFAULT_START_TIMEOUT_MS = 60_000

/**
 * `createFacewise` in workers: the thread that calls stays free. In browsers a Web Worker, in Node worker threads; with several
 * (`workers`), calls go to the one that has the fewest, and a video stays with one.
 *
 * ```ts
 * const fw = await createFacewiseWorker({ workers: 4, store: 'file:faces.db' })
 * const all = await Promise.all(paths.map(path => fw.detect(path)))
 * ```
 *
 * A picture is sent once and decoded in the worker; elements of a page (`<img>`, `<canvas>`, `<video>`) become bitmaps first. The store
 * stays on this side, one for all workers. An `AbortSignal` rejects its call at once. A worker that is lost rejects the calls that it had
 * with `WORKER_LOST`, and the next call gets another one.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` for options that make no sense or cannot be sent; `WORKER_LOST` if the worker cannot be
 * started; what `openStore` throws.
 */
export async function createFacewiseWorker(options: FacewiseWorkerOptions = {}): Promise<FacewiseWorker> {
  const { startTimeoutMs = DEFAULT_START_TIMEOUT_MS, onProgress } = options
  if (options.attributes) checkAttributes(options.attributes)
  if (!(startTimeoutMs > 0)) {
    throw new FacewiseError('INVALID_ARGUMENT', `\`startTimeoutMs\` is a time above 0; got ${startTimeoutMs}.`)
  }
  const size = workerCount(options)
  const sent = sentOptions(options)
  const ownStore = typeof options.store !== 'object'
  const store =
    typeof options.store === 'object'
      ? options.store
      : options.store
        ? await openStore(options.store)
        : await memoryStore()
  const pool = createPool({ size, spawn: options.worker, startTimeoutMs, options: sent, store, onProgress })

  let disposed = false
  const dispose = async (): Promise<void> => {
    if (disposed) return
    disposed = true
    pool.close()
    if (ownStore) await store.close()
  }
  const assertUsable = (signal?: AbortSignal): void => {
    if (disposed)
      throw new FacewiseError('DISPOSED', 'This object was disposed; create another with createFacewiseWorker().')
    throwIfAborted(signal)
  }

  try {
    // One is started now: that workers cannot run here should be known before the first picture.
    await pool.start()
  } catch (error) {
    await dispose()
    throw error
  }

  async function run<T>(
    method: Method,
    inputs: readonly ImageInput[],
    { signal, transfer = false, ...call }: { signal?: AbortSignal } & Handover = {},
    arrange: (pictures: readonly unknown[]) => readonly unknown[] = pictures => pictures,
  ): Promise<T> {
    assertUsable(signal)
    assertData(call)
    const pictures = inputs.map(input => parcelOf(input, transfer))
    return (await pool.run({ method, pictures, arrange, options: call, signal })) as T
  }

  return {
    store,
    detect: (input, call) => run('detect', [input], call),
    represent: (input, call) => run('represent', [input], call),
    describe: (input, call) => run('describe', [input], call),
    identify: (input, call) => run('identify', [input], call),
    verify: (a, b, call) => run('verify', [a, b], call),
    enroll(subject, pictures, call) {
      const inputs = Array.isArray(pictures) ? (pictures as readonly ImageInput[]) : [pictures as ImageInput]
      return run('enroll', inputs, call, packed => [subject, packed])
    },
    track(source, call = {}) {
      assertUsable()
      return trackInWorker(pool, source, call, options.attributes)
    },
    async forget(subject, call = {}) {
      assertUsable(call.signal)
      return store.delete({ subject }, call)
    },
    async warmup({ signal } = {}) {
      assertUsable(signal)
      await pool.runInAll('warmup', signal)
    },
    async reports() {
      assertUsable()
      return (await pool.runInAll('report')) as BackendReport[]
    },
    dispose,
    [Symbol.asyncDispose]: dispose,
  }
}
