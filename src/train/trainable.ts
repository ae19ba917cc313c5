import type { Tensor, Tensor2D, Variable } from '@tensorflow/tfjs-core'
import type { Weight } from '../models/graph.ts'
import type { TensorFlow } from './gradients.ts'

/** A variable by value. */
export interface NamedWeight extends Weight {
  readonly name: string
}

/** A network that can learn: what {@link head} and {@link smallNetwork} describe. */
export interface Trainable {
  /** Numbers of an embedding that it gives. */
  readonly dimension: number
  /** What it begins with, in a fixed order. @param shape of one sample. */
  start(shape: readonly number[], seed: number): NamedWeight[]
  /** `[batch, ...shape]` to `[batch, dimension]`, each row of length one. */
  forward(tf: TensorFlow, weights: readonly (Tensor | Variable)[], x: Tensor): Tensor2D
  /** Whether it has convolutions, whose gradients not every backend knows. */
  readonly convolutional: boolean
  /** How strongly its weights are held at what they began with, 0 for not at all: the decay of the difference a step. */
  readonly anchor: number
}

/** Rows over their lengths, as the graph's own normalisation does it. */
export function unitRows(tf: TensorFlow, x: Tensor2D): Tensor2D {
  const squares = tf.sum(tf.square(x), 1, true)
  return tf.mul(x, tf.rsqrt(tf.maximum(squares, 1e-10))) as Tensor2D
}
