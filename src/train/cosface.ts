import type { Scalar, Tensor2D } from '@tensorflow/tfjs-core'
import { FacewiseError } from '../errors.ts'
import type { TensorFlow } from './gradients.ts'
import type { Loss } from './loss.ts'
import { product } from './product.ts'
import { normal, randomFrom } from './random.ts'

/** Options of {@link cosFaceLoss}. */
export interface CosFaceOptions {
  /** What is taken from the cosine to the own person's centre, 0 to under 2; 0.35 by default, as in the paper. */
  readonly margin?: number
  /** What cosines are multiplied by before the softmax, over 0; 30 by default. (The paper has 64 for 85,000 people.) */
  readonly scale?: number
}

/**
 * Softmax with a margin on the cosine: -log of the share that exp(s (cos_y - m)) has among itself and exp(s cos_j) of all other people j,
 * as a mean over the batch (Wang et al., "CosFace: large margin cosine loss for deep face recognition", 2018, arXiv:1801.09414, equation
 * 4). It learns a centre for each person beside the embeddings, so it needs no triplets, but a list of people that is known beforehand.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` for a margin or scale outside its range.
 */
export function cosFaceLoss({ margin = 0.35, scale = 30 }: CosFaceOptions = {}): Loss {
  if (!(margin >= 0 && margin < 2 && scale > 0 && Number.isFinite(scale))) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `CosFace has a margin from 0 to under 2 and a scale over 0; got ${margin}, ${scale}.`,
    )
  }
  return {
    name: `cosface/${margin}/${scale}`,
    start(tf, { people, dimension, seed }) {
      const random = randomFrom(seed, 0xc05)
      const start = Float32Array.from({ length: dimension * people }, () => normal(random) / Math.sqrt(dimension))
      const centres = tf.variable(tf.tensor2d(start, [dimension, people]))
      return {
        variables: [centres],
        async judge({ embeddings, labels }) {
          const logitsOf = (rows: Tensor2D): Tensor2D =>
            tf.tidy(() => marginLogits(tf, rows, centres as unknown as Tensor2D, labels, margin, scale))
          const logits = logitsOf(embeddings)
          const rows = await logits.array().finally(() => logits.dispose())
          const { value, active } = softmaxTerms(rows, labels)
          const peaks = rows.map(row => Math.max(...row))
          return {
            value,
            terms: labels.length,
            active,
            gradientOf: rows =>
              tf.tidy(() => {
                const peak = tf.tensor2d(peaks, [peaks.length, 1])
                const logits = tf.sub(logitsOf(rows), peak)
                const target = tf.sum(tf.mul(logits, oneHot(tf, labels, people)), 1)
                return tf.mean(tf.sub(tf.log(tf.sum(tf.exp(logits), 1)), target)) as Scalar
              }),
          }
        },
        dispose: () => centres.dispose(),
      }
    },
  }
}

/** `scale * (cos - margin at the own person)`, `[rows, people]`. */
function marginLogits(
  tf: TensorFlow,
  rows: Tensor2D,
  centres: Tensor2D,
  labels: Int32Array,
  margin: number,
  scale: number,
): Tensor2D {
  const lengths = tf.sqrt(tf.sum(tf.square(centres), 0, true))
  const cosines = product(tf, rows, tf.div(centres, lengths) as Tensor2D)
  const own = tf.mul(oneHot(tf, labels, centres.shape[1]), margin)
  return tf.mul(tf.sub(cosines, own), scale) as Tensor2D
}

function oneHot(tf: TensorFlow, labels: Int32Array, people: number): Tensor2D {
  const ones = new Float32Array(labels.length * people)
  labels.forEach((label, i) => {
    ones[i * people + label] = 1
  })
  return tf.tensor2d(ones, [labels.length, people])
}

/** Cross entropy of rows of logits, and in how many of them another person than the right one is first. */
function softmaxTerms(rows: readonly number[][], labels: Int32Array): { value: number; active: number } {
  let value = 0
  let active = 0
  rows.forEach((row, i) => {
    const peak = Math.max(...row)
    value += Math.log(row.reduce((sum, logit) => sum + Math.exp(logit - peak), 0)) + peak - row[labels[i]]
    if (row[labels[i]] < peak) active++
  })
  return { value: value / rows.length, active }
}
