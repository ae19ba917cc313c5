import type { Connection, Query, Table } from '@lancedb/lancedb'
import { FacewiseError, messageOf } from '../../errors.ts'
import type { Candidate, NearestQuery, StoreDriver } from '../driver.ts'
import type { FaceRecord, Identity, StoreCapabilities } from '../store.ts'
import type { Engine } from './engine.ts'
import { explain, isConflict, isFileMissing, isNotThere } from './errors.ts'
import { approximateNearest, exactNearest } from './nearest.ts'
import { PageReader } from './pages.ts'
import { COLUMNS, identityOf, plain, recordsOf, rowOf, schemaOf } from './rows.ts'
import { filterOf, idsIn, literal } from './sql.ts'
import { checkIndexDimension, configOf, type LanceDbIndex, minRecordsOf, serves } from './vector-index.ts'

/** Ids of one DELETE: half a megabyte of text at most. */
const IDS_AT_ONCE = 500

/** How often a write is tried again that lost against other writers; the engine itself has tried ten times each time. */
const TRIES = 8

/** How long a table that another process began to make may take to appear. */
const CREATION_MS = 3_000

/** Old versions are kept so long, for reads of other processes that are under way. */
const HISTORY_MS = 3_600_000

/** Writes between two looks at whether the table is in too many pieces. */
const WRITES_BETWEEN = 16

/** Pieces that do not slow a search down. */
const FEW_PIECES = 32

const INDEX = 'facewise_vector'

interface Opened {
  readonly table: Table
  readonly identity: Identity
}

/** Where a driver keeps what. */
export interface LanceDbPlace {
  readonly uri: string
  connect(): Promise<Connection>
  readonly table: string
  readonly index?: LanceDbIndex
}

export class LanceDbDriver implements StoreDriver {
  readonly capabilities: StoreCapabilities
  private connection?: Connection
  private opened?: Opened
  private readonly pages: PageReader
  /** Writes of one process go one after the other: at once they would only be in each other's way. */
  private lastWrite: Promise<unknown> = Promise.resolve()
  private writes = 0
  private indexed = false

  constructor(
    private readonly engine: Engine,
    private readonly place: LanceDbPlace,
  ) {
    this.capabilities = {
      name: 'lancedb',
      durable: true,
      shared: true,
      atomicUpsert: true,
      exact: place.index === undefined,
    }
    this.pages = new PageReader()
  }

  async identity(): Promise<Identity | undefined> {
    return (await this.open())?.identity
  }

  async claim(identity: Identity): Promise<Identity> {
    checkIndexDimension(this.place.index, identity.dimension)
    const schema = schemaOf(identity, this.engine)
    const until = Date.now() + CREATION_MS
    for (let mode: 'create' | 'overwrite' = 'create'; ; ) {
      const there = await this.open()
      if (there) return there.identity
      try {
        const connection = await this.connected()
        await connection.createEmptyTable(this.place.table, schema, { mode })
      } catch (error) {
        // Another made it at the same time, or began to and was killed: its name is taken then, and no table comes.
        if (mode === 'overwrite' || (!isConflict(error) && !/already exists/i.test(String(error)))) throw error
        if (Date.now() > until) mode = 'overwrite'
        else await pause(20)
      }
    }
  }

  async upsert(records: readonly FaceRecord[]): Promise<void> {
    await this.writing(async ({ table, identity }) => {
      const { lance } = this.engine
      const rows = lance.makeArrowTable(records.map(rowOf), { schema: schemaOf(identity, this.engine) })
      await table.mergeInsert('id').whenMatchedUpdateAll().whenNotMatchedInsertAll().execute(rows)
    })
  }

  async get(id: string): Promise<FaceRecord | undefined> {
    return this.reading(async ({ table, identity }) => {
      const query = table
        .query()
        .select(COLUMNS)
        .where(`id = ${literal(id)}`)
      return (await all(query.limit(1), identity))[0]
    })
  }

  async delete(which: { ids: readonly string[] } | { subject: string }): Promise<number> {
    if ('subject' in which) return this.deleteWhere(`subject = ${literal(which.subject)}`)
    let gone = 0
    for (let i = 0; i < which.ids.length; i += IDS_AT_ONCE) {
      gone += await this.deleteWhere(idsIn(which.ids.slice(i, i + IDS_AT_ONCE)))
    }
    return gone
  }

  async page(o: Parameters<StoreDriver['page']>[0]): Promise<FaceRecord[]> {
    const page = await this.reading(({ table, identity }) =>
      this.pages.page(o, {
        dimension: identity.dimension,
        version: () => table.version(),
        read: ({ subject, after, limit }) => {
          const query = table.query().select(COLUMNS)
          const filter = filterOf({ subject, after })
          if (filter) query.where(filter)
          return all(query.orderBy({ columnName: 'id' }).limit(limit), identity)
        },
      }),
    )
    return page ?? []
  }

  async nearest(query: Float32Array, o: NearestQuery): Promise<Candidate[]> {
    const { index } = this.place
    const found = await this.reading(async ({ table, identity }) => {
      // One subject's records are few: they are compared all.
      const approximate = index && o.subject === undefined && serves(index, o.metric)
      const near = approximate ? await approximateNearest(table, identity, query, o, index) : undefined
      return near ?? (await exactNearest(table, identity, query, o))
    })
    return found ?? []
  }

  async count({ subject }: { subject?: string }): Promise<number> {
    return (await this.reading(({ table }) => table.countRows(filterOf({ subject })))) ?? 0
  }

  /** Writes the table anew and removes all that is older. */
  async compact(alone: boolean): Promise<void> {
    await this.writing(async opened => {
      const { table } = opened
      const indexed = await this.hasIndex(table)
      // A row that is set to what it is moves to a new file; rows that were deleted stay behind, however few of a file they are.
      await table.update({ valuesSql: { time: 'time' } })
      // An index has codes of deleted vectors until it is made again.
      if (indexed) await this.dropIndex(table)
      this.indexed = false
      await this.buildIndexIfDue(opened)
      await table.optimize({ cleanupOlderThan: new Date(), deleteUnverified: alone })
    })
  }

  async close(): Promise<void> {
    await this.lastWrite
    try {
      if (this.opened && this.writes > 0) await this.tend(this.opened)
    } finally {
      this.opened?.table.close()
      this.connection?.close()
    }
  }

  explain(error: unknown): ReturnType<typeof explain> {
    return explain(error, this.place.uri)
  }

  /** The table, once there is one. */
  private async open(): Promise<Opened | undefined> {
    if (this.opened) return this.opened
    const connection = await this.connected()
    let table: Table
    try {
      table = await connection.openTable(this.place.table)
    } catch (error) {
      if (!isNotThere(error)) throw error
      // The engine says so, too, where it gets no answer; asked for a list, it says what is wrong.
      await connection.tableNames()
      if (await keepsList(connection)) return undefined
      this.connection = undefined
      throw new FacewiseError(
        'STORE_UNAVAILABLE',
        `The lancedb store at ${this.place.uri} cannot be used: see whether it is a folder or bucket that may be written, then call again.`,
        { cause: error },
      )
    }
    const identity = identityOf(await table.schema(), this.place.table)
    checkIndexDimension(this.place.index, identity.dimension)
    this.opened ??= { table, identity }
    return this.opened
  }

  private async connected(): Promise<Connection> {
    this.connection ??= await this.place.connect()
    return this.connection
  }

  private async reading<T>(read: (opened: Opened) => Promise<T>): Promise<T | undefined> {
    const opened = await this.open()
    if (!opened) return undefined
    try {
      return await read(opened)
    } catch (error) {
      // Is the whole table gone? Then it says so itself.
      if (isFileMissing(error)) await opened.table.version()
      throw error
    }
  }

  private async deleteWhere(filter: string): Promise<number> {
    return (await this.writing(async ({ table }) => (await table.delete(filter)).numDeletedRows)) ?? 0
  }

  private writing<T>(write: (opened: Opened) => Promise<T>): Promise<T | undefined> {
    const done = this.lastWrite.then(async () => {
      const opened = await this.open()
      return opened && (await this.persist(() => write(opened)))
    })
    // What comes after a write is not for its caller to wait for.
    this.lastWrite = done.then(
      () => this.afterWrite(),
      () => {},
    )
    return done
  }

  private async persist<T>(write: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await write()
      } catch (error) {
        if (!isConflict(error) || tries === TRIES) throw error
        await pause(Math.random() * 50 * tries)
      }
    }
  }

  private async afterWrite(): Promise<void> {
    this.writes++
    const soon = this.place.index !== undefined && !this.indexed
    if (this.opened && (soon || this.writes % WRITES_BETWEEN === 0)) await this.tend(this.opened)
  }

  /**
   * Puts the pieces together that writes leave, and makes the index once there is enough to learn from. The more there is, the more
   * pieces may be: putting them together writes all records of files that are not full.
   */
  private async tend(opened: Opened): Promise<void> {
    try {
      const { table } = opened
      const { numRows, fragmentStats } = await table.stats()
      if (fragmentStats.numSmallFragments > Math.max(FEW_PIECES, Math.sqrt(numRows))) {
        await table.optimize({ cleanupOlderThan: new Date(Date.now() - HISTORY_MS) })
      }
      await this.buildIndexIfDue(opened)
    } catch {
      // Another writer was in the way, or the folder is gone: nothing is lost, and the next write comes here again.
    }
  }

  private async hasIndex(table: Table): Promise<boolean> {
    return (await table.listIndices()).some(({ name }) => name === INDEX)
  }

  private async dropIndex(table: Table): Promise<void> {
    // The engine drops it by itself when no row that it has is left.
    if (await this.hasIndex(table)) await table.dropIndex(INDEX)
  }

  private async buildIndexIfDue({ table, identity }: Opened): Promise<void> {
    const { index } = this.place
    if (!index || (await table.countRows()) < minRecordsOf(index)) return
    this.indexed = await this.hasIndex(table)
    if (this.indexed) return
    await table.createIndex('vector', { config: configOf(index, identity.dimension, this.engine), name: INDEX })
    this.indexed = true
  }
}

/**
 * Whether the list of tables is a table, too. Only so can one table be made by one alone; where that list cannot be read or written, the
 * engine silently does without, and this question is what it then does not know.
 */
async function keepsList(connection: Connection): Promise<boolean> {
  try {
    await connection.describeNamespace(['facewise'])
    return true
  } catch (error) {
    return !/only supports root/i.test(messageOf(error))
  }
}

async function all(query: Query, identity: Identity): Promise<FaceRecord[]> {
  const records: FaceRecord[] = []
  for await (const batch of query) for (const record of recordsOf(batch, identity)) records.push(plain(record))
  return records
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
