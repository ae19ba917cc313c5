import { FacewiseError } from '../errors.ts'

/** What a classifier of labels got right, and what it took for what. */
export interface Confusion {
  readonly labels: readonly string[]
  /** `counts[i][j]`: how many of label i it took for label j. */
  readonly counts: readonly (readonly number[])[]
  readonly total: number
  readonly correct: number
  /** Share of all that it got right, 0 to 1. */
  readonly accuracy: number
  /** Mean over the labels that occur of the share that it got right: rare labels count as much as common ones. */
  readonly balancedAccuracy: number
  readonly perLabel: readonly LabelScore[]
}

/** How well one label is recognised; not-a-number where nothing is there to be counted. */
export interface LabelScore {
  readonly label: string
  readonly count: number
  /** Share of those with the label that were given it. */
  readonly recall: number
  /** Share of those given the label that have it. */
  readonly precision: number
}

/**
 * The confusion matrix of guesses, and what follows from it.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` for lists of different lengths or a label that is not among `labels`.
 */
export function confusion(labels: readonly string[], truth: readonly string[], guesses: readonly string[]): Confusion {
  assertPaired(truth, guesses)
  const counts = labels.map(() => labels.map(() => 0))
  const at = (label: string): number => {
    const index = labels.indexOf(label)
    if (index >= 0) return index
    throw new FacewiseError('INVALID_ARGUMENT', `"${label}" is none of the labels ${labels.join(', ')}.`)
  }
  truth.forEach((label, i) => {
    counts[at(label)][at(guesses[i])]++
  })
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)
  const perLabel = labels.map((label, i): LabelScore => {
    const count = sum(counts[i])
    const given = sum(counts.map(row => row[i]))
    return { label, count, recall: counts[i][i] / count, precision: counts[i][i] / given }
  })
  const occurring = perLabel.filter(({ count }) => count > 0)
  const correct = sum(counts.map((row, i) => row[i]))
  return {
    labels,
    counts,
    total: truth.length,
    correct,
    accuracy: correct / truth.length,
    balancedAccuracy: sum(occurring.map(({ recall }) => recall)) / occurring.length,
    perLabel,
  }
}

/** How far guesses of age are off, in years; not-a-number where there are none. */
export interface AgeErrors {
  readonly count: number
  /** Mean absolute error. */
  readonly mae: number
  /** Mean error: above 0 where people are taken for older than they are. */
  readonly bias: number
  /** Share of guesses within five years, 0 to 1. */
  readonly withinFive: number
}

/** @throws FacewiseError `INVALID_ARGUMENT` for lists of different lengths. */
export function ageErrors(truth: readonly number[], guesses: readonly number[]): AgeErrors {
  assertPaired(truth, guesses)
  const errors = guesses.map((guess, i) => guess - truth[i])
  const mean = (of: (error: number) => number): number => errors.reduce((sum, e) => sum + of(e), 0) / errors.length
  return {
    count: errors.length,
    mae: mean(Math.abs),
    bias: mean(error => error),
    withinFive: mean(error => (Math.abs(error) <= 5 ? 1 : 0)),
  }
}

/** Bands of age, as they are reported: the first year of each. */
export const AGE_BANDS = [0, 13, 20, 40, 60] as const

/** The name of the band in which an age in years lies, `20-39` or `60+`. */
export function ageBand(age: number): string {
  const i = AGE_BANDS.findLastIndex(first => age >= first)
  return i === AGE_BANDS.length - 1
    ? `${AGE_BANDS[i]}+`
    : `${AGE_BANDS[Math.max(0, i)]}-${AGE_BANDS[Math.max(0, i) + 1] - 1}`
}

function assertPaired(a: readonly unknown[], b: readonly unknown[]): void {
  if (a.length === b.length) return
  throw new FacewiseError(
    'INVALID_ARGUMENT',
    `Every item has one guess; got ${a.length} items and ${b.length} guesses.`,
  )
}
