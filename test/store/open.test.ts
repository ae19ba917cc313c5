import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { openStore, redactUrl } from '../../src/store/index.ts'
import { openers as inBrowsers } from '../../src/store/open.browser.ts'

const folder = mkdtempSync(join(tmpdir(), 'facewise-open-'))
afterAll(() => rmSync(folder, { recursive: true }))
const record = { id: 'a', subject: 's', vector: Float32Array.of(1, 2), model: 'm' }

describe('openStore', () => {
  it('opens a store in memory', async () => {
    const store = await openStore('memory:', { model: 'm' })
    expect(store.capabilities.name).toBe('memory')
    await expect(store.upsert([{ ...record, model: 'other' }])).rejects.toMatchObject({ code: 'STORE_MISMATCH' })
  })

  it('opens a SQLite file, and it again', async () => {
    const url = `file:${join(folder, 'faces.db')}`
    const store = await openStore(url, { model: 'm' })
    await store.upsert([record])
    await store.close()
    expect(existsSync(join(folder, 'faces.db'))).toBe(true)
    const again = await openStore(url)
    expect((await again.get('a'))?.vector).toEqual(record.vector)
    await again.close()
    await expect(openStore(url, { model: 'other' })).rejects.toMatchObject({ code: 'STORE_MISMATCH' })
  })

  it('opens a LanceDB folder', async () => {
    const store = await openStore(`lancedb:${join(folder, 'lance')}`)
    await store.upsert([record])
    expect(await store.count()).toBe(1)
    expect(existsSync(join(folder, 'lance'))).toBe(true)
    await store.close()
  })

  it.each([
    ['faces.db', 'file:faces.db'],
    ['', 'memory:'],
    ['C:\\faces.db', 'file:faces.db'],
    ['https://example.com/x', 'no URL of a store'],
    ['constructor:x', 'no URL of a store'],
    ['memory:x', 'write memory:'],
    ['file:', 'write file:faces.db'],
    ['lancedb:', 'write lancedb:DIR'],
    ['indexeddb:faces', 'in browsers alone. Here: memory:, file:faces.db'],
    ['mysql://user:sesame@host/db', '"mysql://user:***@host/db"'],
  ])('refuses "%s"', async (url, words) => {
    await expect(openStore(url)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(words),
    })
    await expect(openStore(url)).rejects.not.toMatchObject({ message: expect.stringContaining('sesame') })
  })

  it('refuses what is no string', async () => {
    await expect(openStore(undefined as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  it('says nothing of a password where a database is away', async () => {
    const opening = openStore('postgres://ada:open%20sesame@127.0.0.1:9/faces')
    const error = await opening.catch((thrown: Error) => thrown)
    expect(error).toMatchObject({ name: 'FacewiseError', code: 'STORE_UNAVAILABLE' })
    expect((error as Error).message).not.toContain('sesame')
  })

  it('knows in browsers the stores in memory and in IndexedDB', () => {
    expect(Object.keys(inBrowsers)).toEqual(['memory', 'indexeddb'])
  })
})

describe('redactUrl', () => {
  it.each([
    ['postgres://ada:sesame@host:5432/db', 'postgres://ada:***@host:5432/db'],
    ['postgresql://ada:se:s@me@host/db?sslmode=require', 'postgresql://ada:***@host/db?sslmode=require'],
    ['postgres://ada:sesame/with/slashes@host/db', 'postgres://ada:***@host/db'],
    ['postgres://:sesame@host/db', 'postgres://:***@host/db'],
    ['postgres://ada@host/db?password=sesame&sslmode=require', 'postgres://ada@host/db?password=***&sslmode=require'],
    ['libsql://host.example?authToken=sesame', 'libsql://host.example?authToken=***'],
    ['file:faces.db?encryptionKey=sesame#x', 'file:faces.db?encryptionKey=***#x'],
    ['postgres://host:5432/db', 'postgres://host:5432/db'],
    ['postgres://ada@host/db', 'postgres://ada@host/db'],
    ['file:/home/ada@home/faces.db', 'file:/home/ada@home/faces.db'],
    ['memory:', 'memory:'],
  ])('%s', (url, shown) => {
    expect(redactUrl(url)).toBe(shown)
  })
})
