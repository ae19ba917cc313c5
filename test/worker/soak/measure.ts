import { readdirSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** What a process holds while its pool is left alone. */
export interface Sample {
  readonly seconds: number
  /** Of each worker. */
  readonly tensors: readonly number[]
  /** Of the calling side after collection, in megabytes. */
  readonly heap: number
  readonly arrayBuffers: number
  /** Of the whole process, workers included, in megabytes. */
  readonly rss: number
  /** Of the operating system; nothing where it does not tell. */
  readonly threads: number | undefined
  /** What keeps the calling side's loop busy: workers, ports, timers. */
  readonly handles: number
}

/** How far the last samples may lie above the first: megabytes, or numbers of things. */
export const TOLERANCES = { heap: 8, arrayBuffers: 16, rss: 150, threads: 2, handles: 2 } as const

/** Collects, and measures. */
export async function measure(seconds: number, tensors: readonly number[]): Promise<Sample> {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  for (let i = 0; i < 4; i++) {
    gc()
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage()
  return {
    seconds,
    tensors,
    heap: heapUsed / 1e6,
    arrayBuffers: arrayBuffers / 1e6,
    rss: rss / 1e6,
    threads: threadCount(),
    handles: process.getActiveResourcesInfo().length,
  }
}

function threadCount(): number | undefined {
  try {
    return readdirSync('/proc/self/task').length
  } catch {
    return undefined
  }
}

/** What grew from the first fifth of the samples to the last one, by their medians, in words. */
export function growth(samples: readonly Sample[], of: readonly (keyof typeof TOLERANCES)[]): string[] {
  const fifth = Math.ceil(samples.length / 5)
  const grown: string[] = []
  for (const key of of) {
    const middle = (part: readonly Sample[]): number => {
      const values = part.map(sample => sample[key] ?? 0).sort((a, b) => a - b)
      return values[values.length >> 1]
    }
    const [first, last] = [middle(samples.slice(0, fifth)), middle(samples.slice(-fifth))]
    if (last - first > TOLERANCES[key]) grown.push(`${key} grew from ${first.toFixed(1)} to ${last.toFixed(1)}`)
  }
  const tensors = new Set(samples.flatMap(sample => sample.tensors))
  if (tensors.size > 1) grown.push(`workers held ${[...tensors].join(', ')} tensors`)
  return grown
}
