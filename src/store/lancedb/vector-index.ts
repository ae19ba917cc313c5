import type { Index, VectorQuery } from '@lancedb/lancedb'
import { FacewiseError } from '../../errors.ts'
import type { Metric } from '../../metrics.ts'
import { checkMetric } from '../records.ts'
import type { Engine } from './engine.ts'

/**
 * An approximate index: faster on large galleries, and it may miss a near record now and then (`docs/stores.md` has how often).
 *
 * - `ivf-flat` looks at the vectors of the nearest partitions;
 * - `ivf-pq` at short codes of them (product quantisation), the smallest;
 * - `ivf-hnsw-sq` and `ivf-hnsw-pq` walk a graph in each partition, over vectors in bytes or over codes.
 */
export interface LanceDbIndex {
  readonly type: 'ivf-flat' | 'ivf-pq' | 'ivf-hnsw-sq' | 'ivf-hnsw-pq'
  /** What it is made for, `cosine` by default; searches by an other metric are exact. The two Euclidean ones are one. */
  readonly metric?: Metric
  /** It is made as soon as there are so many records: 10,000 by default, at least 256. Below, searches are exact. */
  readonly minRecords?: number
  /** How many partitions; the engine chooses by the number of records. */
  readonly partitions?: number
  /** Codes per vector (`ivf-pq`, `ivf-hnsw-pq`), each a byte; a divisor of the dimension, by default a quarter of it. */
  readonly subVectors?: number
  /** Neighbours of a node in the graph (`ivf-hnsw-*`): 20 by default. */
  readonly m?: number
  /** Candidates while the graph is built (`ivf-hnsw-*`): 300 by default. */
  readonly efConstruction?: number
  /** How many partitions a search looks at: 20 by default. More finds more and takes longer. */
  readonly nprobes?: number
  /** So many times the matches wanted are compared by their whole vectors: 4 by default. More finds more. */
  readonly refineFactor?: number
  /** Candidates of a walk through the graph (`ivf-hnsw-*`): one and a half times those that are compared by default, and at least as many. */
  readonly ef?: number
}

/** Product quantisation learns 256 codes. */
const LEAST_RECORDS = 256

const COUNTS = [
  'minRecords',
  'partitions',
  'subVectors',
  'm',
  'efConstruction',
  'nprobes',
  'refineFactor',
  'ef',
] as const

/** @throws FacewiseError `INVALID_ARGUMENT`. */
export function checkIndex(index: LanceDbIndex | undefined): void {
  if (!index) return
  if (!['ivf-flat', 'ivf-pq', 'ivf-hnsw-sq', 'ivf-hnsw-pq'].includes(index.type)) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `There is no index '${index.type}': use 'ivf-flat', 'ivf-pq', 'ivf-hnsw-sq' or 'ivf-hnsw-pq'.`,
    )
  }
  if (index.metric !== undefined) checkMetric(index.metric)
  for (const name of COUNTS) {
    const value = index[name]
    if (value !== undefined && !(Number.isInteger(value) && value > 0)) {
      throw new FacewiseError('INVALID_ARGUMENT', `index.${name} is a whole number from 1 on; got ${value}.`)
    }
  }
  if (minRecordsOf(index) < LEAST_RECORDS) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `index.minRecords is ${LEAST_RECORDS} or more: an index is learnt from records.`,
    )
  }
}

/** @throws FacewiseError `INVALID_ARGUMENT` for codes that do not divide the vector. */
export function checkIndexDimension(index: LanceDbIndex | undefined, dimension: number): void {
  if (index?.subVectors === undefined || dimension % index.subVectors === 0) return
  throw new FacewiseError(
    'INVALID_ARGUMENT',
    `index.subVectors must divide the dimension; ${index.subVectors} does not divide ${dimension}.`,
  )
}

export function minRecordsOf({ minRecords = 10_000 }: LanceDbIndex): number {
  return minRecords
}

/** The engine's name of a metric; its `l2` is the square. */
export function distanceTypeOf(metric: Metric): 'cosine' | 'l2' {
  return metric === 'cosine' ? 'cosine' : 'l2'
}

export function configOf(index: LanceDbIndex, dimension: number, { lance }: Engine): Index {
  const { type, metric = 'cosine', partitions, m, efConstruction } = index
  // The engine's own choice, a 16th, loses too much of embeddings of faces.
  const subVectors = index.subVectors ?? (dimension % 4 === 0 ? dimension / 4 : undefined)
  const ivf = { distanceType: distanceTypeOf(metric), numPartitions: partitions }
  switch (type) {
    case 'ivf-flat':
      return lance.Index.ivfFlat(ivf)
    case 'ivf-pq':
      return lance.Index.ivfPq({ ...ivf, numSubVectors: subVectors })
    case 'ivf-hnsw-sq':
      return lance.Index.hnswSq({ ...ivf, m, efConstruction })
    default:
      return lance.Index.hnswPq({ ...ivf, numSubVectors: subVectors, m, efConstruction })
  }
}

/** Whether the index serves searches by this metric. */
export function serves({ metric: made = 'cosine' }: LanceDbIndex, metric: Metric): boolean {
  return distanceTypeOf(made) === distanceTypeOf(metric)
}

/** Sets how thoroughly the index is searched for so many records. */
export function tune(
  query: VectorQuery,
  { nprobes = 20, refineFactor = 4, ef }: LanceDbIndex,
  wanted: number,
): VectorQuery {
  const tuned = query.nprobes(nprobes).refineFactor(refineFactor)
  // The engine refuses fewer candidates than it is to give.
  return ef === undefined ? tuned : tuned.ef(Math.max(ef, wanted * refineFactor))
}
