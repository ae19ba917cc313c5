import { FacewiseError } from '../errors.ts'
import type { Samples } from './samples.ts'
import type { NamedWeight } from './trainable.ts'

/** Options of {@link whitenWithin}. */
export interface WhiteningOptions {
  /** The mean embedding that the embedder subtracts by its manifest, as for `head`. */
  readonly centre?: ArrayLike<number>
  /**
   * How much of the identity is mixed in, as a multiple of the mean variance, over 0: at 0.1 the pictures decide nearly alone, at 100 the
   * embedder stays nearly as it is; 1 by default. Fewer people need more.
   */
  readonly shrinkage?: number
}

/**
 * Weights of a linear head in closed form, without a step of learning: directions in which pictures of one person differ are made
 * shorter, each by its deviation, so that what a mask or a lamp changes counts less than what tells people apart.
 *
 * With S the covariance within people, pooled over all of them, t its mean variance and s the shrinkage, W W' is the inverse of
 * (S / t + s I) / (1 + s). (Within-class covariance normalisation: Hatch, Kajarekar and Stolcke, "Within-class covariance normalization for
 * SVM-based speaker recognition", Interspeech 2006.) W comes from the Cholesky factor: all square roots differ by a rotation, which angles do
 * not see.
 *
 * To be given to `head` as what it begins with.
 *
 * @returns `W` of `[dimension, dimension]` and `b` of `[dimension]`.
 * @throws FacewiseError `INVALID_ARGUMENT` for samples that are no embeddings, or of nobody with two pictures; a shrinkage that is not
 *   over 0; a mean of another length.
 */
export function whitenWithin(samples: Samples, options: WhiteningOptions = {}): readonly NamedWeight[] {
  return whitenBy(covarianceWithin(samples), options)
}

/** {@link whitenWithin} of a {@link covarianceWithin} that is known. */
export function whitenBy(
  { values: covariance, dimension }: Covariance,
  { centre, shrinkage = 1 }: WhiteningOptions = {},
): readonly NamedWeight[] {
  if (centre && centre.length !== dimension) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `Whitening takes embeddings and a mean of as many numbers; got ${dimension} and a mean of ${centre.length} numbers.`,
    )
  }
  if (!(shrinkage > 0 && Number.isFinite(shrinkage))) {
    throw new FacewiseError('INVALID_ARGUMENT', `Shrinkage is a number over 0, like 1; got ${shrinkage}.`)
  }
  const mean = covariance.reduce((sum, value, i) => (i % (dimension + 1) === 0 ? sum + value : sum), 0) / dimension
  if (!(mean > 0)) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      'Whitening needs people with two different pictures or more: the samples say nothing of how pictures of one person differ.',
    )
  }
  const mixed = covariance.map(
    (value, i) => (value / mean + (i % (dimension + 1) === 0 ? shrinkage : 0)) / (1 + shrinkage),
  )
  const inverse = invertLower(cholesky(mixed, dimension), dimension)
  const W = new Float32Array(dimension * dimension)
  const b = new Float32Array(dimension)
  for (let column = 0; column < dimension; column++) {
    let moved = 0
    for (let row = 0; row <= column; row++) {
      const value = inverse[column * dimension + row]
      W[row * dimension + column] = value
      if (centre) moved -= centre[row] * value
    }
    b[column] = moved
  }
  return [
    { name: 'W', shape: [dimension, dimension], values: W },
    { name: 'b', shape: [dimension], values: b },
  ]
}

/** How pictures of one person differ. */
export interface Covariance {
  readonly dimension: number
  /** The lower triangle, row by row, with the upper one left at 0. */
  readonly values: Float64Array
}

/**
 * Pooled over people, each with its own mean: the sum of squares over (samples - people).
 *
 * @throws FacewiseError `INVALID_ARGUMENT` for samples that are no embeddings.
 */
export function covarianceWithin(samples: Samples): Covariance {
  const [dimension, ...more] = samples.shape
  if (more.length > 0) {
    throw new FacewiseError('INVALID_ARGUMENT', `Whitening takes embeddings, not samples of shape [${samples.shape}].`)
  }
  const groups = new Map<string, number[]>()
  samples.people.forEach((person, i) => {
    groups.set(person, [...(groups.get(person) ?? []), i])
  })
  const sum = new Float64Array(dimension * dimension)
  let freedom = 0
  for (const indices of groups.values()) {
    if (indices.length < 2) continue
    freedom += indices.length - 1
    const rows = samples.read(indices)
    const mean = new Float64Array(dimension)
    rows.forEach((value, i) => {
      mean[i % dimension] += value / indices.length
    })
    for (let from = 0; from < rows.length; from += dimension) {
      const off = mean.map((value, i) => rows[from + i] - value)
      for (let i = 0; i < dimension; i++) {
        for (let j = 0; j <= i; j++) sum[i * dimension + j] += off[i] * off[j]
      }
    }
  }
  return { dimension, values: freedom === 0 ? sum : sum.map(value => value / freedom) }
}

/** L with L L' = A, of which the lower triangle is read. */
function cholesky(A: Float64Array, size: number): Float64Array {
  const L = new Float64Array(size * size)
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = A[i * size + j]
      for (let k = 0; k < j; k++) rest -= L[i * size + k] * L[j * size + k]
      L[i * size + j] = i === j ? Math.sqrt(rest) : rest / L[j * size + j]
    }
  }
  return L
}

/** The inverse of a lower triangle, which is one too. */
function invertLower(L: Float64Array, size: number): Float64Array {
  const inverse = new Float64Array(size * size)
  for (let column = 0; column < size; column++) {
    inverse[column * size + column] = 1 / L[column * size + column]
    for (let row = column + 1; row < size; row++) {
      let sum = 0
      for (let k = column; k < row; k++) sum -= L[row * size + k] * inverse[k * size + column]
      inverse[row * size + column] = sum / L[row * size + row]
    }
  }
  return inverse
}
