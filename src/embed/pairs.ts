import { FacewiseError } from '../errors.ts'
import {
  distance,
  distanceBlock,
  type Metric,
  packVectors,
  rowsOf,
  type Vector,
  type VectorMatrix,
} from '../metrics.ts'
import type { SubjectComparisons } from './bootstrap.ts'
import { CONFIDENCE, type Proportion, proportion } from './intervals.ts'
import {
  type Accuracy,
  accuracyAt,
  areaUnderCurve,
  bestAccuracy,
  distributions,
  equalErrorRate,
  type RateAtThreshold,
  type TarAtFar,
  tarAtFar,
} from './rates.ts'

/** Two pictures, and whether they show one person. */
export interface Pair {
  readonly a: string
  readonly b: string
  readonly same: boolean
}

const HEADER = 'path_a,path_b,same'

/**
 * Reads a list of pairs: a first line `path_a,path_b,same`, then one pair a line, `same` being 1 for one person and 0 for two. A path
 * with a comma or a quotation mark stands in quotation marks, those inside doubled (RFC 4180). Empty lines are skipped.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` with the number of the line, counted from 1.
 */
export function parsePairs(csv: string): Pair[] {
  const lines = csv.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)
  if (lines[0].trim() !== HEADER) {
    throw lineError(1, `expected the header '${HEADER}', found '${shorten(lines[0])}'`)
  }
  const pairs: Pair[] = []
  for (let i = 1; i < lines.length; i++) {
    if (lines[i].trim() === '') continue
    const fields = fieldsOf(lines[i])
    if (fields?.length !== 3) throw lineError(i + 1, `expected three fields, found '${shorten(lines[i])}'`)
    const [a, b, same] = fields
    if (a === '' || b === '') throw lineError(i + 1, 'a path is empty')
    if (same !== '0' && same !== '1') {
      throw lineError(i + 1, `'same' is 1 (one person) or 0 (two people), found '${shorten(same)}'`)
    }
    pairs.push({ a, b, same: same === '1' })
  }
  return pairs
}

/** The fields of one line without spaces around them, or nothing where a quotation mark stands alone. */
function fieldsOf(line: string): string[] | undefined {
  const fields: string[] = []
  const field = /\s*(?:"((?:[^"]|"")*)"|([^",]*))\s*(,|$)/y
  for (;;) {
    const match = field.exec(line)
    if (!match) return undefined
    fields.push(match[1] === undefined ? match[2].trim() : match[1].replaceAll('""', '"'))
    if (match[3] === '') return fields
  }
}

const shorten = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}...` : text)

function lineError(line: number, what: string): FacewiseError {
  return new FacewiseError('INVALID_ARGUMENT', `Line ${line} of the list of pairs: ${what}.`)
}

/**
 * The distance of each pair; `Infinity` where no face was found in one of its pictures, which matches at no threshold.
 *
 * @param embeddings By path; `undefined` for a picture in which no face was found.
 * @throws FacewiseError `INVALID_ARGUMENT` that names a picture that has no entry, or vectors as in `distance`.
 */
export function pairDistances(
  pairs: readonly Pair[],
  embeddings: ReadonlyMap<string, Vector | undefined>,
  metric: Metric = 'cosine',
): Float64Array {
  for (const { a, b } of pairs) {
    const unknown = [a, b].find(path => !embeddings.has(path))
    if (unknown !== undefined) {
      throw new FacewiseError(
        'INVALID_ARGUMENT',
        `'${unknown}' has no embedding: give 'undefined' for a picture without a face.`,
      )
    }
  }
  return Float64Array.from(pairs, ({ a, b }) => {
    const first = embeddings.get(a)
    const second = embeddings.get(b)
    return first && second ? distance(first, second, metric) : Number.POSITIVE_INFINITY
  })
}

/** How well distances tell one person from two on a list of pairs. */
export interface PairScore {
  readonly genuine: number
  readonly impostor: number
  /** Pairs in which a picture had no face, of each kind; both count as errors of the accuracies. */
  readonly missedGenuine: number
  readonly missedImpostor: number
  /** At a threshold that was chosen elsewhere; absent where none was given. */
  readonly accuracy?: Accuracy
  /** At the threshold that is best on these pairs: an upper limit, not what a user will see. */
  readonly bestAccuracy: Accuracy
  readonly auc: number
  readonly eer: RateAtThreshold
  /** Largest FAR first. */
  readonly tarAtFar: readonly TarAtFar[]
}

/** What {@link scorePairs} should look at. */
export interface ScoreOptions {
  /** A threshold chosen on other pairs. */
  readonly threshold?: number
  /** 1e-2 and 1e-3 by default. */
  readonly fars?: readonly number[]
}

/**
 * Scores the distances of a list of pairs. Every pair counts:
 * - A genuine pair without a face is a false non-match in every figure.
 * - An impostor pair without a face is an error in both accuracies. In AUC, EER and TAR at FAR it is a comparison that did not match: a
 *   failure to acquire raises FNMR, not FMR (ISO/IEC 19795-1, generalised rates).
 *
 * TAR at FAR takes its thresholds from these same pairs, not from other folds, and so flatters where impostors are few: with 500 of
 * them FAR 1e-3 means under the nearest impostor. The interval of `measured` says what the FAR may truly be.
 *
 * @param distances One a pair; `Infinity` where no face was found (see {@link pairDistances}).
 * @throws FacewiseError `INVALID_ARGUMENT` where lengths differ, a distance is NaN or a kind of pair is missing.
 */
export function scorePairs(
  pairs: readonly Pair[],
  distances: ArrayLike<number>,
  options: ScoreOptions = {},
): PairScore {
  const { threshold, fars = [1e-2, 1e-3] } = options
  if (pairs.length !== distances.length) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `There are ${pairs.length} pairs and ${distances.length} distances: each pair needs one, Infinity where no face was found.`,
    )
  }
  const of = (same: boolean): Float64Array => Float64Array.from(distances).filter((_, i) => pairs[i].same === same)
  const sorted = distributions(of(true), of(false))
  const { genuine, impostor } = sorted
  const missedGenuine = missed(genuine)
  const missedImpostor = missed(impostor)
  const counted = (accuracy: Accuracy): Accuracy => ({
    ...accuracy,
    ...withErrors(accuracy, missedImpostor),
  })
  return {
    genuine: genuine.length,
    impostor: impostor.length,
    missedGenuine,
    missedImpostor,
    ...(threshold === undefined ? {} : { accuracy: counted(accuracyAt(sorted, threshold)) }),
    bestAccuracy: counted(bestAccuracy(sorted)),
    auc: areaUnderCurve(sorted),
    eer: equalErrorRate(sorted),
    tarAtFar: [...fars].sort((a, b) => b - a).map(far => tarAtFar(sorted, far)),
  }
}

function missed(distances: ArrayLike<number>): number {
  let count = 0
  // Sorted, so they are at the end.
  while (distances[distances.length - 1 - count] === Number.POSITIVE_INFINITY) count++
  return count
}

const withErrors = ({ count, total }: Proportion, errors: number): Proportion =>
  proportion(count - errors, total, CONFIDENCE)

/** {@link SubjectComparisons} with the names of the people. */
export interface AllPairs extends SubjectComparisons {
  /** Subject i is `names[i]`. */
  readonly names: readonly string[]
}

/** Rows that are compared with all later ones at a time: some megabytes of distances. */
const BLOCK_ROWS = 64

/**
 * Compares all pictures with all others, each pair once: the distances of the same person's pictures, and those of different people's.
 * A few thousand pictures give millions of impostors, on which rates of 1e-4 can be measured. 12 bytes an impostor pair.
 *
 * @param embeddings An array of vectors or a matrix of `packVectors`. @param subjects For each embedding the name of its person.
 * @throws FacewiseError `INVALID_ARGUMENT` for lists of different lengths, or vectors as in `distance`.
 */
export function allPairs(
  embeddings: readonly Vector[] | VectorMatrix,
  subjects: readonly string[],
  metric: Metric = 'cosine',
): AllPairs {
  const matrix = 'data' in embeddings ? embeddings : packVectors(embeddings)
  const { count } = matrix
  if (count !== subjects.length) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `There are ${count} embeddings and ${subjects.length} subjects: each needs its own.`,
    )
  }
  const names = [...new Set(subjects)]
  const numbers = new Map(names.map((name, i) => [name, i]))
  const subject = Int32Array.from(subjects, name => numbers.get(name) ?? -1)
  const pictures = new Int32Array(names.length)
  for (const number of subject) pictures[number]++
  const same = pictures.reduce((sum, n) => sum + (n * (n - 1)) / 2, 0)
  const different = (count * (count - 1)) / 2 - same
  const genuine = { distances: new Float32Array(same), subject: new Int32Array(same) }
  const impostor = {
    distances: new Float32Array(different),
    first: new Int32Array(different),
    second: new Int32Array(different),
  }
  let g = 0
  let m = 0
  for (let from = 0; from < count; from += BLOCK_ROWS) {
    const later = rowsOf(matrix, from, count)
    const block = distanceBlock(rowsOf(matrix, from, from + BLOCK_ROWS), later, metric)
    const rows = Math.min(BLOCK_ROWS, count - from)
    for (let i = 0; i < rows; i++) {
      for (let j = i + 1; j < later.count; j++) {
        const value = block[i * later.count + j]
        if (subject[from + i] === subject[from + j]) {
          genuine.distances[g] = value
          genuine.subject[g++] = subject[from + i]
        } else {
          impostor.distances[m] = value
          impostor.first[m] = subject[from + i]
          impostor.second[m++] = subject[from + j]
        }
      }
    }
  }
  return { subjects: names.length, names, genuine, impostor }
}
