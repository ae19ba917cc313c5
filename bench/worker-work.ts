import { decode, type Picture } from '../src/image/index.ts'
import { createFacewise } from '../src/index.ts'
import { createFacewiseWorker } from '../src/worker/index.ts'
import { samplePhoto } from '../test/data.ts'
import { sourceWorker } from '../test/worker/threads.ts'

/** Photos of 1920 pixels that are given at once. */
export const PHOTOS = 24

/** What they are given as: paths, or decoded. */
export type Work = 'files' | 'pictures'

/** How long it took, and what it cost all threads of the process, in milliseconds. */
export interface Time {
  readonly wall: number
  readonly cpu: number
}

/** What looks at photos. */
export interface Finder {
  readonly given: Record<Work, readonly (string | Picture)[]>
  represent(picture: string | Picture): Promise<unknown>
}

/** A pool that has looked at each photo once; without workers the library itself. */
export async function startPool(workers: number): Promise<Finder> {
  const backend = { prefer: 'wasm' } as const
  const fw =
    workers === 0
      ? await createFacewise({ backend })
      : await createFacewiseWorker({ backend, workers, worker: sourceWorker })
  await fw.warmup()
  const files = Array.from({ length: PHOTOS }, (_, i) => samplePhoto(((i % 6) + 1) as 1))
  const decoded = await Promise.all(files.slice(0, 6).map(file => decode(file)))
  const given = { files, pictures: files.map((_, i) => decoded[i % 6]) }
  await Promise.all(files.slice(0, 6 * Math.max(1, workers)).map(file => fw.represent(file)))
  return { given, represent: picture => fw.represent(picture) }
}

/** Gives all photos at once. */
export async function timeWork({ given, represent }: Finder, work: Work): Promise<Time> {
  const before = process.cpuUsage()
  const began = performance.now()
  await Promise.all(given[work].map(represent))
  const wall = performance.now() - began
  const { user, system } = process.cpuUsage(before)
  return { wall, cpu: (user + system) / 1000 }
}
