import { execFile, spawn } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { storeConformance } from '../../src/store/conformance/index.ts'
import { Random } from '../../src/store/conformance/random.ts'
import { type LanceDbIndex, lancedbStore } from '../../src/store/lancedb.ts'
import type { NewFaceRecord } from '../../src/store/store.ts'

const root = mkdtempSync(join(tmpdir(), 'facewise-lancedb-'))
const remove = async (place: string): Promise<void> => rmSync(join(root, place), { recursive: true, force: true })
const writer = fileURLToPath(new URL('./lancedb-writer.ts', import.meta.url))

afterAll(() => rmSync(root, { recursive: true, force: true }))

describe('the lancedb store', () => {
  const open = (place: string, options = {}) => lancedbStore({ ...options, uri: join(root, place) })
  it.each(storeConformance({ open, remove }))('$name', ({ run }) => run())
})

describe('a list of a lancedb store', () => {
  it('is in order and whole over many pages, whatever is written meanwhile', async () => {
    const store = await lancedbStore({ uri: folder() })
    const all = records(3000)
    await store.upsert(all)
    const wanted = all.map(({ id }) => id).sort()
    expect(await ids(store)).toEqual(wanted)
    const listed: string[] = []
    for await (const { id } of store.list()) {
      if (listed.push(id) % 700 === 0) await store.upsert([{ ...all[0], id: `a${listed.length}` }])
    }
    expect(listed).toEqual(wanted)
    const again: string[] = []
    for await (const { id } of store.list()) {
      if (again.push(id) === 1500) await store.delete({ ids: wanted.slice(1600) })
    }
    expect(again.length).toBeLessThan(2000)
    await store.close()
  })
})

describe.each<LanceDbIndex>([
  { type: 'ivf-hnsw-sq', minRecords: 256, ef: 20 },
  { type: 'ivf-pq', minRecords: 256, nprobes: 64, refineFactor: 32 },
])('the lancedb store with an index ($type)', index => {
  const open = (place: string, options = {}) => lancedbStore({ ...options, uri: join(root, place), index })
  // Most cases have too few records for an index; these have enough.
  const cases = storeConformance({ open, remove, large: 4000 }).filter(({ name }) =>
    /holds \d|deleted during/.test(name),
  )
  it.each(cases)('$name', ({ run }) => run())

  it('finds nine of ten of the nearest, and knows that it may miss one', async () => {
    const uri = folder()
    const all = records(3000, 32)
    const exact = await lancedbStore({ uri })
    await exact.upsert(all)
    const store = await lancedbStore({ uri, index })
    await store.upsert(all.slice(0, 10))
    expect([exact.capabilities.exact, store.capabilities.exact]).toEqual([true, false])
    await store.close()
    expect(files(uri, '_indices').length).toBeGreaterThan(0)
    const again = await lancedbStore({ uri, index })
    const random = new Random(9)
    let found = 0
    for (let i = 0; i < 20; i++) {
      const query = random.vector(32)
      const wanted = (await exact.search(query, { k: 10 })).map(({ id }) => id)
      const actual = await again.search(query, { k: 10 })
      found += actual.filter(({ id }) => wanted.includes(id)).length
      const euclidean = { k: 10, metric: 'euclidean' } as const
      expect(await again.search(query, euclidean)).toEqual(await exact.search(query, euclidean))
    }
    expect(found).toBeGreaterThanOrEqual(180)
    // The index cannot give more than it looks at; the store does.
    expect((await again.search(all[0].vector, { k: 3000 })).length).toBe(3000)
    await Promise.all([again.close(), exact.close()])
  })
})

describe('processes that share a lancedb store', () => {
  it('lose nothing when they write at once, from the first record on', async () => {
    const uri = folder()
    const run = async (name: string): Promise<{ gone: number }> => {
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [
        '--import',
        'tsx',
        writer,
        uri,
        name,
        '40',
      ])
      expect(stderr).toBe('')
      return JSON.parse(stdout)
    }
    const [a, b] = await Promise.all([run('a'), run('b')])
    const store = await lancedbStore({ uri })
    expect(await store.count({ subject: 'a' })).toBe(40)
    expect(await store.count({ subject: 'b' })).toBe(40)
    // Each of the ten was there once or, where one wrote it again after the other's delete, twice; what is left was not counted.
    const left = await store.count({ subject: 'both' })
    expect(left).toBe(0)
    expect(a.gone + b.gone).toBeGreaterThanOrEqual(10)
    expect(new Set(await ids(store)).size).toBe(80)
    await store.close()
  })

  it('agree on one identity, however many make the store at once', async () => {
    for (let round = 0; round < 5; round++) {
      const uri = folder()
      const stores = await Promise.all(Array.from({ length: 6 }, () => lancedbStore({ uri })))
      const first = await Promise.allSettled(
        stores.map((store, i) =>
          store.upsert([{ id: `r${i}`, subject: 's', vector: Float32Array.of(1, i), model: `m${i}` }]),
        ),
      )
      expect(first.filter(({ status }) => status === 'fulfilled').length).toBe(1)
      for (const result of first) {
        if (result.status === 'rejected') expect(result.reason.code).toBe('STORE_MISMATCH')
      }
      const winner = first.findIndex(({ status }) => status === 'fulfilled')
      for (const store of stores) {
        expect(await store.identity()).toEqual({ model: `m${winner}`, dimension: 2 })
        expect(await ids(store)).toEqual([`r${winner}`])
        await store.close()
      }
    }
  })

  it('see what the others write', async () => {
    const uri = folder()
    const [one, other] = [await lancedbStore({ uri }), await lancedbStore({ uri })]
    await one.upsert(records(3))
    expect(await other.count()).toBe(3)
    expect(await other.delete({ ids: ['r1'] })).toBe(1)
    expect(await ids(one)).toEqual(['r0', 'r2'])
    const races = await Promise.all([one.delete({ subject: 's0' }), other.delete({ subject: 's0' })])
    expect(races.sort()).toEqual([0, 1])
    await Promise.all([one.close(), other.close()])
  })

  it('may be killed in the middle of a write', async () => {
    const uri = folder()
    for (const wait of [700, 900, 1200]) {
      const child = spawn(process.execPath, ['--import', 'tsx', writer, uri, 'a', '100000'], { stdio: 'ignore' })
      const ended = new Promise(resolve => child.once('exit', resolve))
      await new Promise(resolve => setTimeout(resolve, wait))
      child.kill('SIGKILL')
      await ended
      const store = await lancedbStore({ uri })
      const count = await store.count({ subject: 'a' })
      expect((await ids(store)).filter(id => id.startsWith('a')).length).toBe(count)
      await store.upsert(records(1, 4))
      await store.close()
    }
  })
})

describe('the folder of a lancedb store', () => {
  it('has nothing of a deleted or replaced vector once it is compacted', async () => {
    for (const index of [undefined, { type: 'ivf-hnsw-sq', minRecords: 256 } as const]) {
      const uri = folder()
      const store = await lancedbStore({ uri, index })
      const all = records(400, 16)
      await store.upsert(all)
      await store.upsert([{ ...all[7], vector: new Random(77).vector(16) }])
      await store.delete({ ids: ['r5'] })
      const holding = (i: number): number =>
        files(uri).filter(file => readFileSync(file).includes(Buffer.from(all[i].vector.buffer))).length
      expect([holding(5), holding(7), holding(9)]).toEqual([1, 1, 1])
      const indexed = files(uri, '_indices').filter(file => !file.includes('__manifest'))
      await store.compact({ alone: true })
      expect([holding(5), holding(7), holding(9)]).toEqual([0, 0, 1])
      const after = files(uri, '_indices').filter(file => !file.includes('__manifest'))
      expect(after.filter(file => indexed.includes(file))).toEqual([])
      expect(after.length > 0).toBe(index !== undefined)
      expect([await store.count(), (await store.get('r9'))?.vector]).toEqual([399, all[9].vector])
      await store.close()
      await expect(store.compact()).rejects.toMatchObject({ code: 'DISPOSED' })
    }
  })

  it('stays small however many writes there are', async () => {
    const uri = folder()
    const store = await lancedbStore({ uri })
    for (const record of records(100)) await store.upsert([record])
    await store.close()
    // The versions before are kept for an hour; the newest has few pieces.
    const again = await lancedbStore({ uri })
    await again.compact()
    expect(files(uri, 'data').filter(file => !file.includes('__manifest')).length).toBe(1)
    await again.close()
  })

  it('may go away and come back', async () => {
    const uri = folder()
    const store = await lancedbStore({ uri })
    await store.upsert(records(20))
    renameSync(uri, `${uri}-away`)
    const query = Float32Array.of(1, 0, 0, 0)
    const calls = [
      () => store.get('r1'),
      () => store.count(),
      () => ids(store),
      () => store.search(query, { k: 1 }),
      () => store.upsert(records(21)),
      () => store.delete({ subject: 's1' }),
      () => store.compact(),
    ]
    for (const call of calls)
      await expect(call()).rejects.toMatchObject({ name: 'FacewiseError', code: 'STORE_UNAVAILABLE' })
    renameSync(`${uri}-away`, uri)
    await store.upsert(records(21))
    expect(await store.count()).toBe(21)
    await store.close()
  })

  it.each([
    ['data', (file: string) => truncateSync(file, statSync(file).size >> 1)],
    ['data', (file: string) => writeFileSync(file, Buffer.alloc(statSync(file).size, 7))],
    ['data', (file: string) => rmSync(file)],
    ['_versions', (file: string) => truncateSync(file, 100)],
    ['_versions', (file: string) => writeFileSync(file, Buffer.alloc(statSync(file).size, 7))],
  ])('that is damaged in %s says so (%#)', async (part, damage) => {
    const uri = folder()
    const store = await lancedbStore({ uri })
    await store.upsert(records(20))
    await store.close()
    for (const file of files(uri, `embeddings.lance/${part}`)) damage(file)
    const use = async (): Promise<unknown> => {
      const again = await lancedbStore({ uri })
      try {
        return await again.get('r1')
      } finally {
        await again.close()
      }
    }
    await expect(use()).rejects.toMatchObject({ name: 'FacewiseError', code: 'STORE_CORRUPT' })
  })

  it('must be one', async () => {
    const uri = folder()
    writeFileSync(uri, 'no folder')
    await expect(lancedbStore({ uri })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  })

  it('may hold tables of others, which are left alone', async () => {
    const uri = folder()
    const { connect } = await import('@lancedb/lancedb')
    const others = await connect(uri)
    await others.createTable('theirs', [{ id: 'x' }])
    await expect(lancedbStore({ uri, table: 'theirs' })).rejects.toMatchObject({ code: 'STORE_FAILED' })
    const store = await lancedbStore({ uri, table: 'faces' })
    await store.upsert(records(1))
    expect((await others.tableNames()).sort()).toEqual(['faces', 'theirs'])
    await store.close()
  })

  it('opens where a process was killed while it made the table', async () => {
    const uri = folder()
    mkdirSync(join(uri, 'embeddings.lance'), { recursive: true })
    writeFileSync(join(uri, 'embeddings.lance', '.lance-reserved'), '')
    const store = await lancedbStore({ uri })
    expect(await store.count()).toBe(0)
    await store.upsert(records(2))
    expect(await ids(store)).toEqual(['r0', 'r1'])
    await store.close()
  })
})

describe('options of the lancedb store', () => {
  it.each([
    ['no folder', { uri: '' }],
    ['a table with a slash', { uri: 'x', table: 'a/b' }],
    ['an index that is not there', { uri: 'x', index: { type: 'flat' as 'ivf-pq' } }],
    ['an index of few records', { uri: 'x', index: { type: 'ivf-pq', minRecords: 10 } }],
    ['no partitions', { uri: 'x', index: { type: 'ivf-pq', partitions: 0 } }],
  ] as const)('refuses %s', async (_, options) => {
    await expect(lancedbStore(options)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  it('refuses codes that do not divide the vector, before anything is stored', async () => {
    const uri = folder()
    const store = await lancedbStore({ uri, index: { type: 'ivf-pq', subVectors: 3 } })
    await expect(store.upsert(records(1))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(await store.identity()).toBeUndefined()
    await store.close()
  })
})

function folder(): string {
  return join(root, `own${Math.random().toString(36).slice(2)}`)
}

function records(count: number, dimension = 4): NewFaceRecord[] {
  const random = new Random(count)
  return Array.from({ length: count }, (_, i) => ({
    id: `r${i}`,
    subject: `s${i}`,
    vector: random.vector(dimension),
    model: 'm',
  }))
}

async function ids(store: Awaited<ReturnType<typeof lancedbStore>>): Promise<string[]> {
  const list: string[] = []
  for await (const { id } of store.list()) list.push(id)
  return list
}

function files(uri: string, part = ''): string[] {
  return readdirSync(uri, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .filter(file => file.includes(part))
}
