import pg from 'pg'
import type { Database } from './database.ts'
import { migrate } from './schema.ts'

/** Any number: those that start at once wait for each other under it. */
const MIGRATION_LOCK = 726_154_320
const INT8 = 20

/** The accounts in PostgreSQL: any number of servers, which share nothing else. */
export async function postgresDatabase(url: string): Promise<Database> {
  const pool = new pg.Pool({
    connectionString: url,
    max: 10,
    connectionTimeoutMillis: 5000,
    statement_timeout: 10_000,
    types: {
      // Times and counts fit into a double.
      getTypeParser: (oid: number, format?: 'text' | 'binary') =>
        oid === INT8 ? Number : pg.types.getTypeParser(oid, format as 'text'),
    },
  })
  // A connection that breaks while idle is replaced; without a listener it would end the process.
  pool.on('error', () => {})
  const over = (client: Pick<pg.Pool, 'query'>): Pick<Database, 'rows' | 'run'> => ({
    async rows<Row>(sql: string, ...values: readonly unknown[]) {
      return (await client.query(numbered(sql), [...values])).rows as Row[]
    },
    async run(sql, ...values) {
      return (await client.query(numbered(sql), [...values])).rowCount ?? 0
    },
  })
  const transaction = async (work: (client: pg.PoolClient) => Promise<void>): Promise<void> => {
    const client = await pool.connect()
    let broken: Error | undefined
    try {
      await client.query('BEGIN')
      await work(client)
      await client.query('COMMIT')
    } catch (error) {
      await client.query('ROLLBACK').catch(failed => {
        broken = failed as Error
      })
      throw error
    } finally {
      client.release(broken)
    }
  }
  const database: Database = {
    kind: 'postgres',
    ...over(pool),
    together: statements =>
      transaction(async client => {
        for (const { sql, values } of statements) await client.query(numbered(sql), [...values])
      }),
    async erase() {
      for (const table of ['accounts', 'sessions', 'challenges', 'events', 'recovery_codes']) {
        await pool.query(`VACUUM ${table}`)
      }
    },
    close: () => pool.end(),
  }
  await transaction(async client => {
    await client.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK])
    await migrate({
      ...database,
      ...over(client as unknown as Pick<pg.Pool, 'query'>),
      async together(statements) {
        for (const { sql, values } of statements) await client.query(numbered(sql), [...values])
      },
    })
  })
  return database
}

/** `?` as PostgreSQL wants it. No statement has one inside a text. */
function numbered(sql: string): string {
  let count = 0
  return sql.replace(/\?/g, () => `$${++count}`)
}
