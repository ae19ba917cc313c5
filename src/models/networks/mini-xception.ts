/**
 * mini-Xception for emotions: Octavio Arriaga, Matias Valdenegro-Toro, Paul Plöger: "Real-time Convolutional Neural Networks for Emotion
 * and Gender Classification", 2017, arXiv:1710.07557 (https://github.com/oarriaga/face_classification), in the form with two residual
 * modules of depthwise separable convolutions. It looks at a grey picture.
 *
 * Grey is a weighted sum of the colours, and the first layer a weighted sum of greys: the two are one convolution over colours here, so
 * that the network takes RGB as every other does.
 */
import { type Activation, GraphBuilder, type GraphModelFiles, type NodeRef, type Weight } from '../graph.ts'
import { weightOf } from '../weight.ts'

/** Height and width of the input. */
export const MINI_XCEPTION_SIZE = 64

/** Shares of red, green and blue in grey: ITU-R BT.601, as rounded by those who published the weights. */
const LUMA = [0.2989, 0.587, 0.114] as const

/** The prefix of the published names. */
const MODEL = 'StatefulPartitionedCall/model_1'

/** The kernels of the depthwise convolutions and of the last layer have lost their names in publication. */
const DEPTHWISE = ['unknown_9', 'unknown_15', 'unknown_26', 'unknown_32'] as const
const CLASSIFIER = { kernel: 'unknown_43', bias: 'unknown_44' } as const

/**
 * Builds the network.
 *
 * @param weights as `models/emotion.json` of the npm package `@vladmandic/human` names them, batch norms folded already.
 * @param labels how many emotions it tells apart.
 * @param weightFile name of the weight file, `name.bin`.
 * @returns a graph model with input `input` (`[batch, 64, 64, 3]`, RGB from -1 to 1) and output `scores` (`[batch, labels]`, which sum to 1).
 * @throws FacewiseError `MODEL_INVALID` for a weight that is missing or has another shape, by its name.
 */
export function buildMiniXception(
  weights: Readonly<Record<string, Weight>>,
  labels: number,
  weightFile: string,
): GraphModelFiles {
  const graph = new GraphBuilder()
  const store = 'float16' as const

  interface ConvOptions {
    readonly from: number
    readonly to: number
    readonly activation?: Activation
    readonly stride?: number
    readonly padding?: 'valid' | 'same'
  }
  /** A 1x1 convolution; `published` is its name up to `_weights`. */
  const pointwise = (name: string, x: NodeRef, published: string, options: ConvOptions): NodeRef => {
    const { from, to, ...rest } = options
    return graph.conv2d(name, x, {
      filter: weightOf(weights, `${MODEL}/${published}_weights`, [1, 1, from, to]),
      bias: weightOf(weights, `${MODEL}/${published}_bn_offset`, [to]),
      store,
      ...rest,
    })
  }
  /** The `index`th separable convolution, counted from 1. */
  const separable = (x: NodeRef, index: number, options: ConvOptions): NodeRef => {
    const filter = weightOf(weights, DEPTHWISE[index - 1], [3, 3, options.from, 1])
    const depthwise = graph.depthwiseConv2d(`separable${index}/depthwise`, x, { filter, padding: 'same', store })
    return pointwise(`separable${index}`, depthwise, `separable_conv2d_${index}/separable_conv2d`, options)
  }
  /** A residual module: two separable convolutions and a pooling, beside a 1x1 convolution of step 2. */
  const module = (x: NodeRef, index: number, from: number, to: number): NodeRef => {
    const shortcut = pointwise(`shortcut${index}`, x, `conv2d_${index + 2}/Conv2D`, {
      from,
      to,
      stride: 2,
      padding: 'same',
    })
    // The first module's input comes from a ReLU.
    const positive = index === 1 ? x : graph.relu(`module${index}/relu`, x)
    const first = separable(positive, index * 2 - 1, { from, to, activation: 'relu' })
    const second = separable(first, index * 2, { from: to, to })
    return graph.sum(`module${index}`, graph.maxPool(`module${index}/pool`, second, 3, 2, 'same'), shortcut)
  }

  const size = MINI_XCEPTION_SIZE
  let x = graph.input('input', [-1, size, size, 3])
  x = graph.conv2d('conv1', x, {
    filter: overColours(weightOf(weights, `${MODEL}/conv2d_1/Conv2D_weights`, [3, 3, 1, 32])),
    bias: weightOf(weights, `${MODEL}/conv2d_1/Conv2D_bn_offset`, [32]),
    stride: 2,
    activation: 'relu',
  })
  x = graph.conv2d('conv2', x, {
    filter: weightOf(weights, `${MODEL}/conv2d_2/Conv2D_weights`, [3, 3, 32, 64]),
    bias: weightOf(weights, `${MODEL}/conv2d_2/Conv2D_bn_offset`, [64]),
    activation: 'relu',
    store,
  })
  x = module(x, 1, 64, 128)
  x = module(x, 2, 128, 256)
  x = graph.conv2d('classifier', x, {
    filter: weightOf(weights, CLASSIFIER.kernel, [3, 3, 256, labels]),
    bias: weightOf(weights, CLASSIFIER.bias, [labels]),
    padding: 'same',
    store,
  })
  graph.output('scores', graph.softmax('softmax', graph.mean('mean', x)))
  return graph.build(weightFile)
}

/** A kernel over grey, `[height, width, 1, out]`, as one over red, green and blue. */
function overColours({ shape: [height, width, , out], values }: Weight): Weight {
  const result = new Float32Array(values.length * 3)
  for (let cell = 0; cell < height * width; cell++) {
    for (let colour = 0; colour < 3; colour++) {
      for (let c = 0; c < out; c++) {
        result[(cell * 3 + colour) * out + c] = values[cell * out + c] * LUMA[colour]
      }
    }
  }
  return { shape: [height, width, 3, out], values: result }
}
