/**
 * `npm run bench`, third part: the memory store's search beside that of @vladmandic/human, and what each store does a second at growing
 * numbers of records. `tsx bench/stores.ts sqlite` measures one alone.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '../scripts/postgres.ts'
import { messageOf } from '../src/errors.ts'
import { cached, type EmbeddingStore, encrypted, memoryStore } from '../src/store/index.ts'
import { lancedbStore } from '../src/store/lancedb.ts'
import { postgresStore } from '../src/store/postgres.ts'
import { sqliteStore } from '../src/store/sqlite.ts'
import { benchIndexedDb } from './store-indexeddb.ts'
import { benchMemoryStore } from './store-memory.ts'
import { type Measured, measureStore } from './store-rates.ts'
import { row } from './timing.ts'

const SIZES = [1_000, 10_000, 100_000]
const wanted = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), 'facewise-bench-'))
const rates = (name: string, open: () => Promise<EmbeddingStore>): (() => Promise<Measured[]>) => {
  return async () => {
    const store = await open()
    try {
      return await measureStore(name, store, SIZES)
    } finally {
      await store.close()
    }
  }
}

const stores: Record<string, () => Promise<Measured[]>> = {
  memory: rates('memory', () => memoryStore()),
  sqlite: rates('sqlite', () => sqliteStore({ url: `file:${join(folder, 'faces.db')}` })),
  'cached sqlite': rates('cached sqlite', async () =>
    cached(await sqliteStore({ url: `file:${join(folder, 'c.db')}` })),
  ),
  'encrypted sqlite': rates('encrypted sqlite', async () =>
    encrypted(await sqliteStore({ url: `file:${join(folder, 'e.db')}` }), { key: new Uint8Array(32).fill(7) }),
  ),
  lancedb: rates('lancedb', () => lancedbStore({ uri: join(folder, 'lance') })),
  postgres: () => onPostgres('postgres', {}),
  'postgres, exact': () => onPostgres('postgres, exact', { index: false }),
  indexeddb: () => benchIndexedDb(SIZES),
}

try {
  if (wanted.length === 0 || wanted.includes('match')) await benchMemoryStore()
  console.log(
    '\nStores of 128-d embeddings, 5 a subject; inserts in batches of 500 and one by one, searches for the nearest 10\n',
  )
  row(['store', 'records', 'inserts/s', 'single/s', 'search ms', 'by subject', 'filtered', 'one subject'].map(wide))
  for (const [name, measure] of Object.entries(stores)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue
    try {
      for (const m of await measure()) {
        const cells = [m.batched, m.single].map(rate => rate.toFixed(0))
        const times = [m.search, m.bySubject, m.filtered, m.oneSubject].map(ms => ms.toFixed(2))
        row([name, m.records.toLocaleString('en'), ...cells, ...times].map(wide))
      }
    } catch (error) {
      console.log(`${name}: not measured: ${messageOf(error)}`)
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function onPostgres(name: string, options: { index?: false }): Promise<Measured[]> {
  const server = await startPostgres()
  try {
    const schema = `bench_${Date.now()}`
    return await rates(name, () => postgresStore({ url: server.url, schema, ...options }))()
  } finally {
    await server.remove()
  }
}

function wide(cell: string): string {
  return cell.padEnd(17)
}
