import { FacewiseError } from '../errors.ts'
import { decodeFloat16, encodeFloat16 } from './half.ts'
import type { QuantisedWeight, StoredDtype, Weight, WeightSpec } from './weight.ts'

/** The bytes of weights, in the form that TensorFlow.js reads: little-endian, one after the other, without gaps. */

/** A weight and how it is to be stored. */
export interface StoredWeight {
  readonly name: string
  readonly weight: Weight | QuantisedWeight
  /** Of no meaning for a quantised weight. */
  readonly dtype: Exclude<StoredDtype, 'uint8'> | 'int32'
}

/** How many numbers a tensor of this shape has. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)

/** Whether a weight holds bytes that stand for numbers. */
export const isQuantised = (weight: Weight | QuantisedWeight): weight is QuantisedWeight => 'bytes' in weight

/** What `model.json` says of a weight. */
export function specOf({ name, weight, dtype }: StoredWeight): WeightSpec {
  const shape = [...weight.shape]
  if (isQuantised(weight)) {
    const { scale, min } = weight
    return { name, shape, dtype: 'float32', quantization: { dtype: 'uint8', scale, min, original_dtype: 'float32' } }
  }
  if (dtype === 'int32') return { name, shape, dtype }
  const spec: WeightSpec = { name, shape, dtype: 'float32' }
  if (dtype === 'float16') spec.quantization = { dtype: 'float16', original_dtype: 'float32' }
  return spec
}

/** How many bytes a weight takes in its file. */
export function storedBytes({ shape, dtype, quantization }: WeightSpec): number {
  const each = { uint8: 1, uint16: 2, float16: 2, float32: 4, int32: 4 }
  return sizeOf(shape) * each[quantization?.dtype ?? dtype]
}

/** All weights, one after the other. */
export function encodeWeights(weights: readonly StoredWeight[]): Uint8Array {
  const specs = weights.map(specOf)
  const bytes = new Uint8Array(specs.reduce((sum, spec) => sum + storedBytes(spec), 0))
  let offset = 0
  weights.forEach(({ weight, dtype }, i) => {
    bytes.set(encode(weight, dtype), offset)
    offset += storedBytes(specs[i])
  })
  return bytes
}

function encode(weight: Weight | QuantisedWeight, dtype: StoredWeight['dtype']): Uint8Array {
  if (isQuantised(weight)) return weight.bytes
  const { values } = weight
  if (dtype === 'float16') {
    const halves = new Uint16Array(values.length)
    encodeFloat16(values, halves)
    return new Uint8Array(halves.buffer)
  }
  const words = dtype === 'int32' ? Int32Array.from(values) : values
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength)
}

/** Reads one weight from its own bytes into `out`, which has four bytes a number. */
export function decodeWeight({ quantization }: WeightSpec, stored: Uint8Array, out: Float32Array): void {
  if (!quantization) {
    // Integers too: their bits are taken as they are.
    new Uint8Array(out.buffer, out.byteOffset, out.byteLength).set(stored)
    return
  }
  if (quantization.dtype === 'uint8') {
    const { scale, min } = quantization
    const table = Float32Array.from({ length: 256 }, (_, byte) => byte * scale + min)
    for (let i = 0; i < stored.length; i++) out[i] = table[stored[i]]
    return
  }
  // The bytes of a weight begin anywhere; numbers of two bytes must not.
  const aligned = stored.byteOffset % 2 === 0 ? stored : stored.slice()
  const words = new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.length / 2)
  if (quantization.dtype === 'float16') {
    decodeFloat16(words, out)
  } else {
    const { scale, min } = quantization
    for (let i = 0; i < words.length; i++) out[i] = words[i] * scale + min
  }
}

/**
 * A convolution's or dense layer's weights in 8 bits, so that each output channel uses all of them: bytes in one scale from -1 to 1, and
 * a factor for each output channel (the last axis), its largest absolute weight.
 */
export function quantiseByChannel(weight: Weight): { readonly quantised: QuantisedWeight; readonly factors: Weight } {
  const { shape, values } = weight
  const channels = shape[shape.length - 1]
  const largest = new Float32Array(channels)
  for (let i = 0; i < values.length; i += channels) {
    for (let c = 0; c < channels; c++) largest[c] = Math.max(largest[c], Math.abs(values[i + c]))
  }
  const steps = Float64Array.from(largest, size => (size > 0 ? STEPS / size : 0))
  const bytes = new Uint8Array(values.length)
  // Rounding errors are carried on, from tap to tap of an input channel and from channel to channel: what a map's neighbours and
  // channels have in common, their mean above all, then meets errors that add up to nothing.
  const carried = new Float64Array(channels)
  const inputs = shape[shape.length - 2] ?? 1
  const taps = values.length / (inputs * channels)
  for (let input = 0; input < inputs; input++) {
    for (let tap = 0; tap < taps; tap++) {
      const at = (tap * inputs + input) * channels
      for (let c = 0; c < channels; c++) {
        const wanted = values[at + c] * steps[c] + carried[c]
        const step = Math.min(STEPS, Math.max(-STEPS, Math.round(wanted)))
        carried[c] = wanted - step
        bytes[at + c] = step + STEPS
      }
    }
  }
  if (!largest.every(Number.isFinite)) throw new FacewiseError('MODEL_INVALID', 'A weight is not a finite number.')
  return { quantised: { shape, bytes, scale: 1 / STEPS, min: -1 }, factors: { shape: [channels], values: largest } }
}

/** Steps from 0 to the largest weight, so that 0 itself is a step. */
const STEPS = 127

/** The most that one file holds: browsers and content delivery networks cache and resume small files better. */
export const SHARD_BYTES = 4 * 2 ** 20

/** A weight file of a model. */
export interface WeightFile {
  readonly path: string
  readonly bytes: Uint8Array
}

/** Splits the bytes of all weights into files: `name.bin`, or `name.1of3.bin` and so on where one would be too large. */
export function splitIntoFiles(path: string, bytes: Uint8Array): WeightFile[] {
  const count = Math.max(1, Math.ceil(bytes.length / SHARD_BYTES))
  if (count === 1) return [{ path, bytes }]
  const stem = path.replace(/\.bin$/, '')
  return Array.from({ length: count }, (_, i) => ({
    path: `${stem}.${i + 1}of${count}.bin`,
    bytes: bytes.subarray(i * SHARD_BYTES, (i + 1) * SHARD_BYTES),
  }))
}
