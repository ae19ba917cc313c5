import type { Table } from '@lancedb/lancedb'
import { distance, type Metric } from '../../metrics.ts'
import type { Candidate, NearestQuery } from '../driver.ts'
import type { Identity } from '../store.ts'
import { fulfils } from '../where.ts'
import { COLUMNS, type FoundRecord, plain, recordsOf } from './rows.ts'
import { filterOf } from './sql.ts'
import { distanceTypeOf, type LanceDbIndex, tune } from './vector-index.ts'

/** Records over the number that is wanted, so that mostly one query shows that nothing equally near was left out. */
const SPARE = 16

/** Beyond this a bound in float32 is none. */
const LARGEST_BOUND = 1e37

interface Found {
  /** Those that fulfil the conditions, nearest first by the engine's distance. */
  readonly records: FoundRecord[]
  /** How many the engine gave, and the last of them. */
  readonly given: number
  readonly last?: FoundRecord
}

/** The nearest records, all compared. */
export async function exactNearest(
  table: Table,
  identity: Identity,
  query: Float32Array,
  o: NearestQuery,
): Promise<Candidate[]> {
  for (let wanted = o.limit + SPARE; ; wanted *= 4) {
    const { records, given, last } = await find(table, identity, query, o, wanted)
    const enough = records.length >= o.limit && last && farther(last, records[o.limit - 1], o.metric)
    if (given < wanted || enough) return records.map(plain)
  }
}

/** The nearest records by an index; nothing where it does not give enough to tell that there are no more. */
export async function approximateNearest(
  table: Table,
  identity: Identity,
  query: Float32Array,
  o: NearestQuery,
  index: LanceDbIndex,
): Promise<Candidate[] | undefined> {
  const wanted = o.limit
  const { records, given, last } = await find(table, identity, query, o, wanted, index)
  if (given < wanted || !last) return undefined
  const beyond = distance(query, last.vector, o.metric) > (o.within ?? Infinity)
  return records.length >= o.limit || beyond ? records.map(plain) : undefined
}

async function find(
  table: Table,
  identity: Identity,
  query: Float32Array,
  { metric, within, subject, where }: NearestQuery,
  wanted: number,
  index?: LanceDbIndex,
): Promise<Found> {
  let search = table.query().nearestTo(query).distanceType(distanceTypeOf(metric)).limit(wanted)
  search = search.select([...COLUMNS, '_distance'])
  const filter = filterOf({ subject, where })
  if (filter) search = search.where(filter)
  if (index) search = tune(search, index, wanted)
  else search = search.bypassVectorIndex()
  // An index that is cut at a distance cannot show whether it gave all; a search of everything can.
  const bound = within !== undefined && metric === 'euclidean' ? within * within : within
  if (!index && bound !== undefined && bound < LARGEST_BOUND) search = search.distanceRange(undefined, bound)
  const records: FoundRecord[] = []
  let given = 0
  let last: FoundRecord | undefined
  for await (const batch of search) {
    for (const record of recordsOf(batch, identity)) {
      given++
      last = record
      if (fulfils(record.metadata, where)) records.push(record)
    }
  }
  return { records, given, last }
}

/** Whether `a` lies farther than `b` by more than float32 may be wrong. */
function farther({ engineDistance: a }: FoundRecord, { engineDistance: b }: FoundRecord, metric: Metric): boolean {
  return a - b > (metric === 'cosine' ? 5e-6 : 2e-5 * Math.abs(a))
}
