import type { Client, InStatement, Row } from '@libsql/client'
import { FacewiseError, isFacewiseError, messageOf, throwIfAborted } from '../../errors.ts'
import { explainSqlite, isBusy, isClosed, isReadOnly } from './explain.ts'

/** How long SQLite itself waits for another process's lock; nothing else of this process runs meanwhile. */
const ENGINE_WAIT = 100
/** How long a call is tried again while other processes write, before it gives up. */
const PATIENCE = 10_000
/** Rows of 512 numbers fill a page of 4 KiB by half; three of them fit here. */
const PAGE_SIZE = 8192

/** How durable writes are, and that what is deleted is overwritten; then whether a lock for writing can be had. */
const PREPARE = 'PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; BEGIN IMMEDIATE; COMMIT'

export interface ConnectionOptions {
  readonly url?: string
  readonly authToken?: string
  readonly client?: Client
}

/**
 * A client of libSQL, with what it leaves to its users: patience with other processes, writes of this process in their order, and
 * a connection that works again after an error.
 */
export class Connection {
  /** In this process, not behind an address. */
  private readonly local: boolean
  private writes: Promise<unknown> = Promise.resolve()
  private closed = false

  private constructor(
    private readonly client: Client,
    private readonly owned: boolean,
    readonly inMemory: boolean,
  ) {
    this.local = client.protocol === 'file'
  }

  /** @throws FacewiseError `DEPENDENCY_MISSING`, `INVALID_ARGUMENT`, `STORE_FAILED`, `STORE_CORRUPT`, `STORE_UNAVAILABLE`. */
  static async open({ url, authToken, client }: ConnectionOptions): Promise<Connection> {
    if (client) return new Connection(client, false, false)
    if (typeof url !== 'string' || url === '') {
      throw new FacewiseError(
        'INVALID_ARGUMENT',
        "The sqlite store needs a url, such as 'file:faces.db', ':memory:' or 'libsql://...', or a client.",
      )
    }
    const { createClient } = await libsql()
    let own: Client | undefined
    try {
      // One connection: settings hold for all calls, and calls wait for each other in order.
      own = createClient({ url, authToken, timeout: ENGINE_WAIT, concurrency: 1 })
      const connection = new Connection(own, true, /^(file:)?:memory:/.test(url))
      await connection.useWal()
      return connection
    } catch (error) {
      own?.close()
      const { code, message } = explainSqlite(error, placeOf(url))
      throw new FacewiseError(code, message, { cause: error })
    }
  }

  async read(statement: InStatement): Promise<Row[]> {
    return this.patiently(async () => (await this.client.execute(statement)).rows)
  }

  /** All statements in one transaction, or none. @returns the rows that each changed. */
  async write(statements: readonly InStatement[], signal?: AbortSignal): Promise<number[]> {
    const run = async (): Promise<number[]> => {
      throwIfAborted(signal)
      if (this.local) await this.client.executeMultiple(PREPARE)
      const results = await this.client.batch([...statements], 'write')
      return results.map(({ rowsAffected }) => rowsAffected)
    }
    if (!this.local) return this.patiently(run)
    const turn = this.writes.then(() => this.patiently(run))
    this.writes = turn.catch(() => {})
    return turn
  }

  /**
   * Moves what was written from the log into the file and empties the log, so that it holds nothing that was deleted. Other processes that
   * read just now prevent it; the next checkpoint makes up for it.
   */
  async checkpoint(): Promise<void> {
    if (!this.local || this.inMemory) return
    const turn = this.writes.then(() => this.client.execute('PRAGMA wal_checkpoint(TRUNCATE)'))
    this.writes = turn.catch(() => this.renew())
    await this.writes
  }

  async close(): Promise<void> {
    await this.writes
    if (!this.owned) return
    await this.checkpoint()
    this.closed = true
    this.client.close()
  }

  private async useWal(): Promise<void> {
    if (!this.local || this.inMemory) return
    try {
      await this.patiently(() =>
        this.client.executeMultiple(`PRAGMA page_size=${PAGE_SIZE}; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL`),
      )
    } catch (error) {
      // It can still be read.
      if (!isReadOnly(error)) throw error
    }
  }

  /** Repeats a call while other processes hold the lock. */
  private async patiently<T>(call: () => Promise<T>): Promise<T> {
    const end = Date.now() + PATIENCE
    for (;;) {
      try {
        return await call()
      } catch (error) {
        if (isFacewiseError(error)) throw error
        // A call that waited for the connection which another call gave up did nothing yet.
        const again = isBusy(error) || (this.owned && !this.closed && isClosed(error))
        if (!isClosed(error)) await this.renew()
        if (!again || Date.now() > end) throw error
        await new Promise(resolve => setTimeout(resolve, 5 + Math.random() * 20))
      }
    }
  }

  /**
   * A statement that failed stays open until it is garbage, and holds up later commits of its connection ("SQL statements in
   * progress", libsql 0.5): a fresh connection has none. A database in memory is its connection, though, and a client that was given
   * may be in a transaction of its owner.
   */
  private async renew(): Promise<void> {
    if (this.owned && this.local && !this.inMemory) await this.client.reconnect()
  }
}

/** The address for messages: without the token that its query may hold. */
export function placeOf(url: string): string {
  return url.split('?')[0]
}

async function libsql(): Promise<typeof import('@libsql/client')> {
  try {
    return await import('@libsql/client')
  } catch (error) {
    throw new FacewiseError(
      'DEPENDENCY_MISSING',
      `The sqlite store needs the package "@libsql/client": run \`npm install @libsql/client\`. (${messageOf(error)})`,
      { cause: error },
    )
  }
}
