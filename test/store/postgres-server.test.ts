import { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../scripts/postgres.ts'
import { messageOf } from '../../src/errors.ts'
import { storeConformance } from '../../src/store/conformance/index.ts'
import { Random } from '../../src/store/conformance/random.ts'
import type { NewFaceRecord } from '../../src/store/index.ts'
import { type PostgresClient, postgresStore } from '../../src/store/postgres.ts'

let server: PostgresServer
let pool: Pool
let reason = ''
try {
  server = await startPostgres()
} catch (error) {
  reason = messageOf(error)
  console.warn(`SKIPPED: the tests on a real PostgreSQL, since there is none here: ${reason}`)
}

const random = new Random(3)
const record = (id: string, more: Partial<NewFaceRecord> = {}): NewFaceRecord => ({
  id,
  subject: 'ada',
  vector: random.vector(8),
  model: 'm',
  ...more,
})

describe.skipIf(reason !== '')('the PostgreSQL store on a server', () => {
  beforeAll(() => {
    pool = new Pool({ connectionString: server.url, max: 8 })
    pool.on('error', () => {})
  })
  afterAll(async () => {
    await pool.end()
    await server.remove()
  })

  const clients: Record<string, (query: PostgresClient) => PostgresClient> = {
    'a pool': client => client,
    'anything with query(sql, params)': client => ({ query: (sql, params) => client.query(sql, params) }),
  }
  for (const [name, clientOf] of Object.entries(clients)) {
    for (const settings of name === 'a pool' ? [{}, { index: false as const }] : [{}]) {
      describe(`by ${name}${'index' in settings ? ', without an index' : ''}`, () => {
        const cases = storeConformance({
          open: (schema, options) => postgresStore({ client: clientOf(pool), schema, ...settings, ...options }),
          remove: async place => void (await pool.query(`DROP SCHEMA IF EXISTS "${place}" CASCADE`)),
          rounds: 20,
          // Once at its full size: building the index takes its time.
          large: name === 'a pool' && !('index' in settings) ? 10_000 : 2_000,
        })
        it.each(cases)('$name', ({ run }) => run())
      })
    }
  }

  it('is made once by stores that open an empty database at once, each with connections of its own', async () => {
    const stores = await Promise.all(
      Array.from({ length: 6 }, () => postgresStore({ url: server.url, schema: 'at_once' })),
    )
    await Promise.all(stores.map((store, i) => store.upsert([record(`r${i}`)])))
    expect(await stores[0].count()).toBe(6)
    await Promise.all(stores.map(store => store.close()))
  })

  it('takes the same records in opposite orders at once', async () => {
    const store = await postgresStore({ client: pool, schema: 'opposite' })
    const records = Array.from({ length: 100 }, (_, i) => record(`r${i}`))
    const calls = Array.from({ length: 12 }, (_, i) => store.upsert(i % 2 ? records : [...records].reverse()))
    const deletes = Array.from({ length: 4 }, () => store.delete({ ids: records.slice(40, 60).map(({ id }) => id) }))
    await Promise.all([...calls, ...deletes])
    await store.upsert(records)
    expect(await store.count()).toBe(100)
    await store.close()
  })

  it('searches by its index', async () => {
    const store = await postgresStore({ client: pool, schema: 'indexed' })
    await store.upsert(Array.from({ length: 5_000 }, (_, i) => record(`r${i}`, { subject: `s${i}` })))
    const scans = async (): Promise<number> => {
      // Counted by the server some time after a statement ends.
      await pool.query('SELECT pg_stat_force_next_flush()')
      const { rows } = await pool.query(
        `SELECT coalesce(sum(s.idx_scan), 0)::int AS n FROM pg_stat_user_indexes s
         JOIN pg_class c ON c.oid = s.indexrelid JOIN pg_am a ON a.oid = c.relam WHERE a.amname = 'hnsw' AND s.schemaname = 'indexed'`,
      )
      return rows[0].n
    }
    await store.search(random.vector(8), { k: 10 })
    await expect.poll(scans, { timeout: 10_000 }).toBeGreaterThan(0)
    await store.close()
  })

  it('works again when a server is back that went away in mid-call', async () => {
    const stores = [
      await postgresStore({ client: pool, schema: 'away' }),
      await postgresStore({ url: server.url, schema: 'away' }),
    ]
    await stores[0].upsert([record('before')])
    for (const store of stores) {
      const calls = Array.from({ length: 40 }, (_, i) => store.upsert([record(`during${i}`)]))
      const settled = Promise.allSettled(calls)
      await server.stop()
      const codes = new Set((await settled).map(call => (call.status === 'fulfilled' ? 'done' : call.reason.code)))
      codes.delete('done')
      expect([...codes].filter(code => code !== 'STORE_UNAVAILABLE')).toEqual([])
      await expect(store.get('before')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
      await server.start()
      expect((await store.get('before'))?.subject).toBe('ada')
      await store.upsert([record('after')])
    }
    await Promise.all(stores.map(store => store.close()))
  })
})
