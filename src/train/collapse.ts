import { FacewiseError } from '../errors.ts'
import type { DistanceMatrix } from './selection.ts'

/** How far the embeddings of a batch are spread. */
export interface Spread {
  /** Mean squared distance of different rows: 2 where they point anywhere, 0 where all are one. */
  readonly distance: number
  /**
   * In how many directions they differ: (trace C)^2 / trace(C^2) of their covariance C, from 1 (all on a line) to the number of rows
   * less one; 0 where all are one.
   */
  readonly dimensions: number
}

/**
 * The {@link Spread} of a batch, from its distances alone: the doubly centred matrix -J D J / 2 of squared distances D has the non-zero
 * eigenvalues of the scatter (Torgerson, "Multidimensional scaling", Psychometrika 17(4), 1952).
 */
export function spreadOf({ squared, count }: DistanceMatrix): Spread {
  const means = new Float64Array(count)
  let total = 0
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < count; j++) means[i] += squared[i * count + j] / count
    total += means[i] / count
  }
  let trace = 0
  let traceOfSquare = 0
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < count; j++) {
      const product = -(squared[i * count + j] - means[i] - means[j] + total) / 2
      if (i === j) trace += product
      traceOfSquare += product * product
    }
  }
  const distance = count < 2 ? 0 : (total * count) / (count - 1)
  return { distance, dimensions: traceOfSquare > 0 ? trace ** 2 / traceOfSquare : 0 }
}

/** Of the spread at the start of a run, so much must be left. */
const LEAST_SHARE = 0.01
/** Under this float32 cannot tell embeddings apart. */
const LEAST_DISTANCE = 1e-6
/** So many people cannot be told apart along one line. */
const LINE_PEOPLE = 8
const LEAST_DIMENSIONS = 1.2

/**
 * Throws where all faces have become one: the loss then stays at the margin, and looks like learning that has come to rest.
 *
 * @param start the spread of the run's first batch.
 * @param people different people of the batch.
 * @throws FacewiseError `NETWORK_FAILED` that says what to change.
 */
export function refuseCollapse(now: Spread, start: Spread, people: number, epoch: number): void {
  const where = `The embeddings collapsed in epoch ${epoch}`
  const advice = 'Select semi-hard triplets, or lower the learning rate.'
  if (!Number.isFinite(now.distance)) {
    throw new FacewiseError(
      'NETWORK_FAILED',
      `The embeddings are not finite in epoch ${epoch}. Lower the learning rate.`,
    )
  }
  if (now.distance < LEAST_DISTANCE || now.distance < LEAST_SHARE * start.distance) {
    throw new FacewiseError(
      'NETWORK_FAILED',
      `${where}: faces lie ${now.distance.toExponential(1)} apart (squared), ${start.distance.toExponential(1)} at the start. ${advice}`,
    )
  }
  if (people >= LINE_PEOPLE && now.dimensions < LEAST_DIMENSIONS && start.dimensions >= 2 * LEAST_DIMENSIONS) {
    throw new FacewiseError('NETWORK_FAILED', `${where}: all faces lie on one line. ${advice}`)
  }
}
