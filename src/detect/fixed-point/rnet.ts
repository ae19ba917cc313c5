import { throwIfAborted } from '../../errors.ts'
import type { WeightMap } from '../../models/graph.ts'
import type { Network, NetworkInput } from '../../models/network.ts'
import type { KernelMemory } from './memory.ts'
import { FEATURE_SCALE, INPUT_SCALE, type Layer, named, packedBytes, packLayer } from './weights.ts'

/** Side of R-Net's input, and its convolutions; maximum over 3x3 every two pixels behind some, the size rounded up or down. */
const SIZE = 24
const CONVOLUTIONS = [
  { name: 'conv1', pool: 'up' },
  { name: 'conv2', pool: 'down' },
  { name: 'conv3', pool: 'none' },
] as const
const POOL = 3
const PIXELS = SIZE * SIZE * 3

/** On photographs the logits lie within 0.05 of those of the graph. */
const WITHIN = 0.25

/** Crops whose features wait for the dense layer together, so that its many weights are read once for all of them. */
const BATCH = 128

/** A layer in the kernel's memory. */
interface Packed {
  readonly weights: number
  readonly scales: number
  readonly groups: number
  readonly channels: number
  readonly kernelSize: number
  readonly run: number
}

/**
 * R-Net in fixed point, on a batch of crops.
 *
 * @param graph R-Net as a graph model, which gives the weights.
 * @returns nothing if these weights do not fit.
 */
export async function fixedPointRnet(memory: KernelMemory, graph: Network): Promise<Network | undefined> {
  const weights = await graph.weights()
  const convolutions: (Packed & (typeof CONVOLUTIONS)[number])[] = []
  for (const layer of CONVOLUTIONS) {
    const packed = pack(memory, weights, layer.name, convolutions.length === 0)
    if (!packed) return undefined
    convolutions.push({ ...packed, ...layer })
  }
  const dense = pack(memory, weights, 'fc1', false, true)
  const { kernel: heads, bias } = named(weights, 'heads')
  if (!dense || !heads || !bias) return undefined
  const largestMap = (SIZE - 2) ** 2 * convolutions[0].channels * 2
  const rooms = [memory.take(largestMap), memory.take(largestMap)] as const
  const crop = memory.take(PIXELS * 4)
  const features = memory.take(BATCH * dense.run * 2)
  const dots = memory.take(BATCH * dense.channels * 2)
  const outputs = bias.values.length

  /** From the crop to the input of the dense layer. */
  function convolve(to: number): void {
    const { kernel } = memory
    let [input, other] = rooms
    let side = SIZE
    let channels = 3
    kernel.quantise(crop, input, PIXELS, INPUT_SCALE)
    for (const layer of convolutions) {
      const next = side - layer.kernelSize + 1
      const last = layer === convolutions[convolutions.length - 1]
      convolution(layer, input, side, channels, last ? to : other, next)
      ;[input, other] = [other, input]
      side = next
      channels = layer.channels
      if (layer.pool === 'none') continue
      const pooled = (layer.pool === 'up' ? Math.ceil : Math.floor)((side - POOL) / 2) + 1
      kernel.maxPool(input, side, side, channels, POOL, other, pooled, pooled)
      ;[input, other] = [other, input]
      side = pooled
    }
  }

  function convolution(layer: Packed, input: number, side: number, inputs: number, to: number, next: number): void {
    const { kernelSize, run, weights, scales, groups, channels } = layer
    const pixel = inputs * 2
    memory.kernel.conv(input, side * pixel, pixel, kernelSize, run, weights, scales, groups, to, channels, next, next)
  }

  const runBatch = (data: Float32Array, count: number, output: Float32Array): void => {
    const floats = new Float32Array(memory.buffer)
    for (let i = 0; i < count; i++) {
      floats.set(data.subarray(i * PIXELS, (i + 1) * PIXELS), crop / 4)
      convolve(features + i * dense.run * 2)
    }
    const { run, weights, scales, groups, channels } = dense
    memory.kernel.conv(features, 0, run * 2, 1, run, weights, scales, groups, dots, channels, 1, count)
    const values = new Int16Array(memory.buffer, dots, count * channels)
    for (let i = 0; i < count; i++) {
      for (let o = 0; o < outputs; o++) {
        let sum = 0
        for (let k = 0; k < channels; k++) sum += values[i * channels + k] * heads.values[k * outputs + o]
        output[i * outputs + o] = sum / FEATURE_SCALE + bias.values[o]
      }
    }
  }

  return {
    ...graph,
    approximates: { network: graph, within: WITHIN },
    async run(inputs: readonly NetworkInput[], signal) {
      return inputs.map(({ data, shape: [count] }) => {
        throwIfAborted(signal)
        const output = new Float32Array(count * outputs)
        for (let first = 0; first < count; first += BATCH) {
          const part = Math.min(BATCH, count - first)
          runBatch(data.subarray(first * PIXELS, (first + part) * PIXELS), part, output.subarray(first * outputs))
        }
        return output
      })
    },
  }
}

function pack(
  memory: KernelMemory,
  weights: WeightMap,
  name: string,
  first: boolean,
  flat = false,
): Packed | undefined {
  const { kernel, bias, slopes } = named(weights, name)
  if (!kernel || !bias || !slopes) return undefined
  const [size, , inputs, channels] = kernel.shape
  const run = flat ? size * size * inputs : size * inputs
  const groups = Math.ceil(channels / 16)
  const layer: Layer = {
    kernel,
    bias,
    slopes,
    run,
    vectors: groups * 4,
    together: 4,
    first,
    outputScale: FEATURE_SCALE,
  }
  const bytes = packedBytes(layer)
  const address = memory.take(bytes.all)
  if (!packLayer(layer, memory, address)) return undefined
  return { weights: address, scales: address + bytes.taps, groups, channels, kernelSize: size, run }
}
