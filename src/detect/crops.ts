import { splitBatch } from '../models/batches.ts'
import type { Network, NetworkInput } from '../models/network.ts'
import { type Candidates, logit } from './candidates.ts'
import { type Doubtful, makeExact } from './exact.ts'
import type { StageContext } from './stage.ts'

/**
 * Crops every candidate (its square, padded with black outside the picture), resized straight into batches of `size` x `size`, and
 * runs the network on them with one read-back.
 *
 * @param threshold rows of a lower probability may be approximate.
 * @returns the network's rows, `channels` numbers a candidate.
 */
export async function runOnCrops(
  candidates: Candidates,
  network: Network,
  size: number,
  channels: number,
  threshold: number,
  context: StageContext,
): Promise<Float32Array> {
  const started = performance.now()
  const { scale, shift } = network.normalisation
  const crop = size * size * 3
  const inputs: NetworkInput[] = []
  let next = 0
  for (const batch of splitBatch(candidates.count)) {
    const out = new Float32Array(batch * crop)
    const filled = Math.min(batch, candidates.count - next)
    for (let i = 0; i < filled; i++) {
      const at = (next + i) * 4
      const { boxes } = candidates
      // One-based inclusive to zero-based, end not included. A box never has fewer than one pixel.
      const x1 = boxes[at] - 1
      const y1 = boxes[at + 1] - 1
      const x2 = Math.max(x1 + 1, boxes[at + 2])
      const y2 = Math.max(y1 + 1, boxes[at + 3])
      context.sampler.crop(x1, y1, x2, y2, { width: size, height: size, out, offset: i * crop, scale, shift })
    }
    next += filled
    inputs.push({ data: out, shape: [batch, size, size, 3] })
  }
  const prepared = performance.now()
  const outputs = await network.run(inputs, context.signal)
  if (network.approximates) {
    const { network: exact, within } = network.approximates
    const doubtful = doubtfulCrops(outputs, inputs, channels, logit(threshold) - within)
    await makeExact(doubtful, size, channels, exact, context.signal)
  }
  const rows = new Float32Array(candidates.count * channels)
  let at = 0
  for (const output of outputs) {
    const part = output.subarray(0, Math.min(output.length, rows.length - at))
    rows.set(part, at)
    at += part.length
  }
  context.time('prepare', prepared - started)
  context.time('network', performance.now() - prepared)
  return rows
}

/** The crops whose logit reaches `lowest`, to be looked at again. */
function doubtfulCrops(
  outputs: readonly Float32Array[],
  inputs: readonly NetworkInput[],
  channels: number,
  lowest: number,
): Doubtful[] {
  return outputs.flatMap((output, i) => {
    const { data, shape } = inputs[i]
    const length = data.length / shape[0]
    const found: Doubtful[] = []
    for (let row = 0; row < shape[0]; row++) {
      const at = row * channels
      if (output[at] < lowest) continue
      const pixels = data.subarray(row * length, (row + 1) * length)
      found.push({ output, at, copy: (to, offset) => to.set(pixels, offset) })
    }
    return found
  })
}
