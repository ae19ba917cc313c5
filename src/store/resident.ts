import { cosineDistance, type Metric } from '../metrics.ts'
import type { Candidate, NearestQuery } from './driver.ts'
import type { Metadata } from './metadata.ts'
import { before, Nearest } from './nearest.ts'
import { compareIds } from './records.ts'
import type { FaceRecord } from './store.ts'
import { fulfils } from './where.ts'

/** What of a record is not its vector. */
interface Entry {
  readonly id: string
  readonly subject: string
  readonly model: string
  readonly time: number
  readonly metadata: Metadata
}

/** Rows of the matrix at first. */
const FIRST_ROWS = 64

/**
 * Records in memory with their vectors in one matrix, searched exactly: the memory store, and what wrappers search that keep vectors
 * at hand. Rows are in no order: a deleted one is filled with the last.
 */
export class ResidentIndex {
  private readonly entries: Entry[] = []
  private readonly rows = new Map<string, number>()
  private readonly subjects = new Map<string, Set<string>>()
  private matrix: Float32Array
  /** The squared length of each vector. */
  private squares: Float64Array
  /** Ids in order, until a record comes or goes. */
  private sorted?: string[]

  constructor(readonly dimension: number) {
    this.matrix = new Float32Array(FIRST_ROWS * dimension)
    this.squares = new Float64Array(FIRST_ROWS)
  }

  get size(): number {
    return this.entries.length
  }

  has(id: string): boolean {
    return this.rows.has(id)
  }

  set({ id, subject, vector, model, time, metadata }: FaceRecord): void {
    let row = this.rows.get(id)
    if (row === undefined) {
      row = this.entries.length
      this.reserve(row + 1)
      this.rows.set(id, row)
      this.sorted = undefined
    } else {
      this.leave(this.entries[row])
    }
    this.entries[row] = { id, subject, model, time, metadata }
    this.matrix.set(vector, row * this.dimension)
    this.squares[row] = squaredLength(vector)
    const ids = this.subjects.get(subject)
    if (ids) ids.add(id)
    else this.subjects.set(subject, new Set([id]))
  }

  get(id: string): FaceRecord | undefined {
    const row = this.rows.get(id)
    return row === undefined ? undefined : this.record(row)
  }

  delete(id: string): boolean {
    const row = this.rows.get(id)
    if (row === undefined) return false
    this.leave(this.entries[row])
    this.rows.delete(id)
    const last = this.entries.length - 1
    if (row < last) {
      this.entries[row] = this.entries[last]
      this.rows.set(this.entries[row].id, row)
      this.matrix.copyWithin(row * this.dimension, last * this.dimension, (last + 1) * this.dimension)
      this.squares[row] = this.squares[last]
    }
    this.entries.pop()
    this.sorted = undefined
    return true
  }

  idsOf(subject: string): string[] {
    return [...(this.subjects.get(subject) ?? [])]
  }

  count(subject?: string): number {
    return subject === undefined ? this.size : (this.subjects.get(subject)?.size ?? 0)
  }

  /** The first `limit` records after `after` by the order of ids. */
  page({ subject, after, limit }: { subject?: string; after?: string; limit: number }): FaceRecord[] {
    if (subject === undefined) this.sorted ??= [...this.rows.keys()].sort(compareIds)
    const ids = subject === undefined ? (this.sorted as string[]) : this.idsOf(subject).sort(compareIds)
    const from = after === undefined ? 0 : firstAfter(ids, after)
    return ids.slice(from, from + limit).map(id => this.record(this.rows.get(id) as number))
  }

  /** The nearest records with their exact distances; each subject's nearest alone where the query is for subjects. */
  nearest(query: Float32Array, { limit, metric, within = Infinity, where, subject, per }: NearestQuery): Candidate[] {
    const kept = new Nearest<Entry>(limit)
    const squaredQuery = squaredLength(query)
    const best = new Map<string, { distance: number; entry: Entry }>()
    const rows = subject === undefined ? undefined : this.idsOf(subject).map(id => this.rows.get(id) as number)
    const count = rows ? rows.length : this.size
    for (let i = 0; i < count; i++) {
      const row = rows ? rows[i] : i
      const distance = this.distanceTo(query, squaredQuery, row, metric)
      if (distance > within) continue
      const entry = this.entries[row]
      if (where.length > 0 && !fulfils(entry.metadata, where)) continue
      if (per === 'record') {
        kept.offer(distance, entry)
        continue
      }
      const known = best.get(entry.subject)
      if (!known || before(distance, entry, known.distance, known.entry)) best.set(entry.subject, { distance, entry })
    }
    for (const { distance, entry } of best.values()) kept.offer(distance, entry)
    return kept.candidates()
  }

  *[Symbol.iterator](): Generator<FaceRecord> {
    for (let row = 0; row < this.size; row++) yield this.record(row)
  }

  private distanceTo(query: Float32Array, squaredQuery: number, row: number, metric: Metric): number {
    const { matrix, dimension } = this
    const start = row * dimension
    let sum = 0
    if (metric === 'cosine') {
      for (let i = 0; i < dimension; i++) sum += query[i] * matrix[start + i]
      return cosineDistance(sum, squaredQuery, this.squares[row])
    }
    for (let i = 0; i < dimension; i++) {
      const difference = query[i] - matrix[start + i]
      sum += difference * difference
    }
    return metric === 'euclidean' ? Math.sqrt(sum) : sum
  }

  private record(row: number): FaceRecord {
    const vector = this.matrix.slice(row * this.dimension, (row + 1) * this.dimension)
    return { ...this.entries[row], vector }
  }

  private leave({ id, subject }: Entry): void {
    const ids = this.subjects.get(subject)
    ids?.delete(id)
    if (ids?.size === 0) this.subjects.delete(subject)
  }

  private reserve(rows: number): void {
    const room = this.squares.length
    if (rows <= room) return
    const matrix = new Float32Array(room * 2 * this.dimension)
    matrix.set(this.matrix)
    const squares = new Float64Array(room * 2)
    squares.set(this.squares)
    this.matrix = matrix
    this.squares = squares
  }
}

function squaredLength(vector: Float32Array): number {
  let sum = 0
  for (let i = 0; i < vector.length; i++) sum += vector[i] * vector[i]
  return sum
}

function firstAfter(sorted: readonly string[], after: string): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (compareIds(sorted[middle], after) <= 0) low = middle + 1
    else high = middle
  }
  return low
}
