/**
 * `tsx scripts/recall/lancedb.ts [--subjects N] [--queries N]`: how many of the ten nearest records the indexes of the LanceDB store
 * find, by setting, and how many bytes they take.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { distance } from '../../src/metrics.ts'
import { type LanceDbIndex, lancedbStore } from '../../src/store/lancedb.ts'
import { makeGallery } from './gallery.ts'

const { values } = parseArgs({
  options: { subjects: { type: 'string', default: '10000' }, queries: { type: 'string', default: '1000' } },
})
const PER_SUBJECT = 5
const K = 10
const BATCH = 10_000

type Search = Pick<LanceDbIndex, 'nprobes' | 'refineFactor' | 'ef'>

const INDEXES: { index: LanceDbIndex; searches: Search[] }[] = [
  { index: { type: 'ivf-flat' }, searches: [5, 20].map(nprobes => ({ nprobes, refineFactor: 1 })) },
  ...[8, 32, 64].map(subVectors => ({
    index: { type: 'ivf-pq', subVectors } as const,
    searches: [1, 4, 10].map(refineFactor => ({ nprobes: 20, refineFactor })),
  })),
  {
    index: { type: 'ivf-hnsw-sq' },
    searches: [1, 20].flatMap(nprobes => [100, 300].map(ef => ({ nprobes, refineFactor: 4, ef }))),
  },
  {
    index: { type: 'ivf-hnsw-pq', subVectors: 32 },
    searches: [4, 10].map(refineFactor => ({ nprobes: 20, refineFactor })),
  },
]

const { vectors, queries } = makeGallery({ subjects: Number(values.subjects), queries: Number(values.queries) })
const spread = (distances: number[]): string => {
  const sorted = distances.sort((a, b) => a - b)
  return [0.05, 0.5, 0.95].map(q => sorted[Math.floor(q * sorted.length)].toFixed(3)).join(' / ')
}
console.log(`${vectors.length} records, ${queries.length} queries; cosine distances at 5, 50, 95 %:`)
const step = PER_SUBJECT * 7
console.log(`  one subject ${spread(vectors.flatMap((v, i) => (i % step ? [] : [distance(v, vectors[i + 1])])))}`)
console.log(
  `  strangers   ${spread(vectors.flatMap((v, i) => (i % step || !vectors[i + step] ? [] : [distance(v, vectors[i + step])])))}\n`,
)

const root = mkdtempSync(join(tmpdir(), 'facewise-recall-'))
try {
  const exact = await fill('exact')
  const wanted: Set<string>[] = []
  for (const query of queries) wanted.push(new Set((await exact.search(query, { k: K })).map(({ id }) => id)))
  await exact.compact({ alone: true })
  await exact.close()
  console.log(`vectors and all else: ${(bytes('exact', 'data') / vectors.length).toFixed(0)} bytes a record\n`)
  console.log(
    '| index | subVectors | nprobes | refineFactor | ef | recall@10 | index, bytes a record |\n|-|-|-|-|-|-|-|',
  )
  for (const [i, { index, searches }] of INDEXES.entries()) {
    const made = { ...index, minRecords: vectors.length }
    await (await fill(`index${i}`, made)).close()
    const size = bytes(`index${i}`, '_indices') / vectors.length
    if (size === 0) throw new Error(`The index ${index.type} was not made.`)
    for (const search of searches) {
      const store = await lancedbStore({ uri: join(root, `index${i}`), index: { ...made, ...search } })
      let found = 0
      for (const [q, query] of queries.entries()) {
        found += (await store.search(query, { k: K })).filter(({ id }) => wanted[q].has(id)).length
      }
      await store.close()
      const { nprobes, refineFactor, ef = '' } = search
      const recall = (found / queries.length / K).toFixed(3)
      console.log(
        `| ${index.type} | ${index.subVectors ?? ''} | ${nprobes} | ${refineFactor} | ${ef} | ${recall} | ${size.toFixed(0)} |`,
      )
    }
  }
} finally {
  rmSync(root, { recursive: true, force: true })
}

async function fill(place: string, index?: LanceDbIndex): ReturnType<typeof lancedbStore> {
  const store = await lancedbStore({ uri: join(root, place), index })
  for (let i = 0; i < vectors.length; i += BATCH) {
    await store.upsert(
      vectors.slice(i, i + BATCH).map((vector, j) => ({
        id: `record-${i + j}`,
        subject: `subject-${Math.floor((i + j) / PER_SUBJECT)}`,
        vector,
        model: 'made-up',
      })),
    )
  }
  return store
}

function bytes(place: string, part: string): number {
  return readdirSync(join(root, place, 'embeddings.lance', part), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0)
}
