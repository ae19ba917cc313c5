/**
 * dlib's residual network for face recognition, with a 128-dimensional embedding: Davis King's `dlib_face_recognition_resnet_model_v1`
 * (https://blog.dlib.net/2017/02/high-quality-face-recognition-with-deep.html), a ResNet of 29 convolutions (He, Zhang, Ren, Sun: "Deep
 * Residual Learning for Image Recognition", CVPR 2016, with half the filters), trained so that two pictures of a person come
 * closer than 0.6.
 *
 * Each convolution is followed by a factor and a shift for each channel, which are folded: the factor becomes one of the kernel, so that
 * bytes stay the bytes that were published, and the shift goes into the bias.
 */
import {
  type Activation,
  GraphBuilder,
  type GraphModelFiles,
  type NodeRef,
  type QuantisedWeight,
  type Weight,
} from '../graph.ts'
import { weightOf } from '../weight.ts'
import { isQuantised } from '../weight-file.ts'

/** Height and width of the input. */
export const DLIB_RESNET_SIZE = 150

/** Numbers of the embedding. */
export const DLIB_RESNET_DIMENSION = 128

/** The residual blocks with their channels, in order. A `down` block halves the map. */
const BLOCKS: readonly (readonly [name: string, channels: number])[] = [
  ['conv32_1', 32],
  ['conv32_2', 32],
  ['conv32_3', 32],
  ['conv64_down', 64],
  ['conv64_1', 64],
  ['conv64_2', 64],
  ['conv64_3', 64],
  ['conv128_down', 128],
  ['conv128_1', 128],
  ['conv128_2', 128],
  ['conv256_down', 256],
  ['conv256_1', 256],
  ['conv256_2', 256],
  ['conv256_down_out', 256],
]

/** A map of the network. */
interface Map {
  readonly node: NodeRef
  readonly channels: number
  readonly size: number
}

/**
 * Builds the network.
 *
 * @param weights as the npm package `@vladmandic/face-api` names and stores them: for each convolution `LAYER/conv/filters`
 * (`[height, width, in, out]`), `LAYER/conv/bias`, `LAYER/scale/weights` and `LAYER/scale/biases`, and `fc` (`[256, 128]`). Kernels that
 * come as bytes are stored as these bytes, others as float16.
 * @param weightFile name of the weight file, `name.bin`; over 4 MiB it is split into `name.1of2.bin` and so on.
 * @returns a graph model with input `input` (`[batch, 150, 150, 3]`, RGB, less the mean, over 256) and output `embedding`
 * (`[batch, 128]`, not normalised).
 * @throws FacewiseError `MODEL_INVALID` for a weight that is missing or has another shape, by its name.
 */
export function buildDlibResnet(
  weights: Readonly<Record<string, Weight | QuantisedWeight>>,
  weightFile: string,
): GraphModelFiles {
  const graph = new GraphBuilder()

  const named = (name: string, shape: readonly number[]) => weightOf(weights, name, shape)
  const vector = (name: string, channels: number): Float32Array => {
    const weight = named(name, [channels])
    return isQuantised(weight)
      ? Float32Array.from(weight.bytes, byte => byte * weight.scale + weight.min)
      : weight.values
  }

  interface ConvOptions {
    readonly channels: number
    readonly kernel?: number
    readonly down?: boolean
    readonly activation: Activation
  }
  const conv = (x: Map, layer: string, { channels, kernel = 3, down = false, activation }: ConvOptions): Map => {
    const filter = named(`${layer}/conv/filters`, [kernel, kernel, x.channels, channels])
    const factors = vector(`${layer}/scale/weights`, channels)
    const shift = vector(`${layer}/scale/biases`, channels)
    const bias = vector(`${layer}/conv/bias`, channels).map((value, c) => value * factors[c] + shift[c])
    const node = graph.conv2d(layer, x.node, {
      ...(isQuantised(filter)
        ? { filter, factors: { shape: [channels], values: factors } }
        : { filter: scaled(filter, factors), store: 'float16' as const }),
      bias: { shape: [channels], values: bias },
      activation,
      stride: down ? 2 : 1,
      padding: down ? 'valid' : 'same',
    })
    return { node, channels, size: down ? Math.floor((x.size - kernel) / 2) + 1 : x.size }
  }

  const residual = (x: Map, block: string, channels: number): Map => {
    const down = block.includes('_down')
    const first = conv(x, `${block}/conv1`, { channels, down, activation: 'relu' })
    let inner = conv(first, `${block}/conv2`, { channels, activation: 'none' })
    let identity = x
    if (down) {
      const node = graph.avgPool(`${block}/pool`, x.node, 2, 2, 'valid')
      identity = { node, channels: x.channels, size: x.size >> 1 }
    }
    // Where the two differ in size, zeros fill the smaller one up, below, to the right and in further channels.
    const missing = identity.size - inner.size
    if (missing > 0) {
      const node = graph.pad(`${block}/inner`, inner.node, { rows: missing, columns: missing })
      inner = { ...inner, node, size: identity.size }
    }
    if (channels > identity.channels) {
      const node = graph.pad(`${block}/identity`, identity.node, { channels: channels - identity.channels })
      identity = { ...identity, node, channels }
    }
    return { ...inner, node: graph.sum(`${block}/out`, identity.node, inner.node, 'relu') }
  }

  const size = DLIB_RESNET_SIZE
  let x: Map = { node: graph.input('input', [-1, size, size, 3]), channels: 3, size }
  x = conv(x, 'conv32_down', { channels: 32, kernel: 7, down: true, activation: 'relu' })
  x = { ...x, node: graph.maxPool('pool', x.node, 3, 2, 'valid'), size: Math.floor((x.size - 3) / 2) + 1 }
  for (const [block, channels] of BLOCKS) x = residual(x, block, channels)
  const fc = named('fc', [x.channels, DLIB_RESNET_DIMENSION])
  graph.output('embedding', graph.dense('fc', graph.mean('mean', x.node), { kernel: fc, store: 'float16' }))
  return graph.build(weightFile)
}

/** A kernel times a factor for each output channel. */
function scaled({ shape, values }: Weight, factors: Float32Array): Weight {
  const period = factors.length
  return { shape, values: values.map((value, i) => value * factors[i % period]) }
}
