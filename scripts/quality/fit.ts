import { QUALITY_WEIGHTS, type QualityMeasureName } from '../../src/attributes/quality.ts'

export const NAMES = Object.keys(QUALITY_WEIGHTS) as QualityMeasureName[]

/** What each measure lacks of its best score, in the order of {@link NAMES}. */
export type Lacks = readonly number[]

/** A comparison of two pictures of one person, for the fit. */
export interface Sample {
  readonly a: Lacks
  readonly b: Lacks
  readonly matched: boolean
}

export interface Fit {
  readonly weights: Readonly<Record<QualityMeasureName, number>>
  /** The share of matches of flawless pictures. */
  readonly base: number
  readonly logLikelihood: number
  /** How much the log-likelihood falls without each measure. */
  readonly worth: Readonly<Record<QualityMeasureName, number>>
}

/** Less than this in log-likelihood (a test at the level 0.05 for one parameter), and a measure does not foretell errors beside the others. */
const LEAST_WORTH = 1.92

/**
 * The weights of the score, by the largest likelihood: a comparison matches with the probability base * the lower score of its pictures.
 * Measures are left out one by one, the least one first, until each that stays is worth its place.
 */
export function fitWeights(samples: readonly Sample[]): Fit {
  let names = [...NAMES]
  for (;;) {
    const { weights, base, logLikelihood } = maximise(samples, names)
    const worth = names.map(
      name =>
        logLikelihood -
        maximise(
          samples,
          names.filter(other => other !== name),
          weights,
        ).logLikelihood,
    )
    const least = Math.min(...worth)
    if (names.length > 1 && least < LEAST_WORTH) {
      names = names.filter((_, i) => worth[i] !== least)
      continue
    }
    const all = (of: (name: QualityMeasureName) => number): Record<QualityMeasureName, number> =>
      Object.fromEntries(NAMES.map(name => [name, of(name)])) as Record<QualityMeasureName, number>
    return {
      weights: all(name => weights[NAMES.indexOf(name)]),
      base,
      logLikelihood,
      worth: all(name => (names.includes(name) ? worth[names.indexOf(name)] : 0)),
    }
  }
}

/** One weight after the other, each by golden section, until nothing moves. */
function maximise(
  samples: readonly Sample[],
  names: readonly QualityMeasureName[],
  start?: readonly number[],
): { weights: number[]; base: number; logLikelihood: number } {
  const free = names.map(name => NAMES.indexOf(name))
  const weights = NAMES.map((_, i) => (free.includes(i) ? (start?.[i] ?? 0.2) : 0))
  let base = 0.9
  let before = Number.NEGATIVE_INFINITY
  for (let sweep = 0; sweep < 30; sweep++) {
    base = golden(value => likelihood(samples, weights, value), 0.5, 0.999)
    for (const i of free) {
      weights[i] = golden(value => likelihood(samples, weights.with(i, value), base), 0, 0.99)
    }
    const now = likelihood(samples, weights, base)
    if (now - before < 1e-3) break
    before = now
  }
  return { weights, base, logLikelihood: likelihood(samples, weights, base) }
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
