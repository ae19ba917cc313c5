import { distance } from '../../metrics.ts'
import { compareIds } from '../records.ts'
import type { FaceRecord, Match, SearchOptions } from '../store.ts'
import { clausesOf, fulfils } from '../where.ts'

/** What a store must do, in the plainest way: a map, and every search a look at everything. */
export class NaiveStore {
  private readonly records = new Map<string, FaceRecord>()

  upsert(records: readonly FaceRecord[]): void {
    for (const record of records) this.records.set(record.id, record)
  }

  delete(which: { readonly ids: readonly string[] } | { readonly subject: string }): number {
    const ids = 'ids' in which ? which.ids : this.list({ subject: which.subject }).map(({ id }) => id)
    return ids.filter(id => this.records.delete(id)).length
  }

  list({ subject, after, limit = Infinity }: { subject?: string; after?: string; limit?: number } = {}): FaceRecord[] {
    return [...this.records.values()]
      .filter(record => subject === undefined || record.subject === subject)
      .filter(({ id }) => after === undefined || compareIds(id, after) > 0)
      .sort((a, b) => compareIds(a.id, b.id))
      .slice(0, limit)
  }

  search(query: Float32Array, o: SearchOptions): Match[] {
    const clauses = clausesOf(o.where)
    const matches = this.list({ subject: o.subject })
      .filter(({ metadata }) => fulfils(metadata, clauses))
      .map(({ id, subject, vector, time, metadata }) => ({
        id,
        subject,
        distance: distance(query, vector, o.metric),
        time,
        metadata,
      }))
      .filter(match => match.distance <= (o.maxDistance ?? Infinity))
      .sort((a, b) => a.distance - b.distance || compareIds(a.id, b.id))
    const seen = new Set<string>()
    return matches
      .filter(({ subject }) => o.per !== 'subject' || (!seen.has(subject) && seen.add(subject)))
      .slice(0, o.k)
  }
}
