import { FacewiseError } from './errors.ts'

/**
 * How far apart two embeddings are. All of them say the same of vectors of length one, on other scales (see {@link convertDistance}):
 * - `cosine`: 1 - cos(a, b), from 0 (same direction) to 2 (opposite);
 * - `euclidean`: |a - b|, for unit vectors from 0 to 2;
 * - `squared-euclidean`: |a - b|^2, for unit vectors from 0 to 4. This is what FaceNet's paper and its code call the distance.
 */
export type Metric = 'cosine' | 'euclidean' | 'squared-euclidean'

/** The numbers of one embedding. */
export type Vector = ArrayLike<number>

/** Embeddings of one dimension, one after the other without gaps: row i begins at `i * dimension`. */
export interface VectorMatrix {
  /** `count * dimension` numbers. */
  readonly data: Float32Array
  readonly count: number
  readonly dimension: number
}

/**
 * The distance between two embeddings, summed in double precision; 0 for two equal ones.
 *
 * @param metric `cosine` by default.
 * @throws FacewiseError `INVALID_ARGUMENT` for vectors of different lengths (they come from different models), empty ones, numbers that
 * are not finite and, where the metric is `cosine`, a vector of zeros, which has no direction.
 */
export function distance(a: Vector, b: Vector, metric: Metric = 'cosine'): number {
  checkMetric(metric)
  checkLengths(a.length, b.length)
  if (metric === 'cosine') {
    const squaredA = checkLength(dot(a, a), 'The first vector', true)
    const squaredB = checkLength(dot(b, b), 'The second vector', true)
    return cosineDistance(dot(a, b), squaredA, squaredB)
  }
  let squared = 0
  for (let i = 0; i < a.length; i++) {
    const difference = a[i] - b[i]
    squared += difference * difference
  }
  if (!Number.isFinite(squared)) {
    checkLength(dot(a, a), 'The first vector', false)
    checkLength(dot(b, b), 'The second vector', false)
  }
  return metric === 'euclidean' ? Math.sqrt(squared) : squared
}

/**
 * The cosine similarity of two embeddings, from -1 to 1: the cosine of the angle between them.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` as {@link distance}.
 */
export function similarity(a: Vector, b: Vector): number {
  return 1 - distance(a, b, 'cosine')
}

/**
 * A distance (or a threshold) of one metric in another, for vectors of length one: |a - b|^2 = 2 - 2 cos(a, b). So cosine 0.4 is
 * squared Euclidean 0.8 and Euclidean 0.894.
 *
 * @param value At least 0. Values over the metric's range are converted by the same formula.
 * @throws FacewiseError `INVALID_ARGUMENT` for a negative number or no number.
 */
export function convertDistance(value: number, from: Metric, to: Metric): number {
  checkMetric(from)
  checkMetric(to)
  if (!(value >= 0)) throw new FacewiseError('INVALID_ARGUMENT', `A distance is 0 or more; got ${value}.`)
  // Not by way of the square where nothing changes, so that a threshold keeps its last digit.
  if (from === to) return value
  const squared = from === 'cosine' ? 2 * value : from === 'euclidean' ? value * value : value
  return to === 'cosine' ? squared / 2 : to === 'euclidean' ? Math.sqrt(squared) : squared
}

/**
 * The vector of length one in the direction of `vector`, as a new array.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` for an empty vector, numbers that are not finite, or zeros alone.
 */
export function normalise(vector: Vector): Float32Array {
  if (vector.length === 0) throw new FacewiseError('INVALID_ARGUMENT', 'An embedding has one number or more; got none.')
  const length = Math.sqrt(checkLength(dot(vector, vector), 'The vector', true))
  return Float32Array.from(vector, value => value / length)
}

/**
 * Copies embeddings into one matrix, for the functions that compare many of them.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` that names the first embedding with another length or with a number that is not finite.
 */
export function packVectors(vectors: readonly Vector[]): VectorMatrix {
  const dimension = vectors[0]?.length ?? 0
  if (vectors.length > 0 && dimension === 0) {
    throw new FacewiseError('INVALID_ARGUMENT', 'An embedding has one number or more; embedding 0 has none.')
  }
  const data = new Float32Array(vectors.length * dimension)
  vectors.forEach((vector, i) => {
    if (vector.length !== dimension) {
      throw new FacewiseError(
        'INVALID_ARGUMENT',
        `Embedding ${i} has ${vector.length} numbers, embedding 0 has ${dimension}: compare embeddings of one model only.`,
      )
    }
    data.set(vector, i * dimension)
  })
  const matrix = { data, count: vectors.length, dimension }
  squaredLengths(matrix, false, 'Embedding')
  return matrix
}

/** Rows `from` to before `to` of a matrix, without a copy. */
export function rowsOf({ data, count, dimension }: VectorMatrix, from: number, to: number): VectorMatrix {
  const first = Math.min(Math.max(from, 0), count)
  const last = Math.min(Math.max(to, first), count)
  return { data: data.subarray(first * dimension, last * dimension), count: last - first, dimension }
}

/**
 * All distances between the rows of `a` and the rows of `b`: entry `i * b.count + j` is that between row i of `a` and row j of `b`.
 * Large matrices are compared in pieces by {@link rowsOf}, so that the distances need not lie in memory all at once.
 *
 * @param out Room for `a.count * b.count` distances; a new array by default.
 * @throws FacewiseError `INVALID_ARGUMENT` for different dimensions, an `out` that is too short, and vectors as in {@link distance}.
 */
export function distanceBlock(
  a: VectorMatrix,
  b: VectorMatrix,
  metric: Metric = 'cosine',
  out: Float32Array = new Float32Array(a.count * b.count),
): Float32Array {
  checkMetric(metric)
  if (a.count === 0 || b.count === 0) return out
  checkLengths(a.dimension, b.dimension)
  if (out.length < a.count * b.count) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `${a.count} x ${b.count} distances do not fit into an array of ${out.length}.`,
    )
  }
  const lengthsA = squaredLengths(a, metric === 'cosine', 'Row')
  const lengthsB = squaredLengths(b, metric === 'cosine', 'Row')
  const line = new Float64Array(b.count)
  for (let i = 0; i < a.count; i++) {
    dotRows(a, i, b, 0, line)
    const to = i * b.count
    for (let j = 0; j < b.count; j++) out[to + j] = fromDot(line[j], lengthsA[i], lengthsB[j], metric)
  }
  return out
}

/**
 * The distances of all pairs of rows, each once: (0, 1), (0, 2), ... (1, 2), ...; the pair (i, j), i < j, stands at
 * {@link condensedIndex}. `n (n - 1) / 2` floats.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` for vectors as in {@link distance}.
 */
export function condensedDistances(matrix: VectorMatrix, metric: Metric = 'cosine'): Float32Array {
  checkMetric(metric)
  const { count } = matrix
  const out = new Float32Array((count * (count - 1)) / 2)
  const lengths = squaredLengths(matrix, metric === 'cosine', 'Embedding')
  const line = new Float64Array(count)
  let to = 0
  for (let i = 0; i < count - 1; i++) {
    dotRows(matrix, i, matrix, i + 1, line)
    for (let j = i + 1; j < count; j++) out[to++] = fromDot(line[j], lengths[i], lengths[j], metric)
  }
  return out
}

/** Where the pair of rows `i` and `j`, not equal, stands among the {@link condensedDistances} of `count` rows. */
export function condensedIndex(i: number, j: number, count: number): number {
  return i < j ? i * count - (i * (i + 1)) / 2 + j - i - 1 : condensedIndex(j, i, count)
}

function fromDot(product: number, lengthA: number, lengthB: number, metric: Metric): number {
  if (metric === 'cosine') return cosineDistance(product, lengthA, lengthB)
  const squared = Math.max(0, lengthA + lengthB - 2 * product)
  return metric === 'euclidean' ? Math.sqrt(squared) : squared
}

/** The root is taken of the product, not of each: so that equal vectors have distance 0 to the last bit. */
function cosineDistance(product: number, squaredA: number, squaredB: number): number {
  return Math.min(2, Math.max(0, 1 - product / Math.sqrt(squaredA * squaredB)))
}

function dot(a: Vector, b: Vector): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i]
  return sum
}

/**
 * The products of row `row` of `a` with the rows of `b` from `first` on, into `line`. Four at a time: each number of the row is read
 * once for four, and four sums do not wait for each other. Each is summed in the order of `dot`, so that both give the same bits.
 */
function dotRows(a: VectorMatrix, row: number, b: VectorMatrix, first: number, line: Float64Array): void {
  const { dimension, data: right } = b
  const left = a.data
  const start = row * dimension
  let j = first
  for (; j + 4 <= b.count; j += 4) {
    let b0 = j * dimension
    let b1 = b0 + dimension
    let b2 = b1 + dimension
    let b3 = b2 + dimension
    let s0 = 0
    let s1 = 0
    let s2 = 0
    let s3 = 0
    for (let k = start; k < start + dimension; k++) {
      const value = left[k]
      s0 += value * right[b0++]
      s1 += value * right[b1++]
      s2 += value * right[b2++]
      s3 += value * right[b3++]
    }
    line[j] = s0
    line[j + 1] = s1
    line[j + 2] = s2
    line[j + 3] = s3
  }
  for (; j < b.count; j++) {
    let sum = 0
    let at = j * dimension
    for (let k = start; k < start + dimension; k++) sum += left[k] * right[at++]
    line[j] = sum
  }
}

/** The squared length of each row; also the check that it has one. */
function squaredLengths(matrix: VectorMatrix, direction: boolean, what: string): Float64Array {
  const { data, count, dimension } = matrix
  if (data.length < count * dimension) {
    throw new FacewiseError('INVALID_ARGUMENT', `${data.length} numbers are fewer than ${count} rows of ${dimension}.`)
  }
  const lengths = new Float64Array(count)
  for (let i = 0; i < count; i++) {
    let sum = 0
    for (let k = i * dimension; k < (i + 1) * dimension; k++) sum += data[k] * data[k]
    lengths[i] = checkLength(sum, `${what} ${i}`, direction)
  }
  return lengths
}

/** A sum of squares is finite just where all its terms are: so this finds every NaN, at no cost. */
function checkLength(squared: number, what: string, direction: boolean): number {
  if (!Number.isFinite(squared)) {
    throw new FacewiseError('INVALID_ARGUMENT', `${what} holds a number that is not finite: make the embedding again.`)
  }
  if (direction && squared === 0) {
    throw new FacewiseError('INVALID_ARGUMENT', `${what} is all zeros and has no direction: it is no embedding.`)
  }
  return squared
}

function checkLengths(a: number, b: number): void {
  if (a === 0 && b === 0) throw new FacewiseError('INVALID_ARGUMENT', 'An embedding has one number or more; got none.')
  if (a !== b) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `Vectors of ${a} and ${b} numbers cannot be compared: compare embeddings of one model only.`,
    )
  }
}

/** Callers in JavaScript, and metrics from files, are not checked by the compiler. */
function checkMetric(metric: Metric): void {
  if (metric !== 'cosine' && metric !== 'euclidean' && metric !== 'squared-euclidean') {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `There is no metric '${metric}': use 'cosine', 'euclidean' or 'squared-euclidean'.`,
    )
  }
}
