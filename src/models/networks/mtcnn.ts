/**
 * The three networks of MTCNN: Zhang, Zhang, Li, Qiao: "Joint Face Detection and Alignment Using Multitask Cascaded
 * Convolutional Networks", IEEE Signal Processing Letters 23(10), 2016, figure 2, in the form of the authors' released weights.
 *
 * Two changes keep every number and make the graphs cheaper:
 * - all layers are convolutions (a dense layer after a 3x3 map is a 3x3 convolution), so each network is fully convolutional;
 * - the two-way softmax of the face classifier is the logistic function of the difference of its two inputs, so one channel
 *   carries that difference, in the same convolution as the regression: one output and one read-back a network.
 */
import { FacewiseError } from '../../errors.ts'
import {
  GraphBuilder,
  type GraphModelFiles,
  type NodeRef,
  type StoredDtype,
  type Weight,
  type WeightMap,
} from '../graph.ts'

/** Names of the three networks, in the order of the cascade. */
export const MTCNN_NETWORKS = ['pnet', 'rnet', 'onet'] as const

/** The name of one of the three networks. */
export type MtcnnNetwork = (typeof MTCNN_NETWORKS)[number]

/** Channels of a network's output: the face logit, four box offsets and, in O-Net, five x and five y of the landmarks. */
export const MTCNN_CHANNELS: Readonly<Record<MtcnnNetwork, number>> = { pnet: 5, rnet: 5, onet: 15 }

/**
 * Builds one of the networks from weights named as in {@link swapSpatialAxes}'s result.
 *
 * @returns a graph model with input `input` (`[batch, height, width, 3]`, RGB, `(x - 127.5) / 128`) and output `output`
 * (`[batch, h, w, channels]`; h = w = 1 for R-Net at 24x24 and O-Net at 48x48).
 *
 * @param dense how the first dense layers are stored, which hold three quarters of all weights. As float16 they change no detection;
 * the convolutions as float16 do: among boxes with nearly the same score another one wins.
 */
export function buildMtcnn(
  network: MtcnnNetwork,
  weights: WeightMap,
  weightFile: string,
  dense: StoredDtype = 'float16',
): GraphModelFiles {
  const graph = new GraphBuilder()
  const named = (layer: string): Weight => {
    const weight = weights[`${network}/${layer}`]
    if (!weight) throw new FacewiseError('MODEL_INVALID', `The weight "${network}/${layer}" is missing.`)
    return weight
  }
  const conv = (x: NodeRef, layer: string, prelu: number, store: StoredDtype = 'float32'): NodeRef =>
    graph.conv2d(layer, x, {
      filter: asKernel(named(`${layer}/weights`)),
      bias: named(`${layer}/bias`),
      prelu: named(`prelu${prelu}_alpha`),
      store,
    })
  const heads = (x: NodeRef, classifier: string, regressions: readonly string[]): NodeRef => {
    const layers = regressions.map(layer => ({
      filter: asKernel(named(`${layer}/weights`)),
      bias: named(`${layer}/bias`),
    }))
    const logit = {
      filter: faceMinusBackground(asKernel(named(`${classifier}/weights`))),
      bias: faceMinusBackground(named(`${classifier}/bias`)),
    }
    const all = [logit, ...layers]
    return graph.conv2d('heads', x, {
      filter: concatChannels(all.map(h => h.filter)),
      bias: concatChannels(all.map(h => h.bias)),
    })
  }

  let x = graph.input('input', [-1, -1, -1, 3])
  switch (network) {
    case 'pnet':
      x = conv(x, 'conv1', 1)
      x = graph.maxPool('pool1', x, 2, 2, 'same')
      x = conv(x, 'conv2', 2)
      x = conv(x, 'conv3', 3)
      x = heads(x, 'conv4_1', ['conv4_2'])
      break
    case 'rnet':
      x = conv(x, 'conv1', 1)
      x = graph.maxPool('pool1', x, 3, 2, 'same')
      x = conv(x, 'conv2', 2)
      x = graph.maxPool('pool2', x, 3, 2, 'valid')
      x = conv(x, 'conv3', 3)
      x = conv(x, 'fc1', 4, dense)
      x = heads(x, 'fc2_1', ['fc2_2'])
      break
    case 'onet':
      x = conv(x, 'conv1', 1)
      x = graph.maxPool('pool1', x, 3, 2, 'same')
      x = conv(x, 'conv2', 2)
      x = graph.maxPool('pool2', x, 3, 2, 'valid')
      x = conv(x, 'conv3', 3)
      x = graph.maxPool('pool3', x, 2, 2, 'same')
      x = conv(x, 'conv4', 4)
      x = conv(x, 'fc1', 5, dense)
      x = heads(x, 'fc2_1', ['fc2_2', 'fc2_3'])
      break
  }
  graph.output('output', x)
  return graph.build(weightFile)
}

/** A dense layer's `[in, out]` as a convolution over the map that it flattens: 3x3 in R-Net and O-Net, 1x1 after another dense layer. */
function asKernel(weight: Weight): Weight {
  if (weight.shape.length === 4) return weight
  const [rows, out] = weight.shape
  const size = rows % 9 === 0 ? 3 : 1
  return { shape: [size, size, rows / (size * size), out], values: weight.values }
}

/**
 * Turns weights of networks that saw column-major pictures (MATLAB's) into ones for row-major pictures, by swapping the two
 * spatial axes of every kernel and of the map that the first dense layer flattens. The dense layers stay `[in, out]`.
 */
export function swapSpatialAxes(weights: WeightMap): WeightMap {
  return Object.fromEntries(
    Object.entries(weights).map(([name, weight]) => {
      if (!name.endsWith('/weights')) return [name, weight]
      const kernel = asKernel(weight)
      const [height, width, input, output] = kernel.shape
      const block = input * output
      const values = new Float32Array(kernel.values.length)
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const from = (y * width + x) * block
          values.set(kernel.values.subarray(from, from + block), (x * height + y) * block)
        }
      }
      return [name, { shape: weight.shape, values }]
    }),
  )
}

/** From the last axis' pair (background, face): face minus background. */
function faceMinusBackground(weight: Weight): Weight {
  const values = new Float32Array(weight.values.length / 2)
  for (let i = 0; i < values.length; i++) values[i] = weight.values[2 * i + 1] - weight.values[2 * i]
  return { shape: [...weight.shape.slice(0, -1), 1], values }
}

/** Joins weights along their last axis. */
function concatChannels(weights: readonly Weight[]): Weight {
  const channels = weights.map(w => w.shape[w.shape.length - 1])
  const total = channels.reduce((a, b) => a + b, 0)
  const rows = weights[0].values.length / channels[0]
  const values = new Float32Array(rows * total)
  let start = 0
  weights.forEach((weight, k) => {
    for (let row = 0; row < rows; row++) {
      values.set(weight.values.subarray(row * channels[k], (row + 1) * channels[k]), row * total + start)
    }
    start += channels[k]
  })
  return { shape: [...weights[0].shape.slice(0, -1), total], values }
}
