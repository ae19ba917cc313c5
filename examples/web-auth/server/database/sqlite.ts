import { createClient } from '@libsql/client'
import type { Database, Statement } from './database.ts'
import { migrate } from './schema.ts'

/** How long a statement waits for another process that writes, in milliseconds. */
const PATIENCE = 1000

/**
 * The accounts in a SQLite file: one server, nothing to install. What is deleted is overwritten (`secure_delete`); statements are short,
 * since the client holds up the thread while one runs.
 *
 * @param path of the file; its folder exists.
 */
export async function sqliteDatabase(path: string): Promise<Database> {
  // One connection, so that its settings hold for every statement.
  const client = createClient({ url: `file:${path}`, concurrency: 1, timeout: PATIENCE })
  const prepare = (): Promise<void> =>
    client.executeMultiple('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON')
  await prepare()
  const settled = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      // A statement that failed would hold up later commits of its connection (libsql 0.5).
      client.reconnect()
      await prepare()
      throw error
    }
  }
  const plain = ({ sql, values }: Statement): { sql: string; args: (string | number | null)[] } => ({
    sql,
    args: [...values],
  })
  const database: Database = {
    kind: 'sqlite',
    async rows<Row>(sql: string, ...values: readonly (string | number | null)[]) {
      const { rows, columns } = await settled(() => client.execute(plain({ sql, values })))
      return rows.map(row => Object.fromEntries(columns.map((name, i) => [name, row[i]])) as Row)
    },
    async run(sql, ...values) {
      return (await settled(() => client.execute(plain({ sql, values })))).rowsAffected
    },
    async together(statements) {
      await settled(() => client.batch(statements.map(plain), 'write'))
    },
    async erase() {
      // Cells that were moved within a page stay behind in its gaps: only writing every page anew removes them.
      await settled(() => client.execute('VACUUM'))
      await settled(() => client.execute('PRAGMA wal_checkpoint(TRUNCATE)'))
    },
    async close() {
      await settled(() => client.execute('PRAGMA wal_checkpoint(TRUNCATE)'))
      client.close()
    },
  }
  await migrate(database)
  return database
}
