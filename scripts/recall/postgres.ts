/**
 * `tsx scripts/recall/postgres.ts [--subjects N] [--queries N]`: how many of the ten nearest records the HNSW index of the PostgreSQL store
 * finds, by setting, how long it takes to build, and how many bytes it takes.
 */
import { parseArgs } from 'node:util'
import { Pool } from 'pg'
import { memoryStore, type NewFaceRecord } from '../../src/store/index.ts'
import { postgresStore } from '../../src/store/postgres.ts'
import { startPostgres } from '../postgres.ts'
import { makeGallery } from './gallery.ts'

const { values } = parseArgs({
  options: { subjects: { type: 'string', default: '10000' }, queries: { type: 'string', default: '500' } },
})
const PER_SUBJECT = 5
const K = 10
const BATCH = 5_000
const SETTINGS = [
  { m: 8, efConstruction: 32 },
  { m: 16, efConstruction: 64 },
  { m: 32, efConstruction: 128 },
]

const { vectors, queries } = makeGallery({ subjects: Number(values.subjects), queries: Number(values.queries) })
const records = vectors.map(
  (vector, i): NewFaceRecord => ({
    id: `record-${i}`,
    subject: `subject-${Math.floor(i / PER_SUBJECT)}`,
    vector,
    model: 'made-up',
  }),
)
const exact = await memoryStore()
await exact.upsert(records)
const wanted: Set<string>[] = []
for (const query of queries) wanted.push(new Set((await exact.search(query, { k: K })).map(({ id }) => id)))

const server = await startPostgres()
const pool = new Pool({ connectionString: server.url })
try {
  const schema = 'recall'
  const plain = await postgresStore({ client: pool, schema, index: false })
  for (let i = 0; i < records.length; i += BATCH) await plain.upsert(records.slice(i, i + BATCH))
  const size = async (of: string): Promise<number> => {
    const { rows } = await pool.query(`SELECT sum(${of})::float8 AS n FROM pg_tables WHERE schemaname = $1`, [schema])
    return rows[0].n / records.length
  }
  const whole = "pg_total_relation_size(format('%I.%I', schemaname, tablename)::regclass)"
  const before = await size(whole)
  console.log(
    `${records.length} records, ${queries.length} queries. Without an index: ${before.toFixed(0)} bytes a record.\n`,
  )
  console.log(
    '| m | efConstruction | built in | index, bytes a record | efSearch | recall@10 | ms a search |\n|-|-|-|-|-|-|-|',
  )
  for (const index of SETTINGS) {
    const { rows } = await pool.query(
      `SELECT format('%I.%I', schemaname, indexname) AS name FROM pg_indexes WHERE schemaname = $1 AND indexdef LIKE '%hnsw%'`,
      [schema],
    )
    for (const { name } of rows) await pool.query(`DROP INDEX ${name}`)
    const began = performance.now()
    await (await postgresStore({ client: pool, schema, index })).close()
    const seconds = ((performance.now() - began) / 1000).toFixed(0)
    const bytes = ((await size(whole)) - before).toFixed(0)
    for (const efSearch of [40, 100, 200, 400]) {
      const store = await postgresStore({ client: pool, schema, index, efSearch })
      let found = 0
      const start = performance.now()
      for (const [i, query] of queries.entries()) {
        found += (await store.search(query, { k: K })).filter(({ id }) => wanted[i].has(id)).length
      }
      const ms = ((performance.now() - start) / queries.length).toFixed(1)
      const recall = (found / queries.length / K).toFixed(3)
      console.log(
        `| ${index.m} | ${index.efConstruction} | ${seconds} s | ${bytes} | ${efSearch} | ${recall} | ${ms} |`,
      )
      await store.close()
    }
  }
} finally {
  await pool.end()
  await server.remove()
}
