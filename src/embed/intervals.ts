import { FacewiseError } from '../errors.ts'

/** A share that was counted: `count` of `total`, with the interval in which the true share lies. */
export interface Proportion {
  readonly count: number
  readonly total: number
  /** `count / total`, 0 to 1; not-a-number where `total` is 0. */
  readonly rate: number
  /** Lowest and highest share that agree with the count (see {@link clopperPearson}). */
  readonly interval: Interval
}

/** Lower and upper end of a confidence interval. */
export type Interval = readonly [lower: number, upper: number]

/** The confidence of intervals where nothing else is said. */
export const CONFIDENCE = 0.95

/** `count` of `total` with its {@link clopperPearson} interval. */
export function proportion(count: number, total: number, confidence: number = CONFIDENCE): Proportion {
  return { count, total, rate: count / total, interval: clopperPearson(count, total, confidence) }
}

/**
 * The exact confidence interval of a share (Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case
 * of the binomial", Biometrika 26(4), 1934).
 *
 * This one, and not Wilson's, because the shares here are rates of rare errors: Wilson's interval holds its confidence on average
 * over all rates but falls below it near 0, where a false match rate lies; this one never does. It takes the trials for independent,
 * which pairs that share a person are not: `bootstrapRates` asks the people instead of the pairs.
 *
 * @returns `[0, 1]` where `total` is 0.
 * @throws FacewiseError `INVALID_ARGUMENT` unless 0 <= `count` <= `total` and 0 < `confidence` < 1.
 */
export function clopperPearson(count: number, total: number, confidence: number = CONFIDENCE): Interval {
  if (!(count >= 0 && count <= total)) {
    throw new FacewiseError('INVALID_ARGUMENT', `A count is from 0 to its total; got ${count} of ${total}.`)
  }
  if (!(confidence > 0 && confidence < 1)) {
    throw new FacewiseError('INVALID_ARGUMENT', `A confidence lies between 0 and 1, like 0.95; got ${confidence}.`)
  }
  const tail = (1 - confidence) / 2
  const lower = count === 0 ? 0 : betaQuantile(tail, count, total - count + 1)
  const upper = count === total ? 1 : betaQuantile(1 - tail, count + 1, total - count)
  return [lower, upper]
}

/** The x at which the beta distribution of (a, b) has the share `p` below it, by halving. */
function betaQuantile(p: number, a: number, b: number): number {
  let low = 0
  let high = 1
  while (high - low > 1e-12 * high) {
    const middle = (low + high) / 2
    if (incompleteBeta(middle, a, b) < p) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** The regularised incomplete beta function I_x(a, b) (NIST Digital Library of Mathematical Functions, 8.17.22). */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0
  if (x >= 1) return 1
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x))
  // On either side of the mean the fraction of the nearer tail converges fast.
  if (x < (a + 1) / (a + b + 2)) return (front * betaFraction(x, a, b)) / a
  return 1 - (front * betaFraction(1 - x, b, a)) / b
}

/** The continued fraction of 8.17.22, from the front by Lentz's method. */
function betaFraction(x: number, a: number, b: number): number {
  const tiny = 1e-300
  let c = 1
  let d = 1 / away(1 - ((a + b) * x) / (a + 1))
  let fraction = d
  for (let m = 1; m < 100_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / away(1 + even * d)
    c = away(1 + even / c)
    fraction *= c * d
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / away(1 + odd * d)
    c = away(1 + odd / c)
    const step = c * d
    fraction *= step
    if (Math.abs(step - 1) < 1e-15) break
  }
  return fraction

  function away(value: number): number {
    return Math.abs(value) < tiny ? tiny : value
  }
}

/** ln gamma(x), x > 0, by Stirling's series (DLMF 5.11.1), after moving x to where its first terms do. */
function logGamma(x: number): number {
  let shift = 0
  let at = x
  for (; at < 15; at++) shift -= Math.log(at)
  const square = 1 / (at * at)
  const series = (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square / 1188)))) / at
  return shift + (at - 0.5) * Math.log(at) - at + 0.5 * Math.log(2 * Math.PI) + series
}
