/** The library, in a worker of its own. It is loaded when a camera is first wanted, and kept. */
import type { FacewiseWorker } from 'facewise/worker'
import { Problem } from './problem.ts'

let started: Promise<FacewiseWorker> | undefined
let loaded = 0
const listeners = new Set<(share: number) => void>()

/** A face narrower than this, in a picture 640 wide, is too far away to be read. */
const SMALLEST_FACE = 60

/** @throws Problem `models` where it cannot be loaded; the next call tries again. */
export async function faces(): Promise<FacewiseWorker> {
  started ??= start()
  try {
    return await started
  } catch (error) {
    started = undefined
    throw new Problem('models', undefined, error)
  }
}

/** Hears how much of the models is there, from 0 to 1. @returns stops. */
export function onLoading(listener: (share: number) => void): () => void {
  listeners.add(listener)
  if (loaded > 0) listener(loaded)
  return () => listeners.delete(listener)
}

async function start(): Promise<FacewiseWorker> {
  const { createFacewiseWorker } = await import('facewise/worker')
  return createFacewiseWorker({
    detector: { minFaceSize: SMALLEST_FACE },
    onProgress({ loadedBytes, totalBytes }) {
      loaded = loadedBytes / totalBytes
      for (const listener of listeners) listener(loaded)
    },
  })
}

/** Loads the detector and runs it once, so that the first frame of a camera is not the slow one. */
export async function warmDetector(signal: AbortSignal): Promise<void> {
  const fw = await faces()
  try {
    await fw.detect(new ImageData(128, 96), { signal })
  } catch (error) {
    signal.throwIfAborted()
    throw new Problem('models', undefined, error)
  }
}
