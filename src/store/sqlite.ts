/**
 * The store in SQLite: one file, nothing to run; or a libSQL server. It needs the package `@libsql/client`.
 *
 * @module
 */
import type { Client, InStatement, InValue, Row } from '@libsql/client'
import { FacewiseError } from '../errors.ts'
import { distance } from '../metrics.ts'
import { createStore } from './create.ts'
import type { Candidate, NearestQuery, StoreDriver } from './driver.ts'
import { compareIds } from './records.ts'
import { readFloats } from './snapshot.ts'
import { Connection, placeOf } from './sqlite/connection.ts'
import { explainSqlite } from './sqlite/explain.ts'
import { blobOf, boundValue, COLUMNS, nearestStatement } from './sqlite/nearest.ts'
import { claimIdentity, readIdentity, type Tables, tablesOf } from './sqlite/schema.ts'
import type { EmbeddingStore, FaceRecord, Identity, Signal, StoreCapabilities, StoreOptions } from './store.ts'

/** Where the store is. */
export interface SqliteStoreOptions extends StoreOptions {
  /** `file:faces.db`, `:memory:`, or a server: `libsql://`, `https://`, `http://`, `wss://`, `ws://`. In browsers servers alone. */
  readonly url?: string
  /** What a server wants to see. */
  readonly authToken?: string
  /** A client that is open already, in place of `url`; `close()` leaves it open, and its settings are its owner's. */
  readonly client?: Client
  /** The table of the records, `facewise` by default; two more have its name with `_store` and `_metadata`. */
  readonly table?: string
}

/** Rows of one INSERT. */
const ROWS = 200

/**
 * A store in a SQLite file, which it makes where there is none, through libSQL. Searches are exact: they look at every vector that fulfils
 * the filter. Any number of processes may use one file. A record that was stored survives a crash of the process, and of the machine if
 * its disk keeps what it has confirmed; a deleted one is overwritten.
 *
 * @throws FacewiseError `DEPENDENCY_MISSING` without `@libsql/client`; `INVALID_ARGUMENT` for no such address; `STORE_FAILED` where the
 * file cannot be opened; `STORE_CORRUPT` for a file that is no database, or a damaged one; `STORE_MISMATCH` for another model's
 * store; `STORE_UNAVAILABLE` where a server does not answer, or another process keeps the file locked for ten seconds.
 */
export async function sqliteStore(options: SqliteStoreOptions): Promise<EmbeddingStore> {
  const { url, table = 'facewise' } = options ?? {}
  const tables = tablesOf(table)
  const connection = await Connection.open(options ?? {})
  return createStore(new SqliteDriver(connection, tables, url === undefined ? 'The database' : placeOf(url)), options)
}

class SqliteDriver implements StoreDriver {
  readonly capabilities: StoreCapabilities
  private held?: Identity

  constructor(
    private readonly connection: Connection,
    private readonly tables: Tables,
    private readonly place: string,
  ) {
    const lasting = !connection.inMemory
    this.capabilities = { name: 'sqlite', durable: lasting, shared: lasting, atomicUpsert: true, exact: true }
  }

  async identity(): Promise<Identity | undefined> {
    this.held ??= await readIdentity(this.connection, this.tables)
    return this.held
  }

  async claim(identity: Identity, { signal }: Signal): Promise<Identity> {
    this.held ??= await claimIdentity(this.connection, this.tables, identity, signal)
    return this.held
  }

  async upsert(records: readonly FaceRecord[], { signal }: Signal): Promise<void> {
    const { records: table, metadata } = this.tables
    const ids = JSON.stringify(records.map(({ id }) => id))
    const rows = records.map(({ id, subject, time, metadata, vector }): InValue[] => [
      id,
      subject,
      BigInt(time),
      JSON.stringify(metadata),
      blobOf(vector),
    ])
    const values = records.flatMap(({ id, metadata }) =>
      Object.entries(metadata).map(([key, value]): InValue[] => [id, key, boundValue(value)]),
    )
    const replace = ['subject', 'time', 'metadata', 'vector'].map(column => `${column} = excluded.${column}`).join(', ')
    await this.connection.write(
      [
        { sql: `DELETE FROM ${metadata} WHERE id IN (SELECT value FROM json_each(?))`, args: [ids] },
        ...insert(`${table} (id, subject, time, metadata, vector)`, rows, ` ON CONFLICT (id) DO UPDATE SET ${replace}`),
        ...insert(`${metadata} (id, key, value)`, values),
      ],
      signal,
    )
  }

  async get(id: string): Promise<FaceRecord | undefined> {
    const [record] = await this.select('WHERE r.id = ?', [id])
    return record
  }

  async delete(which: { ids: readonly string[] } | { subject: string }, { signal }: Signal): Promise<number> {
    if (!(await this.identity())) return 0
    const { records, metadata } = this.tables
    const [ids, argument] =
      'ids' in which
        ? ['SELECT value FROM json_each(?)', JSON.stringify(which.ids)]
        : [`SELECT id FROM ${records} WHERE subject = ?`, which.subject]
    const [, gone] = await this.connection.write(
      [
        { sql: `DELETE FROM ${metadata} WHERE id IN (${ids})`, args: [argument] },
        { sql: `DELETE FROM ${records} WHERE id IN (${ids})`, args: [argument] },
      ],
      signal,
    )
    if (gone > 0) await this.connection.checkpoint()
    return gone
  }

  async page(o: { subject?: string; after?: string; limit: number }): Promise<FaceRecord[]> {
    const terms = [o.subject === undefined ? '' : 'subject = ?', o.after === undefined ? '' : 'id > ?'].filter(Boolean)
    const where = terms.length === 0 ? '' : `WHERE ${terms.join(' AND ')}`
    const args = [o.subject, o.after].filter(value => value !== undefined)
    return this.select(`${where} ORDER BY id LIMIT ?`, [...args, o.limit])
  }

  async nearest(query: Float32Array, o: NearestQuery): Promise<Candidate[]> {
    const rows = await this.connection.read(nearestStatement(query, o, this.tables))
    const records = rows.map(row => this.record(row))
    return o.per === 'record' ? records : nearestOfSubjects(records, query, o)
  }

  async count({ subject }: { subject?: string }): Promise<number> {
    if (!(await this.identity())) return 0
    const sql = `SELECT count(*) AS n FROM ${this.tables.records}`
    const [row] = await this.connection.read(
      subject === undefined ? sql : { sql: `${sql} WHERE subject = ?`, args: [subject] },
    )
    return Number(row.n)
  }

  async close(): Promise<void> {
    await this.connection.close()
  }

  explain(error: unknown): ReturnType<NonNullable<StoreDriver['explain']>> {
    const { code, message } = explainSqlite(error, this.place)
    return { code: code === 'INVALID_ARGUMENT' ? 'STORE_FAILED' : code, message }
  }

  private async select(rest: string, args: InValue[]): Promise<FaceRecord[]> {
    if (!(await this.identity())) return []
    const rows = await this.connection.read({ sql: `SELECT ${COLUMNS} FROM ${this.tables.records} r ${rest}`, args })
    return rows.map(row => this.record(row))
  }

  /** SQLite has no checksums: what a row holds is looked at before it is believed. */
  private record({ id, subject, time, metadata, vector }: Row): FaceRecord {
    const { model, dimension } = this.held as Identity
    const damaged = (what: string): FacewiseError =>
      new FacewiseError(
        'STORE_CORRUPT',
        `${this.place} is damaged: the ${what} of the record '${String(id).slice(0, 64)}' is none. Restore a backup, or store it again.`,
      )
    if (!(vector instanceof ArrayBuffer) || vector.byteLength !== dimension * 4) throw damaged('vector')
    const floats = readFloats(new Uint8Array(vector), 0, dimension)
    if (!floats.every(Number.isFinite)) throw damaged('vector')
    if (typeof id !== 'string' || typeof subject !== 'string') throw damaged('subject')
    try {
      return { id, subject, vector: floats, model, time: Number(time), metadata: JSON.parse(String(metadata)) }
    } catch {
      throw damaged('metadata')
    }
  }
}

/** Statements that insert these rows, some at a time. */
function insert(into: string, rows: readonly InValue[][], conflict = ''): InStatement[] {
  const statements: InStatement[] = []
  for (let i = 0; i < rows.length; i += ROWS) {
    const some = rows.slice(i, i + ROWS)
    const places = some.map(row => `(${row.map(() => '?').join(', ')})`).join(', ')
    statements.push({ sql: `INSERT INTO ${into} VALUES ${places}${conflict}`, args: some.flat() })
  }
  return statements
}

/** Each subject's nearest record alone: SQL gives all that float32 cannot tell apart. */
function nearestOfSubjects(records: readonly FaceRecord[], query: Float32Array, { metric }: NearestQuery): Candidate[] {
  const best = new Map<string, { record: FaceRecord; far: number }>()
  for (const record of records) {
    const far = distance(query, record.vector, metric)
    const known = best.get(record.subject)
    if (!known || far < known.far || (far === known.far && compareIds(record.id, known.record.id) < 0)) {
      best.set(record.subject, { record, far })
    }
  }
  return [...best.values()].map(({ record }) => record)
}
