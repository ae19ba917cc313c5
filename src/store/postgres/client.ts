import { FacewiseError, messageOf } from '../../errors.ts'

/** What the store needs of a client: `pg`'s Pool and Client and PGlite have it. Columns that are asked for are text. */
export interface PostgresClient {
  query(sql: string, params: unknown[]): Promise<{ rows: unknown[] }>
}

/** The client that was given, or a pool of the store's own. */
export async function connect(o: {
  client?: PostgresClient
  url?: string
}): Promise<{ client: PostgresClient; end: () => Promise<void> }> {
  if ((o?.client === undefined) === (o?.url === undefined)) {
    throw new FacewiseError('INVALID_ARGUMENT', 'postgresStore needs either client or url.')
  }
  if (o.client !== undefined) {
    if (typeof o.client?.query !== 'function') {
      throw new FacewiseError('INVALID_ARGUMENT', 'client must have query(sql, params), as a Pool of pg has.')
    }
    return { client: o.client, end: async () => {} }
  }
  // The message leaves the address out: it may hold a password.
  if (typeof o.url !== 'string' || !/^postgres(ql)?:\/\//.test(o.url)) throw badUrl()
  const { Pool } = await import('pg').catch(error => {
    throw new FacewiseError(
      'DEPENDENCY_MISSING',
      `The store in PostgreSQL needs the package "pg": run \`npm install pg\`. (${messageOf(error)})`,
      { cause: error },
    )
  })
  const pool = new Pool({ connectionString: o.url, connectionTimeoutMillis: 10_000, allowExitOnIdle: true })
  // An idle connection that breaks is replaced; without a listener it would end the process.
  pool.on('error', () => {})
  return {
    client: {
      query: (sql, params) =>
        pool.query(sql, params).catch((error: NodeJS.ErrnoException) => {
          // Its cause would carry the address.
          throw error?.code === 'ERR_INVALID_URL' ? badUrl() : error
        }),
    },
    end: () => pool.end(),
  }
}

function badUrl(): FacewiseError {
  return new FacewiseError(
    'INVALID_ARGUMENT',
    'url is no address of a PostgreSQL database: postgres://user:password@host:5432/name, with special characters percent-encoded.',
  )
}
