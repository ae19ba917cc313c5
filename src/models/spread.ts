import type { Network, NetworkInput } from './network.ts'

/** The same network in another thread. */
export interface NetworkCopy {
  /** Runs inputs, whose data are given away. Rejects where the thread is gone. */
  run(inputs: readonly NetworkInput[]): Promise<Float32Array[]>
  /** Whether its thread still runs. */
  readonly alive: boolean
  dispose(): void
}

/** Rows of one of the inputs of a call, from one before another. */
interface Slice {
  readonly input: number
  readonly from: number
  readonly to: number
}

/**
 * A network that runs batches together with its copies. Results are those of the network alone; where a copy is lost, the network does its
 * part and all that comes later.
 */
export function spreadNetwork(network: Network, copies: readonly NetworkCopy[]): Network {
  return {
    ...network,
    async run(inputs, signal) {
      const alive = copies.filter(copy => copy.alive)
      const [own, ...others] = shareOut(
        inputs.map(({ shape }) => shape[0]),
        alive.length + 1,
      )
      if (others.length === 0 || signal?.aborted) return network.run(inputs, signal)
      // The others are told first: then this thread is busy with its own part.
      const answers = others.map((slices, i) =>
        alive[i].run(cut(inputs, slices)).catch(() => network.run(cut(inputs, slices), signal)),
      )
      const parts = await Promise.all([network.run(cut(inputs, own), signal), ...answers])
      return inputs.map((_, input) => {
        const rows = [own, ...others].flatMap((slices, i) =>
          slices.flatMap((slice, j) => (slice.input === input ? [parts[i][j]] : [])),
        )
        return rows.length === 1 ? rows[0] : concatenate(rows)
      })
    },
    dispose() {
      for (const copy of copies) copy.dispose()
      network.dispose()
    },
  }
}

/** Shares out rows so that no part has more than one more than another, and each has as few pieces as may be. */
export function shareOut(rows: readonly number[], parts: number): Slice[][] {
  const total = rows.reduce((sum, count) => sum + count, 0)
  const used = Math.max(1, Math.min(parts, total))
  return Array.from({ length: used }, (_, part) => {
    const begin = Math.floor((total * part) / used)
    const end = Math.floor((total * (part + 1)) / used)
    let at = 0
    return rows.flatMap((count, input) => {
      const from = Math.max(0, begin - at)
      const to = Math.min(count, end - at)
      at += count
      return from < to ? [{ input, from, to }] : []
    })
  })
}

function cut(inputs: readonly NetworkInput[], slices: readonly Slice[]): NetworkInput[] {
  return slices.map(({ input, from, to }) => {
    const { data, shape } = inputs[input]
    const [, height, width, channels] = shape
    const row = height * width * channels
    return { data: data.slice(from * row, to * row), shape: [to - from, height, width, channels] }
  })
}

function concatenate(arrays: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(arrays.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const array of arrays) {
    whole.set(array, at)
    at += array.length
  }
  return whole
}
