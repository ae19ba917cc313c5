import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core'
import { FacewiseError } from '../errors.ts'
import type { GraphBuilder, NodeRef, Weight } from '../models/graph.ts'
import { product } from './product.ts'
import { normal, randomFrom } from './random.ts'
import { type NamedWeight, type Trainable, unitRows } from './trainable.ts'

/** Options of {@link smallNetwork}. */
export interface SmallNetworkOptions {
  /** Numbers of an embedding; 64 by default. */
  readonly dimension?: number
  /** Channels of the convolutions, each 3 x 3 with stride 2 and ReLU; `[16, 32, 64]` by default. */
  readonly channels?: readonly number[]
}

/**
 * A small convolutional network from pictures `[side, side, 3]` to embeddings: convolutions that halve the map, a dense layer over
 * what is left of it, length one. It is for learning from scratch where faces are unlike all that finished embedders know, and to show how
 * that goes: with a few hundred people it does not come near to an embedder that was trained on millions of pictures.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` for sizes that are not whole numbers over 0.
 */
export function smallNetwork({ dimension = 64, channels = [16, 32, 64] }: SmallNetworkOptions = {}): Trainable {
  if (channels.length === 0 || ![dimension, ...channels].every(size => Number.isInteger(size) && size > 0)) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `Channels and dimension are whole numbers over 0; got [${channels}], ${dimension}.`,
    )
  }
  return {
    dimension,
    convolutional: true,
    anchor: 0,
    start(shape, seed) {
      if (shape.length !== 3 || shape[2] !== 3) {
        throw new FacewiseError('INVALID_ARGUMENT', `This network takes [height, width, 3], not [${shape}].`)
      }
      const random = randomFrom(seed, 0x5e7)
      // He et al., "Delving deep into rectifiers", 2015, arXiv:1502.01852.
      const draw = (name: string, kernel: readonly number[]): NamedWeight => {
        const inputs = kernel.slice(0, -1).reduce((a, b) => a * b, 1)
        const values = Float32Array.from(
          { length: inputs * kernel[kernel.length - 1] },
          () => normal(random) * Math.sqrt(2 / inputs),
        )
        return { name, shape: kernel, values }
      }
      const zeros = (name: string, size: number): NamedWeight => ({
        name,
        shape: [size],
        values: new Float32Array(size),
      })
      let [height, width] = shape
      let inputs = 3
      const weights: NamedWeight[] = []
      channels.forEach((outputs, i) => {
        weights.push(draw(`conv${i}/kernel`, [3, 3, inputs, outputs]), zeros(`conv${i}/bias`, outputs))
        height = Math.ceil(height / 2)
        width = Math.ceil(width / 2)
        inputs = outputs
      })
      weights.push(draw('dense/kernel', [height, width, inputs, dimension]), zeros('dense/bias', dimension))
      return weights
    },
    forward(tf, weights, x) {
      let map = x as Tensor4D
      for (let i = 0; i < channels.length; i++) {
        const [kernel, bias] = [weights[2 * i] as Tensor4D, weights[2 * i + 1]]
        map = tf.relu(tf.add(tf.conv2d(map, kernel, 2, 'same'), bias)) as Tensor4D
      }
      const [kernel, bias] = weights.slice(2 * channels.length) as [Tensor, Tensor]
      const rows = tf.reshape(map, [map.shape[0], -1]) as Tensor2D
      return unitRows(tf, tf.add(product(tf, rows, tf.reshape(kernel, [-1, dimension]) as Tensor2D), bias) as Tensor2D)
    },
  }
}

/** The nodes of a trained {@link smallNetwork} after the input `x`. */
export function addSmallNetwork(graph: GraphBuilder, x: NodeRef, weights: Readonly<Record<string, Weight>>): NodeRef {
  let map = x
  for (let i = 0; weights[`conv${i}/kernel`]; i++) {
    map = graph.conv2d(`conv${i}`, map, {
      filter: weights[`conv${i}/kernel`],
      bias: weights[`conv${i}/bias`],
      activation: 'relu',
      stride: 2,
      padding: 'same',
    })
  }
  // A convolution as large as the map is the dense layer; its result is one pixel, whose mean is itself.
  const whole = graph.conv2d('dense', map, { filter: weights['dense/kernel'], bias: weights['dense/bias'] })
  return graph.normalise('embedding', graph.mean('flat', whole))
}
