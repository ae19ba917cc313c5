import type { Network, NetworkInput } from '../models/network.ts'

/** Windows that go through a network together. */
const BATCH = 128

/** One answer of an approximate network that has to be exact: a row of `output`, and the pixels that it is about. */
export interface Doubtful {
  readonly output: Float32Array
  readonly at: number
  /** Writes the window's pixels into `to` from `offset` on. */
  copy(to: Float32Array, offset: number): void
}

/**
 * Replaces answers of an approximate network, in place, by those of the exact one. Only the few windows that may be faces count: all
 * others are dropped either way. But those must be exact, since among boxes with nearly the same score a tiny difference decides which
 * one stays.
 *
 * @param size side of a window in pixels.
 * @param channels numbers of an answer.
 */
export async function makeExact(
  doubtful: readonly Doubtful[],
  size: number,
  channels: number,
  network: Network,
  signal: AbortSignal | undefined,
): Promise<void> {
  const length = size * size * 3
  const batches: NetworkInput[] = []
  for (let first = 0; first < doubtful.length; first += BATCH) {
    const batch = doubtful.slice(first, first + BATCH)
    const data = new Float32Array(batch.length * length)
    for (const [i, window] of batch.entries()) window.copy(data, i * length)
    batches.push({ data, shape: [batch.length, size, size, 3] })
  }
  const answers = await network.run(batches, signal)
  doubtful.forEach(({ output, at }, i) => {
    const from = (i % BATCH) * channels
    output.set(answers[Math.floor(i / BATCH)].subarray(from, from + channels), at)
  })
}
