import { QUALITY_WEIGHTS, type QualityMeasureName } from '../../src/attributes/quality.ts'

export const NAMES = Object.keys(QUALITY_WEIGHTS) as QualityMeasureName[]

/** What each measure lacks of its best score, in the order of {@link NAMES}. */
export type Lacks = readonly number[]

/** A comparison of two pictures of one person, for the fit. */
export interface Sample {
  readonly a: Lacks
  readonly b: Lacks
  readonly matched: boolean
  /** Number of the person. */
  readonly subject: number
}

export interface Fit {
  readonly weights: Readonly<Record<QualityMeasureName, number>>
  /** The share of matches of flawless pictures. */
  readonly base: number
  /**
   * How much the log-likelihood of people who were left out of the fit falls without each measure, in standard errors over people; that of
   * measures without a weight is what it was when they were dropped.
   */
  readonly worth: Readonly<Record<QualityMeasureName, number>>
}

const FOLDS = 5

/** Standard errors. Less, and a measure does not foretell errors beside the others. */
const LEAST_WORTH = 2

/**
 * The weights of the score, by the largest likelihood: a comparison matches with the probability base * the lower score of its pictures.
 * Measures are dropped one by one, that of the least worth first, until each that stays foretells errors of people that the fit has not
 * seen (five folds of people).
 */
export function fitWeights(samples: readonly Sample[]): Fit {
  let names = [...NAMES]
  const worth = Object.fromEntries(NAMES.map(name => [name, 0])) as Record<QualityMeasureName, number>
  for (;;) {
    const all = heldOut(samples, names)
    for (const name of names) {
      worth[name] = standardErrors(
        all,
        heldOut(
          samples,
          names.filter(other => other !== name),
        ),
      )
    }
    const [least] = [...names].sort((a, b) => worth[a] - worth[b])
    if (worth[least] >= LEAST_WORTH || names.length === 1) break
    names = names.filter(name => name !== least)
  }
  const { weights, base } = maximise(samples, names)
  const named = Object.fromEntries(NAMES.map((name, i) => [name, weights[i]])) as Record<QualityMeasureName, number>
  return { weights: named, base, worth }
}

/** By how many standard errors, over people, the first log-likelihoods are larger. */
function standardErrors(a: ReadonlyMap<number, number>, b: ReadonlyMap<number, number>): number {
  const gains = [...a].map(([subject, value]) => value - (b.get(subject) ?? 0))
  const sum = gains.reduce((total, value) => total + value, 0)
  const mean = sum / gains.length
  const variance = gains.reduce((total, value) => total + (value - mean) ** 2, 0) / (gains.length - 1)
  return variance > 0 ? sum / Math.sqrt(variance * gains.length) : 0
}

/** The log-likelihood of each person by a fit on the other folds. */
function heldOut(samples: readonly Sample[], names: readonly QualityMeasureName[]): Map<number, number> {
  const sums = new Map<number, number>()
  for (let fold = 0; fold < FOLDS; fold++) {
    const { weights, base } = maximise(
      samples.filter(({ subject }) => subject % FOLDS !== fold),
      names,
    )
    for (const sample of samples) {
      if (sample.subject % FOLDS !== fold) continue
      sums.set(sample.subject, (sums.get(sample.subject) ?? 0) + likelihood([sample], weights, base))
    }
  }
  return sums
}

/** One weight after the other, each by golden section, until nothing moves. */
function maximise(
  samples: readonly Sample[],
  names: readonly QualityMeasureName[],
): { weights: number[]; base: number } {
  const free = names.map(name => NAMES.indexOf(name))
  const weights: number[] = NAMES.map((_, i) => (free.includes(i) ? 0.2 : 0))
  let base = 0.9
  let before = Number.NEGATIVE_INFINITY
  for (let sweep = 0; sweep < 30; sweep++) {
    base = golden(value => likelihood(samples, weights, value), 0.5, 0.999)
    for (const i of free) {
      weights[i] = golden(value => likelihood(samples, weights.with(i, value), base), 0, 0.99)
    }
    const now = likelihood(samples, weights, base)
    if (now - before < 1e-2) break
    before = now
  }
  return { weights, base }
}

function likelihood(samples: readonly Sample[], weights: readonly number[], base: number): number {
  let sum = 0
  for (const { a, b, matched } of samples) {
    const p = base * Math.min(scoreOf(a, weights), scoreOf(b, weights))
    sum += Math.log(matched ? p : 1 - p)
  }
  return sum
}

function scoreOf(lacks: Lacks, weights: readonly number[]): number {
  let score = 1
  for (let i = 0; i < weights.length; i++) score *= 1 - weights[i] * lacks[i]
  return score
}

/** The place of the largest value between two ends, for a function with one hill. */
function golden(f: (x: number) => number, low: number, high: number): number {
  const ratio = (Math.sqrt(5) - 1) / 2
  let x1 = high - ratio * (high - low)
  let x2 = low + ratio * (high - low)
  let f1 = f(x1)
  let f2 = f(x2)
  while (high - low > 2e-3) {
    if (f1 < f2) {
      low = x1
      x1 = x2
      f1 = f2
      x2 = low + ratio * (high - low)
      f2 = f(x2)
    } else {
      high = x2
      x2 = x1
      f2 = f1
      x1 = high - ratio * (high - low)
      f1 = f(x1)
    }
  }
  // The hill may stand at the lower end, which golden section only comes near.
  const middle = (low + high) / 2
  return middle < 0.01 && f(0) >= f(middle) ? 0 : middle
}
