import { FacewiseError } from '../errors.ts'
import { CONFIDENCE, clopperPearson, type Interval, type Proportion, proportion } from './intervals.ts'

/**
 * The distances of comparisons, sorted upward: of one person with themself (genuine, "mated" in ISO/IEC 19795-1) and of two people
 * (impostor, "non-mated"). Two faces are taken for one person where their distance is at most the threshold. A distance of
 * `Infinity` is a comparison that could not be made, because no face was found: it matches at no threshold.
 */
export interface Distributions {
  readonly genuine: Float32Array | Float64Array
  readonly impostor: Float32Array | Float64Array
}

/**
 * Sorts distances once for all functions here; millions are fine. The input is not changed.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` where a list is empty or holds not-a-number.
 */
export function distributions(genuine: ArrayLike<number>, impostor: ArrayLike<number>): Distributions {
  return { genuine: sorted(genuine, 'genuine'), impostor: sorted(impostor, 'impostor') }
}

function sorted(distances: ArrayLike<number>, name: string): Float32Array | Float64Array {
  if (distances.length === 0) {
    throw new FacewiseError('INVALID_ARGUMENT', `There are no ${name} distances: rates need both kinds of pairs.`)
  }
  const copy = distances instanceof Float32Array ? distances.slice() : Float64Array.from(distances)
  copy.sort()
  // Not-a-number is sorted to the end.
  if (Number.isNaN(copy[copy.length - 1])) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `The ${name} distances hold NaN: where no face was found the distance is Infinity.`,
    )
  }
  return copy
}

/** False match rate: the share of impostor comparisons at or under `threshold` (ISO/IEC 19795-1; "FAR" in papers). */
export function falseMatchRate({ impostor }: Distributions, threshold: number): Proportion {
  return proportion(countUpTo(impostor, threshold), impostor.length)
}

/** False non-match rate: the share of genuine comparisons over `threshold` (ISO/IEC 19795-1; 1 - "TAR" in papers). */
export function falseNonMatchRate({ genuine }: Distributions, threshold: number): Proportion {
  return proportion(genuine.length - countUpTo(genuine, threshold), genuine.length)
}

/**
 * The largest threshold whose false match rate is at most `fmr` on these impostors. With k = floor(fmr * impostors) errors allowed it
 * lies one step of a double under the (k + 1)-th smallest impostor distance, so that it holds for "less than" as for "at most".
 *
 * @param fmr 0 to 1. At 0 the threshold lies under every impostor.
 * @throws FacewiseError `INVALID_ARGUMENT` for an `fmr` outside 0 to 1.
 */
export function thresholdAtFmr({ impostor }: Distributions, fmr: number): number {
  const allowed = allowedErrors(impostor.length, fmr)
  return nextDown(allowed < impostor.length ? impostor[allowed] : Number.POSITIVE_INFINITY)
}

/** A true accept rate at a wanted false accept rate. */
export interface TarAtFar {
  /** The rate that was asked for. */
  readonly far: number
  /** {@link thresholdAtFmr} */
  readonly threshold: number
  /** The rate that the threshold has on these impostors, at most `far`. */
  readonly measured: Proportion
  readonly tar: Proportion
}

/**
 * TAR at FAR: the share of genuine comparisons that match at the largest threshold whose false match rate is at most `far`. Threshold
 * and rate come from the same comparisons, so it flatters slightly where these are few.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` for a `far` outside 0 to 1.
 */
export function tarAtFar(distances: Distributions, far: number): TarAtFar {
  const threshold = thresholdAtFmr(distances, far)
  const { genuine } = distances
  return {
    far,
    threshold,
    measured: falseMatchRate(distances, threshold),
    tar: proportion(countUpTo(genuine, threshold), genuine.length),
  }
}

/** A rate and where it lies. */
export interface RateAtThreshold {
  readonly rate: number
  readonly threshold: number
}

/**
 * Equal error rate: where false match rate and false non-match rate cross. Both are steps; between the last threshold at which the
 * first is smaller and the next distance they are taken for straight lines. The threshold is the one of the two at which they are nearer.
 */
export function equalErrorRate({ genuine, impostor }: Distributions): RateAtThreshold {
  let before = { threshold: Number.NEGATIVE_INFINITY, fmr: 0, fnmr: 1 }
  for (const { value, matched, falselyMatched } of steps({ genuine, impostor })) {
    const fmr = falselyMatched / impostor.length
    const fnmr = 1 - matched / genuine.length
    if (fmr < fnmr) {
      before = { threshold: value, fmr, fnmr }
      continue
    }
    const under = before.fnmr - before.fmr
    const over = fmr - fnmr
    const rate = before.fmr + (under / (under + over)) * (fmr - before.fmr)
    const nearer = over <= under ? value : before.threshold
    return { rate, threshold: Number.isFinite(nearer) ? nearer : Number.isFinite(value) ? value : before.threshold }
  }
  // At the largest distance everything matches: the rates are 1 and 0, and the loop has returned.
  throw new RangeError('The distances are not sorted.')
}

/**
 * Area under the ROC curve: how often a genuine comparison has a smaller distance than an impostor, ties counting half (Mann and
 * Whitney's U over its largest value).
 */
export function areaUnderCurve({ genuine, impostor }: Distributions): number {
  let sum = 0
  let matched = 0
  let falselyMatched = 0
  for (const step of steps({ genuine, impostor })) {
    const here = step.matched - matched
    const larger = impostor.length - step.falselyMatched
    sum += here * (larger + (step.falselyMatched - falselyMatched) / 2)
    matched = step.matched
    falselyMatched = step.falselyMatched
  }
  return sum / genuine.length / impostor.length
}

/** How many comparisons a threshold judges rightly. */
export interface Accuracy extends Proportion {
  readonly threshold: number
  readonly falseMatches: number
  readonly falseNonMatches: number
}

/** The share of all comparisons, of either kind, that `threshold` judges rightly. It depends on how many there are of each kind. */
export function accuracyAt({ genuine, impostor }: Distributions, threshold: number): Accuracy {
  const falseMatches = countUpTo(impostor, threshold)
  const falseNonMatches = genuine.length - countUpTo(genuine, threshold)
  const total = genuine.length + impostor.length
  return { threshold, falseMatches, falseNonMatches, ...proportion(total - falseMatches - falseNonMatches, total) }
}

/**
 * The threshold with the best accuracy on these comparisons, and that accuracy. Between two distances every threshold is as good:
 * the middle is taken, and of several such gaps the widest.
 */
export function bestAccuracy(distances: Distributions): Accuracy {
  const { genuine, impostor } = distances
  // Under every distance nothing matches, and every impostor is judged rightly.
  const least = Math.min(genuine[0], impostor[0])
  let best = { correct: impostor.length, gap: 0, threshold: nextDown(least) }
  let value = least
  let correct = impostor.length
  const consider = (next: number): void => {
    const gap = next - value
    if (correct < best.correct || (correct === best.correct && !(gap > best.gap))) return
    const middle = value + gap / 2
    best = { correct, gap, threshold: middle < next ? middle : value }
  }
  for (const step of steps(distances)) {
    if (step.value === Number.POSITIVE_INFINITY) break
    consider(step.value)
    value = step.value
    correct = step.matched + impostor.length - step.falselyMatched
  }
  consider(value)
  return accuracyAt(distances, best.threshold)
}

/** Everything that a model says about its thresholds: on what they were measured, and what they are worth. */
export interface ThresholdTable {
  /** The data, in words. */
  readonly measuredOn: string
  /** How many comparisons of each kind there were. */
  readonly genuine: number
  readonly impostor: number
  readonly rates: readonly ThresholdRate[]
}

/** One line of a {@link ThresholdTable}. */
export interface ThresholdRate {
  /** The false match rate that the threshold was chosen for; the measured one is at most that. */
  readonly fmr: number
  readonly threshold: number
  /** 95 % confidence interval of the false match rate at this threshold. */
  readonly fmrInterval: Interval
  /** False non-match rate at this threshold, and its 95 % confidence interval. */
  readonly fnmr: number
  readonly fnmrInterval: Interval
}

/**
 * So many errors must be seen for a rate to be known to within 30 % with 90 % confidence: the "rule of 30" (Doddington, Przybocki,
 * Martin and Reynolds, "The NIST speaker recognition evaluation", Speech Communication 31, 2000; also ISO/IEC 19795-1).
 */
export const RULE_OF_30 = 30

/**
 * Thresholds for the wanted false match rates, largest rate first. A rate at which fewer than {@link RULE_OF_30} impostors would match
 * is left out: its threshold would hang on a handful of pairs. (300,000 impostors carry 1e-4, not 1e-5.)
 *
 * Intervals are Clopper-Pearson's, as if all pairs were independent; `bootstrapRates` gives those over people, which are wider.
 *
 * @param fmrs Rates above 0 and up to 1.
 * @param measuredOn The data, in words: it is what a threshold is worth.
 * @throws FacewiseError `INVALID_ARGUMENT` for empty lists, NaN or rates outside 0 to 1.
 */
export function thresholdTable(
  genuine: ArrayLike<number>,
  impostor: ArrayLike<number>,
  fmrs: readonly number[],
  measuredOn: string,
): ThresholdTable {
  const distances = distributions(genuine, impostor)
  const rates = [...fmrs]
    .sort((a, b) => b - a)
    .filter(fmr => allowedErrors(impostor.length, fmr) >= RULE_OF_30)
    .map(fmr => {
      const threshold = thresholdAtFmr(distances, fmr)
      const { count, total } = falseMatchRate(distances, threshold)
      const { rate, interval } = falseNonMatchRate(distances, threshold)
      return {
        fmr,
        threshold,
        fmrInterval: clopperPearson(count, total, CONFIDENCE),
        fnmr: rate,
        fnmrInterval: interval,
      }
    })
  return { measuredOn, genuine: genuine.length, impostor: impostor.length, rates }
}

/** How many of `total` may be wrong at a rate. 0.29 * 100 is a hair under 29 in doubles: so the product is raised by a few units. */
function allowedErrors(total: number, rate: number): number {
  if (!(rate >= 0 && rate <= 1)) {
    throw new FacewiseError('INVALID_ARGUMENT', `A rate is from 0 to 1, like 1e-3; got ${rate}.`)
  }
  return Math.floor(total * rate * (1 + 4 * Number.EPSILON))
}

/** How many of the sorted numbers are at most `limit`. */
function countUpTo(sortedNumbers: ArrayLike<number>, limit: number): number {
  if (Number.isNaN(limit)) throw new FacewiseError('INVALID_ARGUMENT', 'The threshold is not a number.')
  // A comparison that could not be made matches at no threshold.
  const threshold = Math.min(limit, Number.MAX_VALUE)
  let low = 0
  let high = sortedNumbers.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sortedNumbers[middle] <= threshold) low = middle + 1
    else high = middle
  }
  return low
}

/** The distinct distances, upward, with how many comparisons of each kind are at or under each. */
function* steps({ genuine, impostor }: Distributions): Generator<{
  value: number
  matched: number
  falselyMatched: number
}> {
  let matched = 0
  let falselyMatched = 0
  while (matched < genuine.length || falselyMatched < impostor.length) {
    const value = Math.min(genuine[matched] ?? Infinity, impostor[falselyMatched] ?? Infinity)
    while (genuine[matched] <= value) matched++
    while (impostor[falselyMatched] <= value) falselyMatched++
    yield { value, matched, falselyMatched }
  }
}

/** The largest double below `value`, which is no NaN. */
function nextDown(value: number): number {
  if (value === Number.POSITIVE_INFINITY) return Number.MAX_VALUE
  if (value === 0) return -Number.MIN_VALUE
  const bits = new BigInt64Array(new Float64Array([value]).buffer)
  bits[0] += value > 0 ? -1n : 1n
  return new Float64Array(bits.buffer)[0]
}
