/**
 * A store of embeddings in the browser's own database.
 *
 * @module
 */
import { type DBSchema, type IDBPDatabase, type IDBPTransaction, wrap } from 'idb'
import { FacewiseError, messageOf } from '../errors.ts'
import { createStore } from './create.ts'
import type { Candidate, NearestQuery, StoreDriver } from './driver.ts'
import { nearestOf } from './nearest.ts'
import { checkIdentity } from './records.ts'
import type { EmbeddingStore, FaceRecord, Identity, StoreOptions } from './store.ts'

export { FacewiseError, type FacewiseErrorCode, isFacewiseError } from '../errors.ts'
export type { EmbeddingStore } from './store.ts'

export interface IndexedDbStoreOptions extends StoreOptions {
  /** The database's name, for this origin; it is made if it is not there. It must hold nothing else. */
  readonly name: string
  /** Where databases are: `indexedDB` by default; a storage bucket has another. */
  readonly factory?: IDBFactory
  /** How long the browser may take to open the database, in milliseconds: 10,000 by default. */
  readonly timeout?: number
}

/**
 * A store in the browser's database (IndexedDB), for pages and workers. Every search reads all records, in the engine's own order and a
 * few at a time; nothing is kept in memory. Pages and workers of one origin that open the same name share one store.
 *
 * The browser may remove a site's data where the disk is full, unless `navigator.storage.persist()` was granted.
 *
 * @throws FacewiseError `STORE_MISMATCH` where it holds another model's embeddings than `model`; `STORE_UNAVAILABLE` where the browser
 * does not open it in time, or another tab holds an older version open; `STORE_FAILED` where there is no IndexedDB, where the browser
 * forbids it, and where the database belongs to something else.
 */
export async function indexedDbStore(options: IndexedDbStoreOptions): Promise<EmbeddingStore> {
  const { name, factory = globalThis.indexedDB, timeout = 10_000 } = options ?? {}
  if (typeof name !== 'string' || name === '') {
    throw new FacewiseError('INVALID_ARGUMENT', `indexedDbStore needs a name for its database; got ${typeof name}.`)
  }
  if (!(timeout > 0)) throw new FacewiseError('INVALID_ARGUMENT', `A timeout is more than 0; got ${timeout}.`)
  if (!factory) {
    throw new FacewiseError(
      'STORE_FAILED',
      'There is no IndexedDB here: it is for browsers. In Node use sqliteStore (facewise/store/sqlite) or memoryStore (facewise/store).',
    )
  }
  return createStore(new IndexedDbDriver(name, factory, timeout), options)
}

/**
 * Not 1, which is the version of an empty database that somebody made by opening it without a version, to see whether it is there: that
 * becomes a store.
 */
const VERSION = 2

/** Bytes of vectors that a search reads at a time. */
const BATCH_BYTES = 2 ** 21

/**
 * A record as it is stored. Its key is the id in UTF-8: binary keys are compared by bytes, which is the order of ids; strings would be
 * compared by halves of surrogate pairs.
 */
type Row = FaceRecord & { readonly key: Uint8Array<ArrayBuffer> }

interface Layout extends DBSchema {
  identity: { key: 'identity'; value: Identity }
  records: { key: Uint8Array<ArrayBuffer>; value: Row; indexes: { subject: [string, Uint8Array<ArrayBuffer>] } }
}

type Database = IDBPDatabase<Layout>
type Part = 'identity' | 'records'
type Transaction<Mode extends IDBTransactionMode> = IDBPTransaction<Layout, Part[], Mode>

class IndexedDbDriver implements StoreDriver {
  readonly capabilities = { name: 'indexeddb', durable: true, shared: true, atomicUpsert: true, exact: true }
  private connection?: Promise<Database>
  /** What the store held when this last looked: the database may be deleted and made anew by others. */
  private held?: Identity
  private readonly underWay = new Set<Promise<void>>()

  constructor(
    private readonly name: string,
    private readonly factory: IDBFactory,
    private readonly timeout: number,
  ) {}

  async identity(): Promise<Identity | undefined> {
    this.held = await this.transact('readonly', transaction => identityIn(transaction))
    return this.held
  }

  async claim(identity: Identity): Promise<Identity> {
    this.held = await this.transact('readwrite', async transaction => claimIn(transaction, identity))
    return this.held
  }

  async upsert(records: readonly FaceRecord[]): Promise<void> {
    const [{ model, vector }] = records
    await this.transact('readwrite', async transaction => {
      const identity = { model, dimension: vector.length }
      checkIdentity(await claimIn(transaction, identity), identity, this.capabilities.name)
      const store = transaction.objectStore('records')
      // Asynchronous, so that of many that fail all are heard.
      await Promise.all(records.map(async record => store.put({ ...record, key: keyOf(record.id) })))
    })
  }

  async get(id: string): Promise<FaceRecord | undefined> {
    const row = await this.transact('readonly', transaction => transaction.objectStore('records').get(keyOf(id)))
    return row && recordOf(row)
  }

  async delete(which: { readonly ids: readonly string[] } | { readonly subject: string }): Promise<number> {
    return this.transact('readwrite', async transaction => {
      const store = transaction.objectStore('records')
      const keys =
        'subject' in which
          ? await store.index('subject').getAllKeys(rangeOf(which.subject))
          : await Promise.all(which.ids.map(id => store.getKey(keyOf(id))))
      const there = keys.filter(key => key !== undefined)
      await Promise.all(there.map(key => store.delete(key)))
      return there.length
    })
  }

  async page({ subject, after, limit }: Parameters<StoreDriver['page']>[0]): Promise<FaceRecord[]> {
    const rows = await this.transact('readonly', transaction =>
      pageIn(transaction, { subject, after: after === undefined ? undefined : keyOf(after), limit }),
    )
    return rows.map(recordOf)
  }

  async nearest(query: Float32Array, o: NearestQuery): Promise<Candidate[]> {
    return this.transact('readonly', async transaction => {
      const identity = await identityIn(transaction)
      if (!identity) return []
      checkIdentity(identity, { ...this.held, dimension: query.length }, this.capabilities.name)
      const limit = Math.min(1000, Math.max(16, Math.floor(BATCH_BYTES / (4 * query.length))))
      return nearestOf(batchesIn(transaction, { subject: o.subject, limit }), query, o)
    })
  }

  async count({ subject }: { readonly subject?: string }): Promise<number> {
    return this.transact('readonly', transaction => {
      const store = transaction.objectStore('records')
      return subject === undefined ? store.count() : store.index('subject').count(rangeOf(subject))
    })
  }

  async close(): Promise<void> {
    const connection = this.connection
    this.connection = undefined
    // One that never opened has nothing to close.
    const database = await connection?.catch(() => undefined)
    database?.close()
    // A call has its answer a little before its transaction ends, and until then the connection stays.
    await Promise.all(this.underWay)
  }

  explain(error: unknown): ReturnType<NonNullable<StoreDriver['explain']>> {
    return explain(error, this.name)
  }

  /** All of `body` happens or nothing does. It may wait for requests of the transaction alone: the engine ends an idle one. */
  private async transact<T, Mode extends 'readonly' | 'readwrite'>(
    mode: Mode,
    body: (transaction: Transaction<Mode>) => Promise<T>,
  ): Promise<T> {
    const transaction = await this.begin(mode)
    const ended: Promise<void> = transaction.done
      .catch(() => {}) // Who waits for it hears it below.
      .then(() => void this.underWay.delete(ended))
    this.underWay.add(ended)
    try {
      const result = await body(transaction)
      // What was written is safe only now.
      if (mode === 'readwrite') await transaction.done
      return result
    } catch (error) {
      // The engine's own reason, where it has ended the transaction: the requests know only that it has.
      if (transaction.error) throw transaction.error
      abort(transaction)
      throw error
    }
  }

  private async begin<Mode extends 'readonly' | 'readwrite'>(mode: Mode): Promise<Transaction<Mode>> {
    const start = (database: Database): Transaction<Mode> =>
      database.transaction<Part[], Mode>(['identity', 'records'], mode, { durability: 'strict' })
    const connection = this.connect()
    const database = await connection
    try {
      return start(database)
    } catch (error) {
      // It was closed since it was last used; nothing was begun.
      if (nameOf(error) !== 'InvalidStateError') throw error
      this.forget(connection)
      return start(await this.connect())
    }
  }

  private connect(): Promise<Database> {
    if (this.connection) return this.connection
    const connection = openDatabase(this.factory, this.name, this.timeout)
    this.connection = connection
    connection.then(
      database => {
        // Another tab deletes the database, or is of a later release: it waits until this one lets go. The next call opens it again.
        database.addEventListener('versionchange', () => {
          database.close()
          this.forget(connection)
        })
        // The browser closed it: the site's data were cleared, or the engine crashed.
        database.addEventListener('close', () => this.forget(connection))
      },
      () => this.forget(connection),
    )
    return connection
  }

  private forget(connection: Promise<Database>): void {
    if (this.connection === connection) this.connection = undefined
  }
}

function openDatabase(factory: IDBFactory, name: string, timeout: number): Promise<Database> {
  return new Promise((resolve, reject) => {
    const request = factory.open(name, VERSION)
    let foreign = false
    let late = false
    const giveUp = (why: string): void => {
      late = true
      clearTimeout(timer)
      reject(new FacewiseError('STORE_UNAVAILABLE', `The database '${name}' cannot be opened now: ${why}.`))
    }
    const timer = setTimeout(
      () => giveUp(`the browser did not answer in ${timeout} ms. Close other tabs of this site, and try again`),
      timeout,
    )
    request.onblocked = () =>
      giveUp('another tab holds an older version of it open. Close or reload that tab, and try again')
    request.onupgradeneeded = () => {
      const database = request.result
      foreign = database.objectStoreNames.length > 0
      if (foreign || late) return request.transaction?.abort()
      database.createObjectStore('identity')
      database.createObjectStore('records', { keyPath: 'key' }).createIndex('subject', ['subject', 'key'])
    }
    request.onerror = () => {
      clearTimeout(timer)
      reject(foreign ? foreignError(name) : request.error)
    }
    request.onsuccess = () => {
      clearTimeout(timer)
      const database = request.result
      if (late) return database.close()
      if (['identity', 'records'].every(part => database.objectStoreNames.contains(part))) {
        return resolve(wrap(database) as Database)
      }
      database.close()
      reject(foreignError(name))
    }
  })
}

function foreignError(name: string): FacewiseError {
  return new FacewiseError(
    'STORE_FAILED',
    `The database '${name}' belongs to something else; it was not changed. Choose another name.`,
  )
}

function abort(transaction: Transaction<'readonly' | 'readwrite'>): void {
  try {
    transaction.abort()
  } catch {
    // It is over already.
  }
}

function identityIn(transaction: Transaction<'readonly' | 'readwrite'>): Promise<Identity | undefined> {
  return transaction.objectStore('identity').get('identity')
}

async function claimIn(transaction: Transaction<'readwrite'>, identity: Identity): Promise<Identity> {
  const held = await identityIn(transaction)
  if (!held) await transaction.objectStore('identity').put(identity, 'identity')
  return held ?? identity
}

interface Page {
  readonly subject?: string
  readonly after?: Uint8Array<ArrayBuffer>
  readonly limit: number
}

function pageIn(transaction: Transaction<'readonly'>, { subject, after, limit }: Page): Promise<Row[]> {
  const store = transaction.objectStore('records')
  if (subject !== undefined) return store.index('subject').getAll(rangeOf(subject, after), limit)
  return store.getAll(after && IDBKeyRange.lowerBound(after, true), limit)
}

/** All records, a batch at a time; the engine reads the next while the last is looked at. */
async function* batchesIn(transaction: Transaction<'readonly'>, o: Omit<Page, 'after'>): AsyncGenerator<Row[]> {
  let next = pageIn(transaction, o)
  for (;;) {
    const rows = await next
    if (rows.length < o.limit) return yield rows
    next = pageIn(transaction, { ...o, after: rows[rows.length - 1].key })
    // Its failure is heard above, unless the search was given up.
    next.catch(() => {})
    yield rows
  }
}

/** The records of a subject, in the index of subject and key: in the order of keys, lists come after all bytes. */
function rangeOf(subject: string, after?: Uint8Array<ArrayBuffer>): IDBKeyRange {
  return IDBKeyRange.bound([subject, after ?? new Uint8Array()], [subject, []], after !== undefined, true)
}

const encoder = new TextEncoder()

function keyOf(id: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(id)
}

function recordOf({ id, subject, vector, model, time, metadata }: Row): FaceRecord {
  return { id, subject, vector, model, time, metadata }
}

function nameOf(error: unknown): string | undefined {
  return (error as { name?: string } | null)?.name
}

/** What a browser's refusal means; the names are those of the IndexedDB specification (https://w3c.github.io/IndexedDB/#exceptions). */
function explain(error: unknown, name: string): ReturnType<NonNullable<StoreDriver['explain']>> {
  // Some refusals are a name alone.
  const words = messageOf(error) || nameOf(error)
  switch (nameOf(error)) {
    case 'QuotaExceededError':
      return {
        code: 'STORE_FAILED',
        message: `The browser has no room for this in the database '${name}', and nothing of the call was stored: delete records, or free space on the disk. (${words})`,
      }
    case 'SecurityError':
    case 'NotAllowedError':
      return {
        code: 'STORE_FAILED',
        message: `The browser does not let this page keep data (a sandboxed frame, blocked cookies, a private window): allow it, or use memoryStore(). (${words})`,
      }
    case 'VersionError':
      return {
        code: 'STORE_FAILED',
        message: `The database '${name}' was made by a later release, or belongs to something else: reload the page, or choose another name. (${words})`,
      }
    case 'NotReadableError':
      return {
        code: 'STORE_CORRUPT',
        message: `Records of the database '${name}' cannot be read any more: delete it, and store them again. (${words})`,
      }
    case 'AbortError':
    case 'InvalidStateError':
    case 'TransactionInactiveError':
    case 'TimeoutError':
    case 'UnknownError':
      return {
        code: 'STORE_UNAVAILABLE',
        message: `The browser closed the database '${name}' during the call: make the call again. (${words})`,
      }
    default:
      return { code: 'STORE_FAILED', message: `The database '${name}' failed: ${words}` }
  }
}
