import type { EmbeddingStore, NewFaceRecord, SearchOptions } from '../src/store/index.ts'

/** What a store does at a number of records: inserts a second, and the median milliseconds of a search. */
export interface Measured {
  readonly records: number
  readonly batched: number
  readonly single: number
  readonly search: number
  readonly bySubject: number
  readonly filtered: number
  readonly oneSubject: number
}

const DIMENSION = 128
const BATCH = 500
const SINGLE = 50
const SEARCHES = 15

/** Fills a store step by step and measures it at each size. */
export async function measureStore(name: string, store: EmbeddingStore, sizes: readonly number[]): Promise<Measured[]> {
  const measured: Measured[] = []
  let count = 0
  for (const size of sizes) {
    const batches: NewFaceRecord[][] = []
    for (let from = count; from < size - SINGLE; from += BATCH) {
      batches.push(records(from, Math.min(from + BATCH, size - SINGLE)))
    }
    const batched = await seconds(async () => {
      for (const batch of batches) await store.upsert(batch)
    })
    const alone = records(size - SINGLE, size)
    const single = await seconds(async () => {
      for (const record of alone) await store.upsert([record])
    })
    const total = await store.count()
    if (total !== size) throw new Error(`${name} has ${total} records, not ${size}`)
    const search = (o: Partial<SearchOptions>): Promise<number> => searchTime(store, size, o)
    measured.push({
      records: size,
      batched: (size - SINGLE - count) / batched,
      single: SINGLE / single,
      search: await search({}),
      bySubject: await search({ per: 'subject' }),
      filtered: await search({ where: { door: 'north' } }),
      oneSubject: await search({ subject: 's7' }),
    })
    count = size
  }
  return measured
}

async function searchTime(store: EmbeddingStore, size: number, o: Partial<SearchOptions>): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < SEARCHES + 2; i++) {
    const query = vectorOf((i * 7919) % size, 1)
    const began = performance.now()
    await store.search(query, { k: 10, ...o })
    // The first ones fill caches.
    if (i >= 2) times.push(performance.now() - began)
  }
  return times.sort((a, b) => a - b)[SEARCHES >> 1]
}

async function seconds(action: () => Promise<void>): Promise<number> {
  const began = performance.now()
  await action()
  return (performance.now() - began) / 1000
}

function records(from: number, to: number): NewFaceRecord[] {
  return Array.from({ length: to - from }, (_, i) => {
    const n = from + i
    const metadata = { door: n % 10 === 0 ? 'north' : 'south', n }
    return { id: `r${n}`, subject: `s${Math.floor(n / 5)}`, vector: vectorOf(n, 0), model: 'bench', metadata }
  })
}

/** A vector of record `n`: its subject's centre and some noise, of length one. */
function vectorOf(n: number, sample: number): Float32Array {
  const centre = stream(Math.floor(n / 5) * 2 + 1)
  const noise = stream(n * 4 + sample * 2 + 2)
  const vector = Float32Array.from({ length: DIMENSION }, () => centre() + noise() * 0.25)
  const length = Math.hypot(...vector)
  return vector.map(value => value / length)
}

/** Numbers from -1 to 1 that are the same for one seed (xorshift). */
function stream(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1) | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state / 2 ** 31
  }
}
