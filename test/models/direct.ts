import type * as Tf from '@tensorflow/tfjs-core'
import type { Weight, WeightMap } from '../../src/models/graph.ts'
import type { MtcnnNetwork } from '../../src/models/networks/mtcnn.ts'
import { random } from '../random.ts'

/** Shapes of the published weights: layers in order, then their PReLUs. */
const SHAPES: Record<MtcnnNetwork, Record<string, number[]>> = {
  pnet: {
    conv1: [3, 3, 3, 10],
    conv2: [3, 3, 10, 16],
    conv3: [3, 3, 16, 32],
    conv4_1: [1, 1, 32, 2],
    conv4_2: [1, 1, 32, 4],
  },
  rnet: {
    conv1: [3, 3, 3, 28],
    conv2: [3, 3, 28, 48],
    conv3: [2, 2, 48, 64],
    fc1: [576, 128],
    fc2_1: [128, 2],
    fc2_2: [128, 4],
  },
  onet: {
    conv1: [3, 3, 3, 32],
    conv2: [3, 3, 32, 64],
    conv3: [3, 3, 64, 64],
    conv4: [2, 2, 64, 128],
    fc1: [1152, 256],
    fc2_1: [256, 2],
    fc2_2: [256, 4],
    fc2_3: [256, 10],
  },
}

/** Weights in the published shapes, of a size that keeps the numbers near one from layer to layer. */
export function randomWeights(seed: number): Record<string, Weight> {
  const { float } = random(seed)
  const weights: Record<string, Weight> = {}
  const add = (name: string, shape: number[], size: number): void => {
    const count = shape.reduce((a, b) => a * b, 1)
    weights[name] = { shape, values: Float32Array.from({ length: count }, () => float(-size, size)) }
  }
  for (const [network, layers] of Object.entries(SHAPES)) {
    let prelu = 1
    for (const [layer, shape] of Object.entries(layers)) {
      const out = shape[shape.length - 1]
      const inputs = shape.slice(0, -1).reduce((a, b) => a * b, 1)
      add(`${network}/${layer}/weights`, shape, Math.sqrt(6 / inputs))
      add(`${network}/${layer}/bias`, [out], 0.3)
      if (!layer.includes('_')) add(`${network}/prelu${prelu++}_alpha`, [out], 0.5)
    }
  }
  return weights
}

/**
 * The networks as the paper draws them, operation by operation, with the published weights as they are: they see the picture with
 * rows and columns exchanged, flatten maps before dense layers, and classify by a softmax over two. Returns, per cell, the probability
 * of a face and the regressions, with rows and columns exchanged back.
 */
export function runDirectly(
  tf: typeof Tf,
  network: MtcnnNetwork,
  weights: WeightMap,
  picture: Tf.Tensor4D,
): Tf.Tensor4D {
  const weight = (name: string): Tf.Tensor => {
    const { shape, values } = weights[`${network}/${name}`]
    return tf.tensor(values, [...shape])
  }
  const exchange = (x: Tf.Tensor4D): Tf.Tensor4D => tf.transpose(x, [0, 2, 1, 3])
  const conv = (x: Tf.Tensor4D, layer: string): Tf.Tensor4D =>
    tf.add(tf.conv2d(x, weight(`${layer}/weights`) as Tf.Tensor4D, 1, 'valid'), weight(`${layer}/bias`))
  const dense = (x: Tf.Tensor2D, layer: string): Tf.Tensor2D =>
    tf.add(tf.matMul(x, weight(`${layer}/weights`) as Tf.Tensor2D), weight(`${layer}/bias`))
  const prelu = <T extends Tf.Tensor>(x: T, index: number): T => {
    const slopes = weight(`prelu${index}_alpha`)
    return tf.add(tf.maximum(x, 0), tf.mul(slopes, tf.minimum(x, 0))) as T
  }
  return tf.tidy(() => {
    let x = prelu(conv(exchange(picture), 'conv1'), 1)
    if (network === 'pnet') {
      x = prelu(conv(tf.maxPool(x, 2, 2, 'same'), 'conv2'), 2)
      x = prelu(conv(x, 'conv3'), 3)
      const face = tf.slice(tf.softmax(conv(x, 'conv4_1')), [0, 0, 0, 1], [-1, -1, -1, 1])
      return exchange(tf.concat([face, conv(x, 'conv4_2')], 3) as Tf.Tensor4D)
    }
    x = prelu(conv(tf.maxPool(x, 3, 2, 'same'), 'conv2'), 2)
    x = prelu(conv(tf.maxPool(x, 3, 2, 'valid'), 'conv3'), 3)
    if (network === 'onet') x = prelu(conv(tf.maxPool(x, 2, 2, 'same'), 'conv4'), 4)
    const flat = tf.reshape(x, [x.shape[0], -1]) as Tf.Tensor2D
    const features = prelu(dense(flat, 'fc1'), network === 'onet' ? 5 : 4)
    const face = tf.slice(tf.softmax(dense(features, 'fc2_1')), [0, 1], [-1, 1])
    const heads = [face, dense(features, 'fc2_2')]
    if (network === 'onet') heads.push(dense(features, 'fc2_3'))
    const row = tf.concat(heads, 1)
    return tf.reshape(row, [row.shape[0], 1, 1, row.shape[1]]) as Tf.Tensor4D
  })
}
