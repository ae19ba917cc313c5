import type { Weight, WeightMap } from '../../models/graph.ts'
import type { KernelMemory } from './memory.ts'

/** The largest value of an input, which lies in -1 to 1, as a 16-bit number. */
export const INPUT_SCALE = 16_384

/** One unit of a feature map as a 16-bit number: features up to 32 fit, and a larger one becomes 32. On photographs none is over 8. */
export const FEATURE_SCALE = 1024

const LARGEST = 32_767

/** The kernel rounds numbers of less than this. */
const ROUNDABLE = 2 ** 22

/** A layer as the kernel wants it. */
export interface Layer {
  readonly kernel: Weight
  readonly bias: Weight
  readonly slopes?: Weight
  /** Numbers that lie one after another under a row of the kernel's window: its width times its channels. */
  readonly run: number
  /** Vectors of four output channels, and how many of them are computed together. */
  readonly vectors: number
  readonly together: number
  /** Whether the input is the picture; otherwise it is a feature map. */
  readonly first?: boolean
  /** One unit of the output as the number that stands for it. */
  readonly outputScale: number
}

/** The weights of a convolution by its name in the graph model. */
export function named(weights: WeightMap, name: string): Pick<Layer, 'kernel' | 'bias' | 'slopes'> {
  return { kernel: weights[`${name}/kernel`], bias: weights[`${name}/bias`], slopes: weights[`${name}/alpha`] }
}

/** Bytes of a layer's taps, and of everything. */
export function packedBytes({ kernel, slopes, run, vectors }: Layer): { taps: number; all: number } {
  const rows = kernel.values.length / kernel.shape[3] / run
  const taps = rows * Math.ceil(run / 2) * vectors * 16
  return { taps, all: taps + vectors * 16 * (slopes ? 3 : 2) }
}

/**
 * Packs a layer at `address`: pairs of taps for four channels a vector, then the factors that bring sums to the output's unit, the
 * biases and the slopes.
 *
 * @returns false if numbers could leave the range that the kernel rounds.
 */
export function packLayer(layer: Layer, memory: KernelMemory, address: number): boolean {
  const { kernel, bias, slopes, run, vectors, together, first, outputScale } = layer
  const view = new DataView(memory.buffer)
  const largest = first ? INPUT_SCALE : LARGEST
  const inputScale = first ? INPUT_SCALE : FEATURE_SCALE
  const channels = kernel.shape[3]
  const taps = kernel.values.length / channels
  const weight = (tap: number, channel: number): number => kernel.values[tap * channels + channel]
  // Each channel has the finest weights whose sums cannot leave 32 bits, whatever the input.
  const scales = Array.from({ length: channels }, (_, channel) => {
    let highest = 0
    let sum = 0
    for (let tap = 0; tap < taps; tap++) {
      highest = Math.max(highest, Math.abs(weight(tap, channel)))
      sum += Math.abs(weight(tap, channel))
    }
    const room = 2 ** 31 - largest * taps
    return highest > 0 ? Math.min(LARGEST / highest, room / (largest * sum)) : 1
  })
  const quantised = (tap: number, channel: number): number =>
    channel < channels ? Math.round(weight(tap, channel) * scales[channel]) : 0
  let at = address
  for (let group = 0; group < vectors; group += together) {
    for (let start = 0; start < taps; start += run) {
      for (let k = 0; k < run; k += 2) {
        for (let channel = group * 4; channel < (group + together) * 4; channel++, at += 4) {
          view.setInt16(at, quantised(start + k, channel), true)
          view.setInt16(at + 2, k + 1 < run ? quantised(start + k + 1, channel) : 0, true)
        }
      }
    }
  }
  const factor = (channel: number): number => outputScale / (inputScale * scales[channel])
  const offset = (channel: number): number => bias.values[channel] * outputScale
  const lists = slopes ? [factor, offset, (channel: number) => slopes.values[channel]] : [factor, offset]
  for (const list of lists) {
    for (let channel = 0; channel < vectors * 4; channel++, at += 4) {
      view.setFloat32(at, channel < channels ? list(channel) : 0, true)
    }
  }
  if (!slopes) return true
  return scales.every((_, channel) => {
    const reach = 2 ** 31 * factor(channel) + Math.abs(offset(channel))
    return reach * Math.max(1, Math.abs(slopes.values[channel])) < ROUNDABLE
  })
}
