import type { Candidate, NearestQuery } from './driver.ts'
import type { Metadata } from './metadata.ts'
import { compareIds } from './records.ts'

/** What of a record is not its vector. */
export interface Entry {
  readonly id: string
  readonly subject: string
  readonly model: string
  readonly time: number
  readonly metadata: Metadata
}

/** The nearest that were offered so far. */
export interface Best {
  /** Nothing farther is of use any more. */
  readonly bound: number
  offer(distance: number, entry: Entry): void
  /** In no order. */
  all(): Candidate[]
}

/** Keeps what a query asks for: the nearest records, or each subject's nearest. */
export function bestOf({ limit, within = Infinity, per }: Pick<NearestQuery, 'limit' | 'within' | 'per'>): Best {
  return per === 'record' ? new BestRecords(limit, within) : new BestSubjects(limit, within)
}

/** In a heap with the worst on top. */
class BestRecords implements Best {
  private readonly distances: number[] = []
  private readonly entries: Entry[] = []
  bound: number

  constructor(
    private readonly limit: number,
    private readonly within: number,
  ) {
    this.bound = within
  }

  offer(distance: number, entry: Entry): void {
    const { distances, entries, limit } = this
    if (distance > this.bound) return
    let at: number
    if (distances.length < limit) {
      at = distances.length
      while (at > 0) {
        const parent = (at - 1) >> 1
        if (!before(distances[parent], entries[parent], distance, entry)) break
        this.put(at, distances[parent], entries[parent])
        at = parent
      }
    } else {
      if (!before(distance, entry, distances[0], entries[0])) return
      at = 0
      for (let child = 1; child < limit; child = 2 * at + 1) {
        const other = child + 1
        if (other < limit && before(distances[child], entries[child], distances[other], entries[other])) child = other
        if (!before(distance, entry, distances[child], entries[child])) break
        this.put(at, distances[child], entries[child])
        at = child
      }
    }
    this.put(at, distance, entry)
    if (distances.length === limit) this.bound = Math.min(this.within, distances[0])
  }

  all(): Candidate[] {
    return this.entries.map((entry, i) => candidate(this.distances[i], entry))
  }

  private put(at: number, distance: number, entry: Entry): void {
    this.distances[at] = distance
    this.entries[at] = entry
  }
}

/** By subject; those that can no longer be among the nearest are dropped now and then. */
class BestSubjects implements Best {
  private best = new Map<string, { distance: number; entry: Entry }>()
  bound: number

  constructor(
    private readonly limit: number,
    within: number,
  ) {
    this.bound = within
  }

  offer(distance: number, entry: Entry): void {
    if (distance > this.bound) return
    const known = this.best.get(entry.subject)
    if (known && !before(distance, entry, known.distance, known.entry)) return
    this.best.set(entry.subject, { distance, entry })
    if (this.best.size >= this.limit * 2 + 64) this.drop()
  }

  all(): Candidate[] {
    return this.nearest().map(({ distance, entry }) => candidate(distance, entry))
  }

  private drop(): void {
    const kept = this.nearest()
    this.bound = kept[kept.length - 1].distance
    this.best = new Map(kept.map(each => [each.entry.subject, each]))
  }

  private nearest(): { distance: number; entry: Entry }[] {
    const sorted = [...this.best.values()].sort((a, b) => (before(a.distance, a.entry, b.distance, b.entry) ? -1 : 1))
    return sorted.slice(0, this.limit)
  }
}

function candidate(distance: number, { id, subject, time, metadata }: Entry): Candidate {
  return { id, subject, time, metadata, distance }
}

/** Whether the first is nearer; of equally near ones the smaller id is. */
function before(distanceA: number, a: Entry, distanceB: number, b: Entry): boolean {
  return distanceA < distanceB || (distanceA === distanceB && compareIds(a.id, b.id) < 0)
}
