/** The library in a worker of its own, one for all panels: started by the panel that first needs it. */
import { createFacewiseWorker, type FacewiseWorker, type FacewiseWorkerOptions } from 'facewise/worker'
import { showBackend, showLoading } from './status.ts'

let shared: Promise<FacewiseWorker> | undefined

/** The library, for one picture at a time. */
export function library(): Promise<FacewiseWorker> {
  shared ??= start({}).catch(error => {
    // The next click tries again.
    shared = undefined
    throw error
  })
  return shared
}

/** Beyond this, decoding and memory are the limit. */
const MOST_WORKERS = 4

/** The library in as many workers as suit the processor, for many pictures at once; whoever called disposes of it. */
export function libraryForMany(): Promise<FacewiseWorker> {
  const workers = Math.min(MOST_WORKERS, Math.max(1, navigator.hardwareConcurrency - 1))
  return start({ workers })
}

async function start(options: FacewiseWorkerOptions): Promise<FacewiseWorker> {
  const fw = await createFacewiseWorker({
    ...options,
    onProgress: ({ loadedBytes, totalBytes }) => showLoading(loadedBytes, totalBytes),
  })
  if (!options.workers || options.workers === 1) {
    // Asked of a pool, it would start all of its workers at once.
    fw.reports().then(
      ([{ chosen, simd }]) => showBackend(chosen, simd),
      // Whatever is wrong, the call that needs the backend says it.
      () => {},
    )
  }
  return fw
}
