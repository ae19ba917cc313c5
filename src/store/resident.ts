import { distance as distanceOf } from '../metrics.ts'
import { bestOf, type Entry } from './best.ts'
import type { Candidate, NearestQuery } from './driver.ts'
import { compareIds } from './records.ts'
import { BLOCK, VectorRows } from './rows.ts'
import type { FaceRecord } from './store.ts'
import { fulfils } from './where.ts'

/** The rounding of a float32: half the distance from 1 to the next. */
const ROUNDING = 2 ** -24

/**
 * Records in memory with their vectors in one matrix, searched exactly: the memory store, and what wrappers search that keep vectors
 * at hand. Rows are in no order: a deleted one is filled with the last.
 */
export class ResidentIndex {
  private readonly entries: Entry[] = []
  private readonly rows = new Map<string, number>()
  private readonly subjects = new Map<string, Set<string>>()
  private readonly vectors: VectorRows
  /** The length of each vector. */
  private lengths = new Float64Array(64)
  /** Ids in order, until a record comes or goes. */
  private sorted?: string[]

  constructor(readonly dimension: number) {
    this.vectors = new VectorRows(dimension)
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
    this.vectors.set(row, vector)
    this.lengths[row] = lengthOf(vector)
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
      this.vectors.copy(last, row)
      this.lengths[row] = this.lengths[last]
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

  /**
   * The nearest records with their exact distances; each subject's nearest alone where the query is for subjects.
   *
   * The kernel's products are sums of float32, of which it is known how far they can be from the truth. What could be near enough by them
   * is computed again in double precision: some hundred records of a hundred thousand.
   */
  nearest(query: Float32Array, options: NearestQuery): Candidate[] {
    const { metric, where, subject } = options
    const best = bestOf(options)
    const look = (row: number): void => {
      const entry = this.entries[row]
      if (where.length > 0 && !fulfils(entry.metadata, where)) return
      best.offer(distanceOf(query, this.vectors.view(row), metric), entry)
    }
    if (subject !== undefined) {
      for (const id of this.idsOf(subject)) look(this.rows.get(id) as number)
      return best.all()
    }
    const length = lengthOf(query)
    // A sum of n products in floats is wrong by at most n roundings of the product of the lengths.
    const error = (this.dimension / 4 + 16) * ROUNDING
    for (let first = 0; first < this.size; first += BLOCK) {
      const count = Math.min(BLOCK, this.size - first)
      const dots = this.vectors.dots(query, first, count)
      const lengths = this.lengths.subarray(first, first + count)
      if (metric === 'cosine') {
        let least = (1 - error - best.bound) * length
        for (let i = 0; i < count; i++) {
          if (dots[i] < least * lengths[i]) continue
          look(first + i)
          least = (1 - error - best.bound) * length
        }
        continue
      }
      const bound = (): number => (metric === 'euclidean' ? best.bound ** 2 : best.bound) - length ** 2
      let most = bound()
      for (let i = 0; i < count; i++) {
        if (lengths[i] * (lengths[i] - 2 * error * length) - 2 * dots[i] > most) continue
        look(first + i)
        most = bound()
      }
    }
    return best.all()
  }

  *[Symbol.iterator](): Generator<FaceRecord> {
    for (let row = 0; row < this.size; row++) yield this.record(row)
  }

  private record(row: number): FaceRecord {
    return { ...this.entries[row], vector: this.vectors.get(row) }
  }

  private leave({ id, subject }: Entry): void {
    const ids = this.subjects.get(subject)
    ids?.delete(id)
    if (ids?.size === 0) this.subjects.delete(subject)
  }

  private reserve(rows: number): void {
    if (rows <= this.lengths.length) return
    const lengths = new Float64Array(this.lengths.length * 2)
    lengths.set(this.lengths)
    this.lengths = lengths
  }
}

function lengthOf(vector: Float32Array): number {
  let sum = 0
  for (let i = 0; i < vector.length; i++) sum += vector[i] * vector[i]
  return Math.sqrt(sum)
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
