import { throwIfAborted } from '../errors.ts'
import { distance } from '../metrics.ts'
import type { Candidate, NearestQuery } from './driver.ts'
import { compareIds } from './records.ts'
import type { FaceRecord, Match } from './store.ts'
import { fulfils } from './where.ts'

/** What a match says of a record. */
type Entry = Omit<Match, 'distance'>

/**
 * The nearest of records that are looked at one by one: the search of an engine that has none. It is exact, and keeps a few candidates
 * at a time, however many records go by.
 *
 * @param pages All records, or all that may be in question, as many at a time as suits the engine; an iterable, async or not.
 * @returns the candidates that {@link StoreDriver.nearest} must give.
 * @throws FacewiseError `ABORTED` between two pages.
 */
export async function nearestOf(
  pages: AsyncIterable<Iterable<FaceRecord>> | Iterable<Iterable<FaceRecord>>,
  query: Float32Array,
  { limit, metric, within = Infinity, where, subject, per, signal }: NearestQuery,
): Promise<Candidate[]> {
  const nearest: Nearest<Entry> | NearestSubjects = per === 'subject' ? new NearestSubjects(limit) : new Nearest(limit)
  for await (const page of pages) {
    throwIfAborted(signal)
    for (const { vector, model: _, ...entry } of page) {
      if (subject !== undefined && entry.subject !== subject) continue
      if (where.length > 0 && !fulfils(entry.metadata, where)) continue
      const far = distance(query, vector, metric)
      if (far <= within) nearest.offer(far, entry)
    }
  }
  return nearest.candidates()
}

/** The nearest record of each of the nearest subjects. */
class NearestSubjects {
  private best = new Map<string, { distance: number; entry: Entry }>()

  constructor(private readonly limit: number) {}

  offer(distance: number, entry: Entry): void {
    const known = this.best.get(entry.subject)
    if (known && !before(distance, entry, known.distance, known.entry)) return
    this.best.set(entry.subject, { distance, entry })
    // Those that come to be left out have so many before them already, which can only come nearer.
    if (this.best.size >= 4 * this.limit) this.cut()
  }

  candidates(): Candidate[] {
    this.cut()
    return [...this.best.values()].map(({ distance, entry }) => ({ ...entry, distance }))
  }

  private cut(): void {
    const sorted = [...this.best].sort(([, a], [, b]) => (before(a.distance, a.entry, b.distance, b.entry) ? -1 : 1))
    this.best = new Map(sorted.slice(0, this.limit))
  }
}

/** The best so far, in a heap with the worst on top. */
export class Nearest<T extends Entry> {
  private readonly distances: number[] = []
  private readonly entries: T[] = []

  constructor(private readonly limit: number) {}

  offer(distance: number, entry: T): void {
    const { distances, entries } = this
    if (distances.length < this.limit) {
      let at = distances.length
      while (at > 0) {
        const parent = (at - 1) >> 1
        if (!before(distances[parent], entries[parent], distance, entry)) break
        distances[at] = distances[parent]
        entries[at] = entries[parent]
        at = parent
      }
      distances[at] = distance
      entries[at] = entry
      return
    }
    if (!before(distance, entry, distances[0], entries[0])) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= this.limit) break
      if (child + 1 < this.limit && before(distances[child], entries[child], distances[child + 1], entries[child + 1]))
        child++
      if (!before(distance, entry, distances[child], entries[child])) break
      distances[at] = distances[child]
      entries[at] = entries[child]
      at = child
    }
    distances[at] = distance
    entries[at] = entry
  }

  candidates(): Candidate[] {
    return this.entries.map(({ id, subject, time, metadata }, i) => ({
      id,
      subject,
      time,
      metadata,
      distance: this.distances[i],
    }))
  }
}

/** Whether the first is nearer; of equally near ones the smaller id is. */
export function before(distanceA: number, a: { id: string }, distanceB: number, b: { id: string }): boolean {
  return distanceA < distanceB || (distanceA === distanceB && compareIds(a.id, b.id) < 0)
}
