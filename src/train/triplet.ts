import { FacewiseError } from '../errors.ts'
import type { Loss } from './loss.ts'
import { type DistanceMatrix, type Selection, selectTriplets, type Triplets } from './selection.ts'

/** The margin of FaceNet's paper, in squared distance on the unit sphere. */
export const FACENET_MARGIN = 0.2

/** Options of {@link tripletLoss}. */
export interface TripletOptions {
  /** `semi-hard` by default. */
  readonly selection?: Selection
  /** In squared distance, which goes from 0 to 4; {@link FACENET_MARGIN} by default. */
  readonly margin?: number
}

/**
 * The triplet loss, max(0, d_ap - d_an + margin) with squared distances on the unit sphere, as a mean over the selected triplets (Schroff,
 * Kalenichenko and Philbin, "FaceNet: a unified embedding for face recognition and clustering", 2015, arXiv:1503.03832, equation 3).
 *
 * @throws FacewiseError `INVALID_ARGUMENT` for a margin that is not over 0 and at most 4.
 */
export function tripletLoss({ selection = 'semi-hard', margin = FACENET_MARGIN }: TripletOptions = {}): Loss {
  if (!(margin > 0 && margin <= 4)) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `A margin in squared distance lies over 0 and up to 4, like 0.2; got ${margin}.`,
    )
  }
  return {
    name: `triplet/${selection}/${margin}`,
    start: tf => ({
      variables: [],
      judge({ embeddings, distances, labels }) {
        const triplets = selectTriplets(selection, distances, labels, margin)
        const { value, active, pull } = tripletTerms(distances, triplets, margin)
        const { count } = distances
        return {
          value,
          terms: triplets.length / 3,
          active,
          // Squared distances are 2 - 2 cos, so with P = pull the gradient is -2 (P + P') E, where E are the embeddings.
          gradientOf: rows =>
            tf.tidy(() => {
              const weights = tf.tensor2d(bothWays(pull, count), [count, count])
              return tf.sum(tf.mul(rows, tf.matMul(weights, embeddings))).asScalar()
            }),
        }
      },
      dispose() {},
    }),
  }
}

/** What selected triplets come to on their distances. */
export interface TripletTerms {
  /** The mean of max(0, d_ap - d_an + margin); 0 where there are no triplets. */
  readonly value: number
  /** Triplets with a loss over 0. */
  readonly active: number
  /**
   * The derivative of `value` by each entry of the distance matrix: within the margin a triplet adds 1 / triplets at (a, p) and takes as
   * much at (a, n). `count * count` numbers.
   */
  readonly pull: Float32Array
}

/** {@link TripletTerms} of a batch. */
export function tripletTerms({ squared, count }: DistanceMatrix, triplets: Triplets, margin: number): TripletTerms {
  const pull = new Float32Array(count * count)
  const total = triplets.length / 3
  let sum = 0
  let active = 0
  for (let t = 0; t < triplets.length; t += 3) {
    const positive = triplets[t] * count + triplets[t + 1]
    const negative = triplets[t] * count + triplets[t + 2]
    const term = squared[positive] - squared[negative] + margin
    if (term <= 0) continue
    sum += term
    active++
    pull[positive] += 1 / total
    pull[negative] -= 1 / total
  }
  return { value: total === 0 ? 0 : sum / total, active, pull }
}

/** -2 (P + P'). */
function bothWays(pull: Float32Array, count: number): Float32Array {
  const out = new Float32Array(count * count)
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < count; j++) out[i * count + j] = -2 * (pull[i * count + j] + pull[j * count + i])
  }
  return out
}
