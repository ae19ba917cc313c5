import { FacewiseError } from '../errors.ts'

/** Says how sure a distance makes one: see {@link confidence}. */
export interface Calibration {
  /** Change of the log odds per unit of distance; negative. */
  readonly slope: number
  /** Log odds at distance 0. */
  readonly intercept: number
}

/**
 * How likely two faces are one person's, 0 to 1, given their distance: 1 / (1 + exp(-(slope * distance + intercept))).
 *
 * It is the share of genuine comparisons among those of this distance where both kinds are equally frequent. Where one of 1,000
 * comparisons is genuine, add ln(1/999) to the intercept.
 *
 * @param distance In the metric that the calibration was fitted on. `Infinity` gives 0.
 * @throws FacewiseError `INVALID_ARGUMENT` for a distance that is not a number.
 */
export function confidence(distance: number, { slope, intercept }: Calibration): number {
  const logOdds = slope * distance + intercept
  if (Number.isNaN(logOdds)) throw new FacewiseError('INVALID_ARGUMENT', `Distance ${distance} gives no confidence.`)
  return sigmoid(logOdds)
}

/** More steps than Newton's method with halving has ever needed here; each is a pass over all distances. */
const MAX_STEPS = 100

/**
 * Fits {@link confidence} to measured distances: logistic regression of "same person" on distance, each kind having half the
 * weight however many there are, so that the prior is even.
 *
 * By Platt's method ("Probabilistic outputs for support vector machines", 1999) in the form of Lin, Lin and Weng ("A note on Platt's
 * probabilistic outputs for support vector machines", Machine Learning 68(3), 2007): Newton steps, halved until the loss falls, towards the
 * targets (n + 1) / (n + 2) instead of 1 and 1 / (n + 2) instead of 0. So distances that separate the kinds without an error,
 * on which plain logistic regression grows without end, give a finite slope, the steeper the more comparisons there are.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` for an empty list, a number that is not finite (leave out comparisons that could not be
 * made), or genuine distances that are not smaller than impostor distances.
 */
export function fitCalibration(genuine: ArrayLike<number>, impostor: ArrayLike<number>): Calibration {
  const { centre, spread } = scaleOf([genuine, impostor])
  const kinds = [kindOf(genuine, 1), kindOf(impostor, 0)]
  // On distances of mean 0 and deviation 1 the two unknowns are of one size and nearly independent.
  let point = { slope: 0, intercept: 0 }
  let here = loss(kinds, point, centre, spread)
  for (let step = 0; step < MAX_STEPS; step++) {
    const { gradient, curvature } = here
    // A whisker on the diagonal keeps the system solvable where every confidence is 0 or 1.
    const [a, b, c] = [curvature[0] + 1e-12, curvature[1], curvature[2] + 1e-12]
    const determinant = a * c - b * b
    const slopeStep = -(c * gradient[0] - b * gradient[1]) / determinant
    const interceptStep = -(a * gradient[1] - b * gradient[0]) / determinant
    const descent = gradient[0] * slopeStep + gradient[1] * interceptStep
    if (descent > -1e-14) break
    let size = 1
    let next = here
    let reached = point
    while (size > 1e-10) {
      reached = { slope: point.slope + size * slopeStep, intercept: point.intercept + size * interceptStep }
      next = loss(kinds, reached, centre, spread)
      if (next.value < here.value + 1e-4 * size * descent) break
      size /= 2
    }
    if (!(next.value < here.value)) break
    point = reached
    here = next
  }
  if (!(point.slope < 0)) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      'The genuine distances are not smaller than the impostor distances: are the lists swapped, or are these similarities?',
    )
  }
  const slope = point.slope / spread
  return { slope, intercept: point.intercept - slope * centre }
}

/** Comparisons of one kind, what confidence they should have, and the weight of each. */
interface Kind {
  readonly distances: ArrayLike<number>
  readonly target: number
  readonly weight: number
}

function kindOf(distances: ArrayLike<number>, same: 0 | 1): Kind {
  const n = distances.length
  return { distances, target: same ? (n + 1) / (n + 2) : 1 / (n + 2), weight: 0.5 / n }
}

/** Mean and standard deviation over both kinds, each with half the weight. */
function scaleOf(lists: readonly ArrayLike<number>[]): { centre: number; spread: number } {
  const mean = (of: (distance: number) => number): number => {
    let total = 0
    for (const list of lists) {
      let sum = 0
      for (let i = 0; i < list.length; i++) sum += of(list[i])
      total += sum / list.length / lists.length
    }
    return total
  }
  if (lists.some(list => list.length === 0)) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      'A calibration needs genuine and impostor distances; one list is empty.',
    )
  }
  const centre = mean(distance => distance)
  const spread = Math.sqrt(mean(distance => (distance - centre) ** 2))
  if (!Number.isFinite(spread)) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      'A distance is not finite: leave out comparisons that could not be made, for they say nothing of distances.',
    )
  }
  if (!(spread > 0)) {
    throw new FacewiseError('INVALID_ARGUMENT', 'All distances are equal: nothing can be calibrated on them.')
  }
  return { centre, spread }
}

/** Cross entropy with its first and second derivatives: gradient by slope and intercept; slope twice, mixed, intercept twice. */
interface Loss {
  readonly value: number
  readonly gradient: readonly [number, number]
  readonly curvature: readonly [number, number, number]
}

function loss(kinds: readonly Kind[], point: Calibration, centre: number, spread: number): Loss {
  let value = 0
  let g0 = 0
  let g1 = 0
  let h00 = 0
  let h01 = 0
  let h11 = 0
  for (const { distances, target, weight } of kinds) {
    for (let i = 0; i < distances.length; i++) {
      const x = (distances[i] - centre) / spread
      const z = point.slope * x + point.intercept
      // exp() of the negative number of the two, so that nothing overflows.
      const e = Math.exp(-Math.abs(z))
      const p = z >= 0 ? 1 / (1 + e) : e / (1 + e)
      value += weight * (Math.log1p(e) + (z >= 0 ? (1 - target) * z : -target * z))
      const error = weight * (p - target)
      g0 += error * x
      g1 += error
      const curve = (weight * e) / ((1 + e) * (1 + e))
      h00 += curve * x * x
      h01 += curve * x
      h11 += curve
    }
  }
  return { value, gradient: [g0, g1], curvature: [h00, h01, h11] }
}

function sigmoid(z: number): number {
  const e = Math.exp(-Math.abs(z))
  return z >= 0 ? 1 / (1 + e) : e / (1 + e)
}
