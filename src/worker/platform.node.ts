import { Worker } from 'node:worker_threads'
import type { ImageInput } from '../image/index.ts'
import type { WorkerLike } from './channel.ts'
import { commonParcel, type Parcel, unsupportedInput } from './parcel.ts'

/** Starts a worker thread. */
export function spawnWorker(): WorkerLike {
  return new Worker(new URL('./worker-entry.ts', import.meta.url), { name: 'facewise' })
}

/** Hears of the end of a worker where its events tell nothing; in Node they always do. */
export function watchWorker(_lock: string, _gone: () => void): () => void {
  return () => {}
}

/** An address or path as a worker has to be given it; worker threads share the working folder. */
export function absoluteAddress(place: string | URL): string {
  return String(place)
}

/** @throws FacewiseError `IMAGE_UNSUPPORTED` for what is no picture here. */
export async function parcelOf(input: ImageInput, give: boolean): Promise<Parcel> {
  const parcel = commonParcel(input, give)
  if (!parcel) throw unsupportedInput('In Node, give a path, an address, bytes, a Blob or raw pixels.')
  return parcel
}
