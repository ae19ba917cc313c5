import { throwIfAborted } from '../errors.ts'
import { distance } from '../metrics.ts'
import { bestOf } from './best.ts'
import type { Candidate, NearestQuery } from './driver.ts'
import type { FaceRecord } from './store.ts'
import { fulfils } from './where.ts'

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
  options: NearestQuery,
): Promise<Candidate[]> {
  const { metric, where, subject, signal } = options
  const best = bestOf(options)
  for await (const page of pages) {
    throwIfAborted(signal)
    for (const record of page) {
      if (subject !== undefined && record.subject !== subject) continue
      if (where.length > 0 && !fulfils(record.metadata, where)) continue
      best.offer(distance(query, record.vector, metric), record)
    }
  }
  return best.all()
}
