import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from '@libsql/client'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { distance } from '../../src/metrics.ts'
import { storeConformance } from '../../src/store/conformance/index.ts'
import type { EmbeddingStore, NewFaceRecord } from '../../src/store/index.ts'
import { Connection } from '../../src/store/sqlite/connection.ts'
import { readIdentity, tablesOf } from '../../src/store/sqlite/schema.ts'
import { sqliteStore } from '../../src/store/sqlite.ts'
import { random as randomOf } from '../random.ts'
import { LibsqlServer } from './libsql-server.ts'

const folder = mkdtempSync(join(tmpdir(), 'facewise-sqlite-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
afterEach(() => vi.restoreAllMocks())

let files = 0
const newFile = (): string => join(folder, `faces${files++}.db`)
const urlOf = (name: string): string => `file:${join(folder, `${name}.db`)}`

function record(id: string, vector: readonly number[], more: Partial<NewFaceRecord> = {}): NewFaceRecord {
  return { id, subject: 'ada', vector: Float32Array.from(vector), model: 'm', ...more }
}

describe('the SQLite store in a file', () => {
  const cases = storeConformance({ open: (place, options) => sqliteStore({ url: urlOf(place), ...options }) })
  it.each(cases)('$name', ({ run }) => run())
})

describe('the SQLite store in memory', () => {
  const cases = storeConformance({ open: (_, options) => sqliteStore({ url: ':memory:', ...options }), large: 2_000 })
  it.each(cases)('$name', ({ run }) => run())
})

describe('the SQLite store on a server', () => {
  const servers = new Map<string, LibsqlServer>()
  const cases = storeConformance({
    async open(place, options) {
      const server = servers.get(place) ?? (await new LibsqlServer(join(folder, `${place}.db`)).start())
      servers.set(place, server)
      return sqliteStore({ url: server.url, ...options })
    },
    async remove(place) {
      await servers.get(place)?.stop()
      servers.get(place)?.close()
    },
    large: 1_000,
    rounds: 15,
  })
  it.each(cases)('$name', ({ run }) => run())

  it('says that it is away, and works again when it is back', async () => {
    const server = await new LibsqlServer(newFile(), 'secret').start()
    const { url } = server
    await expect(sqliteStore({ url, authToken: 'wrong' })).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining('authToken'),
    })
    const store = await sqliteStore({ url, authToken: 'secret' })
    await store.upsert([record('a', [1, 0])])
    await server.stop()
    const hidden = sqliteStore({ url: `${url}?authToken=secret` })
    await expect(hidden).rejects.toMatchObject({ message: expect.not.stringContaining('secret') })
    await expect(store.upsert([record('b', [1, 0])])).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    await expect(store.search(Float32Array.of(1, 0), { k: 1 })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    await server.start()
    await store.upsert([record('b', [1, 0])])
    server.breakAfter = 0
    await expect(store.get('a')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    server.breakAfter = Infinity
    expect(await store.count()).toBe(2)
    await store.close()
    await server.stop()
    server.close()
  })
})

describe('a SQLite file', () => {
  it('has nothing left of what was deleted or replaced', async () => {
    const file = newFile()
    const traces = (): string[] => {
      const bytes = readdirSync(folder)
        .map(name => join(folder, name))
        .filter(path => path.startsWith(file))
        .map(path => readFileSync(path))
      const vectors = [secret, replaced].map(vector => Buffer.from(vector.buffer).subarray(8, 40))
      const all = [...vectors, 'SECRET-ID', 'SECRET-SUBJECT', 'SECRET-KEY', 'SECRET-VALUE']
      return all.filter(trace => bytes.some(each => each.includes(trace))).map(trace => trace.toString('latin1'))
    }
    const random = randomOf(1).float
    const secret = Float32Array.from({ length: 512 }, () => random() - 0.5)
    const replaced = Float32Array.from({ length: 512 }, () => random() - 0.5)
    const store = await sqliteStore({ url: `file:${file}` })
    const others = Array.from({ length: 300 }, (_, i) =>
      record(
        `other${i}`,
        Array.from({ length: 512 }, () => random() - 0.5),
      ),
    )
    const hidden = { subject: 'SECRET-SUBJECT', metadata: { 'SECRET-KEY': 'SECRET-VALUE' } }
    await store.upsert([
      ...others.slice(0, 150),
      record('SECRET-ID', [...secret], hidden),
      record('kept', [...replaced], hidden),
      ...others.slice(150),
    ])
    expect(traces()).toHaveLength(6)
    await store.delete({ ids: ['SECRET-ID'] })
    await store.upsert([record('kept', [...others[0].vector])])
    await store.close()
    expect(traces()).toEqual([])
    const again = await sqliteStore({ url: `file:${file}` })
    expect(await again.count()).toBe(301)
    await again.upsert([record('SECRET-ID', [...secret], hidden)])
    expect(traces().length).toBeGreaterThan(3)
    await again.delete({ subject: 'SECRET-SUBJECT' })
    // At once, not only after close.
    expect(traces()).toEqual([])
    await again.close()
  })

  it('that is no database, or is damaged, says so', async () => {
    const file = newFile()
    writeFileSync(file, 'This is a list of faces in plain text. '.repeat(500))
    await expect(sqliteStore({ url: `file:${file}` })).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
      message: expect.stringContaining(file),
    })
    const good = newFile()
    const store = await sqliteStore({ url: `file:${good}` })
    await store.upsert(Array.from({ length: 500 }, (_, i) => record(`r${i}`, [1, i, 0, 0])))
    await store.close()
    const bytes = readFileSync(good)
    for (const [name, spoilt] of [
      ['cut off', bytes.subarray(0, bytes.length / 2)],
      ['overwritten', Buffer.from(bytes).fill(0xa5, 16_384)],
    ] as const) {
      const bad = newFile()
      writeFileSync(bad, spoilt)
      const outcome = (async () => {
        const opened = await sqliteStore({ url: `file:${bad}` })
        try {
          return await opened.search(Float32Array.of(1, 0, 0, 0), { k: 3 })
        } finally {
          await opened.close()
        }
      })()
      await expect(outcome, name).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
    }
  })

  it.each([
    ['not-a-number', 'UPDATE facewise SET vector = ? WHERE id = ?', Float32Array.of(Number.NaN, 1, 0, 0)],
    ['another size', 'UPDATE facewise SET vector = ? WHERE id = ?', Float32Array.of(1, 0)],
    ['metadata that are none', 'UPDATE facewise SET metadata = ? WHERE id = ?', '{'],
  ])('does not believe a row with %s', async (_, sql, value) => {
    const url = `file:${newFile()}`
    const store = await sqliteStore({ url })
    await store.upsert([record('a', [1, 0, 0, 0]), record('b', [0, 1, 0, 0])])
    const client = createClient({ url })
    await client.execute({ sql, args: [value instanceof Float32Array ? new Uint8Array(value.buffer) : value, 'a'] })
    client.close()
    await expect(store.get('a')).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
    for (const per of ['record', 'subject'] as const) {
      const search = store.search(Float32Array.of(1, 0, 0, 0), { k: 2, per })
      await expect(search).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
    }
    expect((await store.get('b'))?.id).toBe('b')
    await store.upsert([record('a', [1, 0, 0, 0])])
    expect(await store.search(Float32Array.of(1, 0, 0, 0), { k: 2 })).toHaveLength(2)
    await store.close()
  })

  it('that cannot be opened says what to do', async () => {
    const nowhere = `file:${join(folder, 'no', 'such', 'folder', 'x.db')}`
    await expect(sqliteStore({ url: nowhere })).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining('folder exist'),
    })
    mkdirSync(join(folder, 'a-folder'))
    await expect(sqliteStore({ url: `file:${join(folder, 'a-folder')}` })).rejects.toMatchObject({
      code: 'STORE_FAILED',
    })
    for (const url of ['faces.db', '', 'ftp://example.com/x', undefined]) {
      await expect(sqliteStore({ url }), url).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    }
    for (const table of ['', 'a b', 'x"; DROP TABLE y', 'sqlite_x', '1a', 'a'.repeat(64)]) {
      await expect(sqliteStore({ url: ':memory:', table }), table).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    }
  })

  it('holds stores in tables of their own, and leaves those of others alone', async () => {
    const url = `file:${newFile()}`
    const [a, b] = [await sqliteStore({ url, table: 'a' }), await sqliteStore({ url, table: 'b' })]
    await a.upsert([record('x', [1, 0])])
    await b.upsert([record('x', [1, 0, 0], { model: 'other' })])
    expect([(await a.get('x'))?.model, (await b.get('x'))?.model]).toEqual(['m', 'other'])
    await a.delete({ ids: ['x'] })
    expect([await a.count(), await b.count()]).toEqual([0, 1])
    const client = createClient({ url })
    await client.execute('CREATE TABLE mine (name TEXT)')
    const c = await sqliteStore({ url, table: 'mine' })
    await expect(c.upsert([record('x', [1, 0])])).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining('another `table`'),
    })
    client.close()
    await Promise.all([a, b, c].map(store => store.close()))
  })

  it('is shared by a client of its own, which stays open', async () => {
    const client = createClient({ url: `file:${newFile()}` })
    const store = await sqliteStore({ client })
    await store.upsert([record('x', [1, 0])])
    expect(await store.delete({ ids: ['x'] })).toBe(1)
    await store.close()
    expect((await client.execute('SELECT 1 AS one')).rows[0].one).toBe(1)
    client.close()
  })
})

describe('without its package', () => {
  it('the SQLite store says how to install it', async () => {
    vi.doMock('@libsql/client', () => {
      throw new Error('Cannot find package')
    })
    try {
      await expect(sqliteStore({ url: ':memory:' })).rejects.toMatchObject({
        code: 'DEPENDENCY_MISSING',
        message: expect.stringContaining('npm install @libsql/client'),
      })
    } finally {
      vi.doUnmock('@libsql/client')
    }
    await (await sqliteStore({ url: ':memory:' })).close()
  })
})

describe('a SQLite file that another program writes', () => {
  const open = async (): Promise<{ store: EmbeddingStore; release(): Promise<void> }> => {
    const url = `file:${newFile()}`
    const store = await sqliteStore({ url })
    await store.upsert([record('a', [1, 0])])
    const client = createClient({ url })
    const lock = await client.transaction('write')
    return {
      store,
      async release() {
        await lock.rollback()
        client.close()
      },
    }
  }

  it('is waited for, in the order of the calls', async () => {
    const { store, release } = await open()
    const done: string[] = []
    const calls = ['1', '2', '3'].map(async subject => {
      await store.upsert([record('b', [1, 0], { subject })])
      done.push(subject)
    })
    const reads = Array.from({ length: 20 }, () => store.get('a'))
    expect((await Promise.all(reads)).map(read => read?.id)).toEqual(Array(20).fill('a'))
    await new Promise(resolve => setTimeout(resolve, 500))
    expect(done).toEqual([])
    await release()
    await Promise.all(calls)
    expect(done).toEqual(['1', '2', '3'])
    expect((await store.get('b'))?.subject).toBe('3')
    await store.close()
  })

  it('is given up after a while, and works again when it is free', async () => {
    const { store, release } = await open()
    const { now } = Date
    const start = now()
    // Ten seconds pass in a tenth of one.
    vi.spyOn(Date, 'now').mockImplementation(() => start + (now() - start) * 100)
    await expect(store.upsert([record('b', [1, 0])])).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('another process'),
    })
    await expect(store.delete({ ids: ['a'] })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect((await store.get('a'))?.id).toBe('a')
    await release()
    await store.upsert([record('c', [1, 0])])
    expect([await store.count(), await store.get('b')]).toEqual([2, undefined])
    await store.close()
  })
})

describe('a search in SQLite', () => {
  it('is exact where float32 cannot tell distances apart', async () => {
    const random = randomOf(7).float
    const dimension = 128
    const centre = Float32Array.from({ length: dimension }, () => random() - 0.5)
    // Differences far below what a sum in float32 resolves.
    const vectors = Array.from({ length: 600 }, () => centre.map(value => value * (1 + (random() - 0.5) * 1e-6)))
    const query = centre.map(value => value + (random() - 0.5) * 0.2)
    for (const scale of [1, 1e-14, 1e12]) {
      const store = await sqliteStore({ url: ':memory:' })
      const records = vectors.map((vector, i) =>
        record(
          `r${i}`,
          [...vector].map(value => value * scale),
          { subject: `s${i % 50}` },
        ),
      )
      await store.upsert(records)
      for (const metric of ['cosine', 'euclidean', 'squared-euclidean'] as const) {
        const scaled = query.map(value => value * scale)
        const sorted = records
          .map(({ id, subject, vector }) => ({ id, subject, distance: distance(scaled, vector, metric) }))
          .sort((a, b) => a.distance - b.distance || (a.id < b.id ? -1 : 1))
        const found = await store.search(scaled, { k: 10, metric })
        expect(found.map(({ id }) => id)).toEqual(sorted.slice(0, 10).map(({ id }) => id))
        const near = await store.search(scaled, { k: 10, metric, maxDistance: sorted[9].distance })
        expect(near).toEqual(found)
        const subjects = await store.search(scaled, { k: 10, metric, per: 'subject' })
        const firsts = sorted.filter(({ subject }, i) => sorted.findIndex(other => other.subject === subject) === i)
        expect(subjects.map(({ id }) => id)).toEqual(firsts.slice(0, 10).map(({ id }) => id))
      }
      await store.close()
    }
  })

  it('filters numbers to the last bit', async () => {
    const store = await sqliteStore({ url: ':memory:' })
    const random = randomOf(3).float
    const numbers = Array.from({ length: 500 }, () => (random() - 0.5) * 10 ** Math.floor(random() * 600 - 300))
    await store.upsert(numbers.map((n, i) => record(`r${i}`, [1, i], { metadata: { n } })))
    for (const [i, n] of numbers.entries()) {
      const found = await store.search(Float32Array.of(1, 0), { k: 5, where: { n } })
      expect(found.map(({ id }) => id)).toEqual([`r${i}`])
    }
    const many = { in: Array.from({ length: 40_000 }, (_, i) => i) }
    await expect(store.search(Float32Array.of(1, 0), { k: 1, where: { n: many } })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
    await store.close()
  })
})

describe('the schema in SQLite', () => {
  it('is brought up to date once, however many open it', async () => {
    const url = `file:${newFile()}`
    const store = await sqliteStore({ url })
    await store.upsert([record('a', [1, 0])])
    await store.close()
    const tables = tablesOf('facewise')
    const migrations = [
      () => [`ALTER TABLE ${tables.records} ADD COLUMN extra INTEGER DEFAULT 0`],
      () => [`UPDATE ${tables.records} SET extra = extra + 1`],
    ]
    const connections = await Promise.all(Array.from({ length: 6 }, () => Connection.open({ url })))
    const identities = await Promise.all(connections.map(each => readIdentity(each, tables, migrations)))
    expect(identities).toEqual(Array(6).fill({ model: 'm', dimension: 2 }))
    const [row] = await connections[0].read(`SELECT extra FROM ${tables.records}`)
    expect(row.extra).toBe(1)
    await Promise.all(connections.map(each => each.close()))
    // This release knows version 1 alone.
    await expect(sqliteStore({ url })).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining('update facewise'),
    })
  })

  it('stays as it was where a migration fails', async () => {
    const url = `file:${newFile()}`
    const store = await sqliteStore({ url })
    await store.upsert([record('a', [1, 0])])
    await store.close()
    const tables = tablesOf('facewise')
    const connection = await Connection.open({ url })
    const failing = [() => [`DELETE FROM ${tables.records}`, 'SELECT id FROM nowhere']]
    await expect(readIdentity(connection, tables, failing)).rejects.toThrow('nowhere')
    await connection.close()
    const again = await sqliteStore({ url })
    expect(await again.count()).toBe(1)
    await again.close()
  })
})
