import { FacewiseError } from '../errors.ts'
import { CONFIDENCE, type Interval } from './intervals.ts'

/** Comparisons that know whose they are; subjects are numbered 0 to before `subjects`. */
export interface SubjectComparisons {
  readonly subjects: number
  /** Comparison i is of two pictures of `subject[i]`. */
  readonly genuine: { readonly distances: Float32Array; readonly subject: Int32Array }
  /** Comparison i is of a picture of `first[i]` with one of `second[i]`. */
  readonly impostor: { readonly distances: Float32Array; readonly first: Int32Array; readonly second: Int32Array }
}

/** How {@link bootstrapRates} draws. */
export interface BootstrapOptions {
  /** How often people are drawn; 1,000 by default. */
  readonly replicates?: number
  /** Same seed, same intervals; 1 by default. */
  readonly seed?: number
  /** 0.95 by default. */
  readonly confidence?: number
}

/** Intervals of both rates at one threshold. */
export interface BootstrapRates {
  readonly fmrInterval: Interval
  readonly fnmrInterval: Interval
}

/**
 * Confidence intervals of false match and false non-match rate at a threshold that take people, not pairs, for the sample: pairs
 * that share a person err together, so that millions of pairs of a few hundred people are worth far less than as many independent ones.
 *
 * Each replicate draws as many people as there are, with replacement; a genuine comparison counts as often as its person was drawn,
 * an impostor comparison as often as the one times as often as the other. The interval holds the middle share `confidence` of the rates (the
 * percentile method, Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7(1), 1979; over people: Bolle, Ratha
 * and Pankanti, "Error analysis of pattern recognition systems: the subsets bootstrap", CVIU 93(1), 2004).
 *
 * Where no error was seen it can only say 0: under some 30 errors trust `clopperPearson`'s upper end instead. Time grows with
 * replicates times people squared: 0.3 s for 700 people.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` for numbers of subjects out of range, lists of different lengths or options that make no sense.
 */
export function bootstrapRates(
  comparisons: SubjectComparisons,
  threshold: number,
  options: BootstrapOptions = {},
): BootstrapRates {
  const { replicates = 1000, seed = 1, confidence = CONFIDENCE } = options
  if (!(Number.isInteger(replicates) && replicates >= 1) || !(confidence > 0 && confidence < 1)) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      'A bootstrap needs 1 or more replicates and a confidence between 0 and 1.',
    )
  }
  if (Number.isNaN(threshold)) throw new FacewiseError('INVALID_ARGUMENT', 'The threshold is not a number.')
  check(comparisons)
  const { subjects } = comparisons
  const genuine = countGenuine(comparisons, threshold)
  const impostor = countImpostors(comparisons, threshold)
  const random = generator(seed)
  const drawn = new Int32Array(subjects)
  const fmrs: number[] = []
  const fnmrs: number[] = []
  for (let replicate = 0; replicate < replicates; replicate++) {
    drawn.fill(0)
    for (let i = 0; i < subjects; i++) drawn[Math.floor(random() * subjects)]++
    fnmrs.push(genuine(drawn))
    fmrs.push(impostor(drawn))
  }
  return { fmrInterval: percentiles(fmrs, confidence), fnmrInterval: percentiles(fnmrs, confidence) }
}

/** A rate as a function of how often each person was drawn; not-a-number where none of the comparisons was drawn. */
type WeightedRate = (drawn: Int32Array) => number

function countGenuine({ genuine, subjects }: SubjectComparisons, threshold: number): WeightedRate {
  const totals = new Float64Array(subjects)
  const errors = new Float64Array(subjects)
  genuine.subject.forEach((subject, i) => {
    totals[subject]++
    if (!matches(genuine.distances[i], threshold)) errors[subject]++
  })
  return drawn => {
    let total = 0
    let wrong = 0
    for (let s = 0; s < drawn.length; s++) {
      total += drawn[s] * totals[s]
      wrong += drawn[s] * errors[s]
    }
    return wrong / total
  }
}

/** Comparisons are counted per pair of people once, so that a replicate costs people squared and not pictures squared. */
function countImpostors({ impostor, subjects }: SubjectComparisons, threshold: number): WeightedRate {
  const totals = new Int32Array((subjects * (subjects + 1)) / 2)
  const errors = new Map<number, { low: number; high: number; count: number }>()
  for (let i = 0; i < impostor.first.length; i++) {
    const low = Math.min(impostor.first[i], impostor.second[i])
    const high = Math.max(impostor.first[i], impostor.second[i])
    const cell = (high * (high + 1)) / 2 + low
    totals[cell]++
    if (!matches(impostor.distances[i], threshold)) continue
    const error = errors.get(cell)
    if (error) error.count++
    else errors.set(cell, { low, high, count: 1 })
  }
  const wrongPairs = [...errors.values()]
  return drawn => {
    let total = 0
    for (let high = 0; high < subjects; high++) {
      if (drawn[high] === 0) continue
      const row = (high * (high + 1)) / 2
      let sum = 0
      for (let low = 0; low <= high; low++) sum += drawn[low] * totals[row + low]
      total += drawn[high] * sum
    }
    let wrong = 0
    for (const { low, high, count } of wrongPairs) wrong += drawn[low] * drawn[high] * count
    return wrong / total
  }
}

/** A comparison that could not be made has the distance Infinity and matches at no threshold. */
const matches = (distance: number, threshold: number): boolean => distance <= threshold && distance !== Infinity

function percentiles(rates: readonly number[], confidence: number): Interval {
  const known = Float64Array.from(rates.filter(rate => !Number.isNaN(rate))).sort()
  if (known.length === 0) return [0, 1]
  const at = (share: number): number => known[Math.min(known.length - 1, Math.floor(share * known.length))]
  const tail = (1 - confidence) / 2
  return [at(tail), at(1 - tail)]
}

function check({ genuine, impostor, subjects }: SubjectComparisons): void {
  const lists = [
    ['genuine', genuine.distances, genuine.subject],
    ['impostor', impostor.distances, impostor.first],
    ['impostor', impostor.distances, impostor.second],
  ] as const
  for (const [name, distances, numbers] of lists) {
    if (distances.length !== numbers.length) {
      throw new FacewiseError(
        'INVALID_ARGUMENT',
        `There are ${distances.length} ${name} distances and ${numbers.length} subjects: each needs its own.`,
      )
    }
    const wrong = numbers.find(number => !(number >= 0 && number < subjects))
    if (wrong !== undefined) {
      throw new FacewiseError('INVALID_ARGUMENT', `Subjects are numbered 0 to ${subjects - 1}; got ${wrong}.`)
    }
  }
}

/** Numbers from 0 to below 1 that are the same everywhere: `Math.random` cannot be seeded (xorshift, Marsaglia 2003). */
function generator(seed: number): () => number {
  // Multiplied, so that neighbouring seeds begin far apart; the state must not be 0.
  let state = Math.imul(seed | 0, 0x9e3779b1) || 0x9e3779b1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}
