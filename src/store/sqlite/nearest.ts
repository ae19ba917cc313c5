import type { InStatement, InValue } from '@libsql/client'
import { FacewiseError } from '../../errors.ts'
import type { NearestQuery } from '../driver.ts'
import type { Scalar } from '../metadata.ts'
import { writeFloats } from '../snapshot.ts'
import type { Clause } from '../where.ts'
import type { Tables } from './schema.ts'

/** Records beyond the limit that are looked at because float32 cannot tell whether they are nearer. */
const UNDECIDED = 1024
/** SQLite takes 32,766 bound values a statement (https://sqlite.org/limits.html#max_variable_number). */
const MOST_VALUES = 30_000

/** The columns of a record. */
export const COLUMNS = 'r.id, r.subject, r.time, r.metadata, r.vector'

/** A vector as libSQL keeps it in a column of F32_BLOB: float32, little-endian. */
export function blobOf(vector: Float32Array): Uint8Array {
  const bytes = new Uint8Array(vector.length * 4)
  writeFloats(bytes, 0, vector)
  return bytes
}

/** A number as REAL, a string as TEXT, a boolean as a BLOB of one byte: three kinds that SQLite never takes for each other. */
export function boundValue(value: Scalar): InValue {
  return typeof value === 'boolean' ? Uint8Array.of(value ? 1 : 0) : value
}

/**
 * The search as one statement: a scan of all vectors that fulfil the conditions, by libSQL's distances. These are sums in float32, so that
 * their order may be wrong in the last digits. Therefore it gives all records that lie within that error of the last that is wanted.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` for a filter with more values than SQLite takes.
 */
export function nearestStatement(query: Float32Array, o: NearestQuery, tables: Tables): InStatement {
  const { limit, metric, per } = o
  const cosine = metric === 'cosine'
  const vector = blobOf(cosine ? ofUnitSize(query) : query)
  const { sql: conditions, args } = conditionsOf(o, tables)
  const scan = `SELECT rowid AS n, id, subject, vector_distance_${cosine ? 'cos' : 'l2'}(vector, ?) AS d FROM ${tables.records} r ${conditions}`
  // A sum of n products in float32 is off by at most n roundings of 2^-24 each; a comparison has two such sums, a cosine distance two more.
  const error = 4 * query.length * 2 ** -24
  const roomFor = (distance: string): string =>
    cosine ? `${distance} + ${error}` : `${distance} * ${1 + error} + 1e-20`
  const last = (nearest: string): string => `(SELECT max(d) FROM (SELECT d FROM ${nearest} ORDER BY d LIMIT ?))`
  const within = o.within === undefined ? undefined : metric === 'squared-euclidean' ? Math.sqrt(o.within) : o.within
  // A distance is NULL where a stored vector has no direction: such damage must not go unseen.
  const near = (table: string): string =>
    `(${table}.d IS NULL OR ${table}.d <= ${roomFor(last(table))}${within === undefined ? '' : ` AND ${table}.d <= ${roomFor('?')}`})`
  const bounds: InValue[] = within === undefined ? [limit] : [limit, within]
  if (per === 'record') {
    return {
      sql: `WITH near AS MATERIALIZED (${scan} ORDER BY d, id LIMIT ?)
        SELECT ${COLUMNS} FROM near CROSS JOIN ${tables.records} r ON r.rowid = near.n WHERE ${near('near')}`,
      args: [vector, ...args, limit + UNDECIDED, ...bounds],
    }
  }
  return {
    sql: `WITH scan AS MATERIALIZED (${scan}),
      best AS MATERIALIZED (SELECT subject, id, min(d) AS d FROM scan GROUP BY subject ORDER BY d, id LIMIT ?)
      SELECT ${COLUMNS} FROM scan CROSS JOIN best ON best.subject = scan.subject
      CROSS JOIN ${tables.records} r ON r.rowid = scan.n
      WHERE (scan.d IS NULL OR scan.d <= ${roomFor('best.d')}) AND ${near('best')}`,
    args: [vector, ...args, limit + UNDECIDED, ...bounds],
  }
}

/** The query times a power of two: the same direction to the bit, and no product with a stored vector leaves float32. */
function ofUnitSize(query: Float32Array): Float32Array {
  const largest = query.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  const scale = 2 ** -Math.floor(Math.log2(largest))
  return query.map(value => value * scale)
}

function conditionsOf({ where, subject }: NearestQuery, { metadata }: Tables): { sql: string; args: InValue[] } {
  const terms: string[] = []
  const args: InValue[] = []
  if (subject !== undefined) {
    terms.push('subject = ?')
    args.push(subject)
  }
  for (const clause of where) {
    const { test, values, negative } = testOf(clause)
    terms.push(`id ${negative ? 'NOT IN' : 'IN'} (SELECT id FROM ${metadata} WHERE key = ?${test})`)
    args.push(clause.key, ...values)
  }
  if (args.length > MOST_VALUES) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `The filter has ${args.length} values; the sqlite store takes up to ${MOST_VALUES}.`,
    )
  }
  return { sql: terms.length === 0 ? '' : `WHERE ${terms.join(' AND ')}`, args }
}

const COMPARISONS = { gt: '>', gte: '>=', lt: '<', lte: '<=' }

/** What a value of the metadata must be, or for negative ones must not be. */
function testOf(clause: Clause): { test: string; values: InValue[]; negative?: boolean } {
  switch (clause.op) {
    case 'in':
      return {
        test: ` AND value IN (${clause.values.map(() => '?').join(', ')})`,
        values: clause.values.map(boundValue),
      }
    case 'not':
      return { test: ' AND value = ?', values: [boundValue(clause.value)], negative: true }
    case 'exists':
      return { test: '', values: [], negative: !clause.value }
    default:
      return { test: ` AND value ${COMPARISONS[clause.op]} ? AND typeof(value) = 'real'`, values: [clause.value] }
  }
}
