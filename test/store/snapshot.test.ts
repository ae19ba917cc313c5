import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { type MemoryStore, memoryStore, type NewFaceRecord, readSnapshot, saveSnapshot } from '../../src/store/index.ts'
import * as browser from '../../src/store/snapshot-file.browser.ts'
import { random as randomOf } from '../random.ts'

const folder = mkdtempSync(join(tmpdir(), 'facewise-snapshot-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const RECORDS: readonly NewFaceRecord[] = [
  {
    id: 'b',
    subject: 'Zoë',
    vector: Float32Array.of(1, -0.5, 1e-20),
    model: 'm',
    time: 5,
    metadata: { a: 1, 'é\n"': true },
  },
  { id: 'a', subject: '名前', vector: Float32Array.of(0.1, 2, 3), model: 'm', time: -1 },
]

async function storeOf(records: readonly NewFaceRecord[]): Promise<MemoryStore> {
  const store = await memoryStore()
  await store.upsert(records)
  return store
}

async function recordsOf(store: MemoryStore): Promise<unknown[]> {
  const records: unknown[] = []
  for await (const { vector, ...rest } of store.list()) records.push({ ...rest, vector: [...vector] })
  return records
}

async function codeOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => 'no error',
    error => error.code,
  )
}

describe('a snapshot', () => {
  it('gives back every record to the bit', async () => {
    const store = await storeOf(RECORDS)
    const bytes = await store.snapshot()
    const again = await memoryStore({ snapshot: bytes, model: 'm' })
    expect(await recordsOf(again)).toEqual(await recordsOf(store))
    expect(await again.identity()).toEqual({ model: 'm', dimension: 3 })
    expect(await again.snapshot()).toEqual(bytes)
    await again.upsert([{ id: 'c', subject: 's', vector: Float32Array.of(1, 1, 1), model: 'm' }])
    expect([await again.count(), await store.count()]).toEqual([3, 2])
  })

  it('is laid out as documented', async () => {
    const bytes = await (await storeOf(RECORDS)).snapshot()
    const buffer = Buffer.from(bytes)
    expect(buffer.toString('latin1', 0, 8)).toBe('FACEWISE')
    expect(buffer.readUInt32LE(8)).toBe(1)
    const length = buffer.readUInt32LE(12)
    expect(length % 16).toBe(0)
    const lines = '["a","名前",-1,{}]\n["b","Zoë",5,{"a":1,"é\\n\\"":true}]\n'
    const header = buffer.toString('utf8', 16, 16 + length)
    expect(JSON.parse(header)).toEqual({ model: 'm', dimension: 3, count: 2, entries: Buffer.byteLength(lines) })
    expect(header.trimEnd()).toBe(header.replace(/ +$/, ''))
    const floats = Array.from({ length: 6 }, (_, i) => buffer.readFloatLE(16 + length + 4 * i))
    expect(floats).toEqual([...Float32Array.of(0.1, 2, 3, 1, -0.5, 1e-20)])
    const entries = 16 + length + 24
    expect(buffer.toString('utf8', entries, buffer.length - 32)).toBe(lines)
    const digest = await crypto.subtle.digest('SHA-256', buffer.subarray(0, -32))
    expect(buffer.subarray(-32)).toEqual(Buffer.from(digest))
  })

  it('is refused with any bit turned, and cut off anywhere', async () => {
    const bytes = await (await storeOf(RECORDS)).snapshot()
    const taken: string[] = []
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const spoilt = bytes.slice()
      spoilt[bit >> 3] ^= 1 << (bit & 7)
      const code = await codeOf(memoryStore({ snapshot: spoilt }))
      if (code !== 'STORE_CORRUPT') taken.push(`bit ${bit}: ${code}`)
    }
    for (let length = 0; length < bytes.length; length++) {
      const code = await codeOf(memoryStore({ snapshot: bytes.slice(0, length) }))
      if (code !== 'STORE_CORRUPT') taken.push(`${length} bytes: ${code}`)
    }
    const longer = new Uint8Array(bytes.length + 1)
    longer.set(bytes)
    expect(await codeOf(memoryStore({ snapshot: longer }))).toBe('STORE_CORRUPT')
    expect(taken).toEqual([])
  })

  it('of another version or another model says so', async () => {
    const bytes = await (await storeOf(RECORDS)).snapshot()
    const newer = Buffer.from(bytes)
    newer.writeUInt32LE(2, 8)
    newer.set(new Uint8Array(await crypto.subtle.digest('SHA-256', newer.subarray(0, -32))), newer.length - 32)
    await expect(memoryStore({ snapshot: newer })).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
      message: expect.stringContaining('version 2'),
    })
    await expect(memoryStore({ snapshot: bytes, model: 'other' })).rejects.toMatchObject({ code: 'STORE_MISMATCH' })
  })

  it('with a right checksum around wrong parts is refused', async () => {
    const bytes = await (await storeOf(RECORDS)).snapshot()
    const length = Buffer.from(bytes).readUInt32LE(12)
    const header = (text: string): Uint8Array => Buffer.from(text.padEnd(length))
    const entries = Buffer.byteLength('["a","名前",-1,{}]\n["b","Zoë",5,{"a":1,"é\\n\\"":true}]\n')
    for (const text of [
      '{',
      'null',
      JSON.stringify({ model: 'm', dimension: 3, count: 3, entries }),
      JSON.stringify({ model: 'm', dimension: 2, count: 3, entries }),
      JSON.stringify({ model: 'm', dimension: 3, count: 1, entries: entries + 12 }),
    ]) {
      const wrong = bytes.slice()
      wrong.set(header(text), 16)
      wrong.set(new Uint8Array(await crypto.subtle.digest('SHA-256', wrong.subarray(0, -32))), wrong.length - 32)
      expect(await codeOf(memoryStore({ snapshot: wrong })), text).toBe('STORE_CORRUPT')
    }
  })

  it('may begin at any byte of a buffer', async () => {
    const store = await storeOf(RECORDS)
    const bytes = await store.snapshot()
    for (let offset = 1; offset < 8; offset++) {
      const buffer = new Uint8Array(bytes.length + 16)
      buffer.set(bytes, offset)
      const again = await memoryStore({ snapshot: buffer.subarray(offset, offset + bytes.length) })
      expect(await recordsOf(again)).toEqual(await recordsOf(store))
    }
  })

  it('of an empty store is an empty store', async () => {
    const bytes = await (await memoryStore()).snapshot()
    const again = await memoryStore({ snapshot: bytes, model: 'any' })
    expect([await again.count(), await again.identity()]).toEqual([0, undefined])
    const emptied = await storeOf(RECORDS)
    await emptied.delete({ ids: ['a', 'b'] })
    const held = await memoryStore({ snapshot: await emptied.snapshot() })
    expect([await held.count(), await held.identity()]).toEqual([0, { model: 'm', dimension: 3 }])
  })

  it('of a closed store is refused', async () => {
    const store = await storeOf(RECORDS)
    await store.close()
    await expect(store.snapshot()).rejects.toMatchObject({ code: 'DISPOSED' })
  })

  it('holds 100,000 records', async () => {
    const random = randomOf(1)
    const pool = Float32Array.from({ length: 128 * 1000 }, () => random.float(-1, 1))
    const records = Array.from({ length: 100_000 }, (_, i) => {
      const vector = pool.slice((i % 1000) * 128, (i % 1000) * 128 + 128)
      vector[0] = i
      return { id: `r${i}`, subject: `s${i >> 2}`, vector, model: 'm', time: i }
    })
    const store = await storeOf(records)
    const path = join(folder, 'large.snapshot')
    await saveSnapshot(path, await store.snapshot())
    const again = await memoryStore({ snapshot: await readSnapshot(path) })
    expect(await again.count()).toBe(100_000)
    for (const i of [0, 1, 4711, 99_999]) expect((await again.get(`r${i}`))?.vector).toEqual(records[i].vector)
  })
})

describe('a snapshot in a file', () => {
  it('is whole, new or old, and nothing beside it', async () => {
    const path = join(folder, 'a.snapshot')
    const [first, second] = [await (await storeOf(RECORDS)).snapshot(), await (await storeOf([RECORDS[0]])).snapshot()]
    await saveSnapshot(path, first)
    expect(await readSnapshot(path)).toEqual(first)
    await saveSnapshot(pathToFileURL(path), second)
    expect(await readSnapshot(pathToFileURL(path))).toEqual(second)
    await Promise.all(Array.from({ length: 20 }, (_, i) => saveSnapshot(path, i % 2 ? first : second)))
    expect([first.length, second.length]).toContain((await readSnapshot(path)).length)
    expect(readdirSync(folder).filter(name => name.startsWith('a.'))).toEqual(['a.snapshot'])
  })

  it('keeps its permissions, and what links to it', async () => {
    const path = join(folder, 'kept.snapshot')
    writeFileSync(path, 'old', { mode: 0o600 })
    const link = join(folder, 'link.snapshot')
    symlinkSync(path, link)
    const bytes = await (await storeOf(RECORDS)).snapshot()
    await saveSnapshot(link, bytes)
    expect(new Uint8Array(readFileSync(path))).toEqual(bytes)
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('leaves the old one where it cannot be written, and says what to do', async () => {
    const bytes = await (await storeOf(RECORDS)).snapshot()
    const nowhere = join(folder, 'no', 'such', 'a.snapshot')
    await expect(saveSnapshot(nowhere, bytes)).rejects.toMatchObject({
      code: 'OUTPUT_FAILED',
      message: expect.stringContaining('folder exists'),
    })
    const occupied = join(folder, 'occupied')
    mkdirSync(join(occupied, 'x'), { recursive: true })
    await expect(saveSnapshot(occupied, bytes)).rejects.toMatchObject({ code: 'OUTPUT_FAILED' })
    expect(readdirSync(folder).filter(name => name.endsWith('.part'))).toEqual([])
    await expect(saveSnapshot('', bytes)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await expect(saveSnapshot(nowhere, 'text' as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  it('that is not there says so', async () => {
    await expect(readSnapshot(join(folder, 'none'))).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining('There is no snapshot'),
      cause: { code: 'ENOENT' },
    })
    await expect(readSnapshot(folder)).rejects.toMatchObject({ code: 'STORE_FAILED' })
    await expect(readSnapshot(new URL('https://example.com/a'))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  it('is nothing for a page, which is told what to do instead', async () => {
    await expect(browser.saveSnapshot('a', new Uint8Array(1))).rejects.toMatchObject({
      code: 'OUTPUT_FAILED',
      message: expect.stringContaining('indexeddbStore'),
    })
    await expect(browser.readSnapshot('a')).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining('memoryStore({ snapshot })'),
    })
  })
})
