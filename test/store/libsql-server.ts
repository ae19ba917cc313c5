import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Client, createClient, type InValue, LibsqlError, type ResultSet } from '@libsql/client'

/*
 * A libSQL server of the size that a test needs: SQL over HTTP, version 2 in JSON, as clients fall back to
 * (https://github.com/tursodatabase/libsql/blob/main/docs/HTTP_V2_SPEC.md). A real database file does the work. Each request is one stream:
 * no interactive transactions.
 */

type Value =
  | { type: 'null' }
  | { type: 'integer' | 'text'; value: string }
  | { type: 'float'; value: number }
  | { type: 'blob'; base64: string }

interface Statement {
  readonly sql?: string
  readonly sql_id?: number
  readonly args?: readonly Value[]
}

interface Request {
  readonly type: string
  readonly sql?: string
  readonly sql_id?: number
  readonly stmt?: Statement
  readonly batch?: { readonly steps: readonly { readonly stmt: Statement }[] }
}

export class LibsqlServer {
  /** Breaks the connection after so many more requests, before they are answered. */
  breakAfter = Infinity
  private server?: Server
  private port = 0
  private readonly database: Client

  constructor(
    file: string,
    private readonly token?: string,
  ) {
    this.database = createClient({ url: `file:${file}`, concurrency: 1, intMode: 'bigint' })
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Starts, the second time at the same address. */
  async start(): Promise<this> {
    this.server = createServer((request, response) => void this.answer(request, response))
    await new Promise<void>(resolve => this.server?.listen(this.port, '127.0.0.1', resolve))
    this.port = (this.server.address() as AddressInfo).port
    return this
  }

  async stop(): Promise<void> {
    const closed = new Promise(resolve => this.server?.close(resolve))
    this.server?.closeAllConnections()
    await closed
  }

  close(): void {
    this.database.close()
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url !== '/v2/pipeline') {
      response.writeHead(404).end()
      return
    }
    if (this.token !== undefined && request.headers.authorization !== `Bearer ${this.token}`) {
      response.writeHead(401).end('Unauthorized')
      return
    }
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { requests } = JSON.parse(Buffer.concat(chunks).toString()) as { requests: readonly Request[] }
    const texts = new Map<number, string>()
    const results: unknown[] = []
    for (const each of requests) results.push(await this.result(each, texts))
    if (this.breakAfter-- <= 0) {
      request.socket.destroy()
      return
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ baton: null, results }))
  }

  private async result(request: Request, texts: Map<number, string>): Promise<unknown> {
    const { type } = request
    const plain = ({ sql, sql_id = 0, args = [] }: Statement): { sql: string; args: InValue[] } => ({
      sql: sql ?? texts.get(sql_id) ?? '',
      args: args.map(decode),
    })
    try {
      if (type === 'store_sql') texts.set(request.sql_id as number, request.sql as string)
      if (type === 'execute') {
        return ok({ type, result: encode(await this.database.execute(plain(request.stmt as Statement))) })
      }
      if (type === 'batch') return ok({ type, result: await this.batch(request.batch?.steps ?? [], plain) })
      return ok({ type })
    } catch (error) {
      return { type: 'error', error: describe(error) }
    }
  }

  /** The client's batch: BEGIN, its statements, COMMIT, and ROLLBACK for the case that one fails. */
  private async batch(
    steps: readonly { readonly stmt: Statement }[],
    plain: (statement: Statement) => { sql: string; args: InValue[] },
  ): Promise<unknown> {
    const statements = steps.slice(1, -2).map(({ stmt }) => plain(stmt))
    const empty = encode({ columns: [], columnTypes: [], rows: [], rowsAffected: 0 } as unknown as ResultSet)
    const nothing = steps.map(() => null)
    try {
      const results = (await this.database.batch(statements, 'write')).map(encode)
      return { step_results: [empty, ...results, empty, null], step_errors: nothing }
    } catch (error) {
      const failed = 1 + ((error as { statementIndex?: number }).statementIndex ?? -1)
      return {
        step_results: steps.map((_, i) => (i < failed ? empty : null)),
        step_errors: steps.map((_, i) => (i === failed ? describe(error) : null)),
      }
    }
  }
}

function ok(response: unknown): unknown {
  return { type: 'ok', response }
}

function describe(error: unknown): { message: string; code?: string } {
  return { message: (error as Error).message, code: error instanceof LibsqlError ? error.code : undefined }
}

function encode({ columns, columnTypes, rows, rowsAffected, lastInsertRowid }: ResultSet): unknown {
  return {
    cols: columns.map((name, i) => ({ name, decltype: columnTypes[i] })),
    rows: rows.map(row => columns.map((_, i) => encodeValue(row[i]))),
    affected_row_count: rowsAffected,
    last_insert_rowid: lastInsertRowid === undefined ? null : String(lastInsertRowid),
  }
}

function encodeValue(value: unknown): Value {
  if (typeof value === 'bigint') return { type: 'integer', value: String(value) }
  if (typeof value === 'number') return { type: 'float', value }
  if (typeof value === 'string') return { type: 'text', value }
  // Like the real one, without padding.
  if (value instanceof ArrayBuffer) {
    return { type: 'blob', base64: Buffer.from(value).toString('base64').replace(/=+$/, '') }
  }
  return { type: 'null' }
}

function decode(value: Value): InValue {
  if (value.type === 'integer') return BigInt(value.value)
  if (value.type === 'blob') return new Uint8Array(Buffer.from(value.base64, 'base64'))
  return value.type === 'null' ? null : value.value
}
