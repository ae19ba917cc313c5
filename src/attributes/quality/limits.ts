import { FacewiseError } from '../../errors.ts'

/** What is measured of a face; see `QualityMeasures`. */
export type QualityMeasureName =
  | 'size'
  | 'sharpness'
  | 'noise'
  | 'brightness'
  | 'exposure'
  | 'contrast'
  | 'evenness'
  | 'pose'
  | 'edge'
  | 'confidence'

/** A measure has the score 0 at `bad` and beyond, 1 at `good` and beyond, and goes evenly between; which of them is larger is free. */
export type QualityLimit = readonly [bad: number, good: number]

/** The limits of all measures, in their units. Brightness can be too low and too high. */
export type QualityLimits = Readonly<
  Record<Exclude<QualityMeasureName, 'brightness'>, QualityLimit> & {
    brightness: readonly [dark: number, lightEnough: number, darkEnough: number, bright: number]
  }
>

/** How much each measure takes away at most: the score is the product of 1 - weight * (1 - score of the measure). */
export type QualityWeights = Readonly<Record<QualityMeasureName, number>>

/**
 * From where to where true matches of faces get lost, seen on the training people of LFW and their pictures made worse; see
 * `docs/quality.md`.
 */
export const QUALITY_LIMITS: QualityLimits = {
  size: [12, 36],
  sharpness: [0, 0.25],
  noise: [0.12, 0.015],
  brightness: [0.02, 0.1, 0.7, 0.95],
  exposure: [0.8, 0.05],
  contrast: [0.03, 0.12],
  evenness: [0.6, 0.2],
  pose: [50, 22],
  edge: [0.6, 0.2],
  confidence: [0.8, 0.995],
}

/**
 * Fitted on the training people of LFW (`npm run measure:quality`): at its worst, a measure alone costs this share of the true matches. The
 * others were not shown to foretell errors beside these, so they count nothing; their reasons are advice.
 */
export const QUALITY_WEIGHTS: QualityWeights = {
  size: 0,
  sharpness: 0.29,
  noise: 0.73,
  brightness: 0,
  exposure: 0,
  contrast: 0,
  evenness: 0,
  pose: 0,
  edge: 0.93,
  confidence: 0.91,
}

/** The score of a value between the limits. */
export function ramp(value: number, [bad, good]: QualityLimit): number {
  return Math.min(1, Math.max(0, (value - bad) / (good - bad)))
}

/** The defaults with what the caller changes. @throws FacewiseError `INVALID_ARGUMENT` for numbers that make no sense. */
export function limitsOf(changed: Partial<QualityLimits> = {}): QualityLimits {
  const limits = { ...QUALITY_LIMITS, ...defined(changed) }
  for (const [name, limit] of Object.entries(limits) as [QualityMeasureName, readonly number[]][]) {
    const right =
      name === 'brightness'
        ? limit.length === 4 && limit[0] < limit[1] && limit[1] <= limit[2] && limit[2] < limit[3]
        : limit.length === 2 && limit[0] !== limit[1]
    if (!right || limit.some(value => !Number.isFinite(value))) {
      const form = name === 'brightness' ? 'four numbers that grow' : 'two different numbers, bad and good'
      throw new FacewiseError('INVALID_ARGUMENT', `The limit of ${name} is ${form}; got ${JSON.stringify(limit)}.`)
    }
  }
  return limits
}

/** The defaults with what the caller changes. @throws FacewiseError `INVALID_ARGUMENT` for a weight that is not 0 to 1. */
export function weightsOf(changed: Partial<QualityWeights> = {}): QualityWeights {
  const weights = { ...QUALITY_WEIGHTS, ...defined(changed) }
  for (const [name, weight] of Object.entries(weights)) {
    if (!(weight >= 0 && weight <= 1)) {
      throw new FacewiseError('INVALID_ARGUMENT', `The weight of ${name} is from 0 to 1; got ${weight}.`)
    }
  }
  return weights
}

function defined<T extends object>(object: T): Partial<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Partial<T>
}
