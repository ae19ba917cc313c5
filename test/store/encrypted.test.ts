import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { storeConformance } from '../../src/store/conformance/index.ts'
import {
  cached,
  copyStore,
  type EmbeddingStore,
  type EncryptionKey,
  encrypted,
  type FaceRecord,
  generateKey,
  memoryStore,
  type NewFaceRecord,
  observed,
} from '../../src/store/index.ts'
import { delegating, snapshots } from './places.ts'

const KEY = generateKey()
const OLD = generateKey()

const record = (id: string, more: Partial<NewFaceRecord> = {}): NewFaceRecord => ({
  id,
  subject: `subject of ${id}`,
  vector: Float32Array.of(0.25, -1.5, 3e-7),
  model: 'facenet-512',
  time: 1_700_000_000_000,
  metadata: { door: 'north', visits: 3 },
  ...more,
})
const query = Float32Array.of(1, 0, 0)

/** What an attacker with the database may do: changes one inner record, and puts it back as the database would. */
async function tamper(inner: EmbeddingStore, id: string, change: (record: FaceRecord) => Partial<FaceRecord>) {
  const found = (await inner.get(id)) as FaceRecord
  await inner.upsert([{ ...found, ...change(found) }])
}

/** Every way to read the record rejects, and names it. */
async function expectCorrupt(store: EmbeddingStore, id: string, words = '') {
  const error = expect.objectContaining({
    code: 'STORE_CORRUPT',
    message: expect.stringMatching(new RegExp(`^The record "${id}".*${words}`)),
  })
  await expect(store.get(id)).rejects.toEqual(error)
  await expect(store.search(query, { k: 1 })).rejects.toEqual(error)
  await expect(listed(store)).rejects.toEqual(error)
}

async function listed(store: EmbeddingStore): Promise<FaceRecord[]> {
  const list: FaceRecord[] = []
  for await (const each of store.list()) list.push(each)
  return list
}

describe('an encrypted store', () => {
  const places = snapshots()
  it.each(
    storeConformance({
      open: async (place, o) => encrypted(await places.open(place), { ...o, key: KEY }),
      large: 5_000,
      rounds: 30,
    }),
  )('$name', ({ run }) => run())
})

describe('an encrypted store in a cached one, observed, around a cached one', () => {
  const open = async (place: string): Promise<EmbeddingStore> => {
    const inner = cached(await places.open(place), { maxAge: 0 })
    return cached(observed(encrypted(inner, { key: KEY, maxAge: 0 }), { onCall() {} }), { maxAge: 0 })
  }
  const places = snapshots()
  it('is called by all its names', async () => {
    expect((await open('x')).capabilities.name).toBe('cached(observed(encrypted(cached(memory))))')
  })
  it.each(storeConformance({ open, large: 300, rounds: 15 }))('$name', ({ run }) => run())
})

describe('encryption', () => {
  it('leaves ids, subjects, models and times to be read, and nothing else', async () => {
    const inner = await memoryStore()
    const store = encrypted(inner, { key: KEY, keyId: '2026-11' })
    await store.upsert([record('a'), record('b', { vector: Float32Array.of(9, 9, 9), metadata: {} })])
    const [a, b] = await listed(inner)
    expect(a).toEqual({
      id: 'a',
      subject: 'subject of a',
      model: 'encrypted:3:facenet-512',
      time: 1_700_000_000_000,
      vector: Float32Array.of(1),
      metadata: { key: '2026-11', ciphertext: expect.stringMatching(/^[A-Za-z0-9+/]+=*$/) },
    })
    expect(b.vector).toEqual(a.vector)
    const vector = Buffer.from(record('a').vector.buffer)
    const bytes = Buffer.from(String(a.metadata.ciphertext), 'base64')
    expect(bytes.includes(vector) || bytes.includes('north')).toBe(false)
    // 12 of nonce, 3 float32, metadata filled up to 64, 16 of tag.
    expect(bytes.length).toBe(12 + 12 + 64 + 16)
    expect(Buffer.from(String(b.metadata.ciphertext), 'base64').length).toBe(bytes.length)
    expect(await store.get('a')).toEqual(record('a'))
    expect(await store.identity()).toEqual({ model: 'facenet-512', dimension: 3 })
  })

  it('is AES-256-GCM with the associated data as written down', async () => {
    const inner = await memoryStore()
    await encrypted(inner, { key: KEY, keyId: 'k' }).upsert([record('ä', { subject: 's' })])
    const { metadata } = (await inner.get('ä')) as FaceRecord
    const bytes = Buffer.from(String(metadata.ciphertext), 'base64')
    const parts = ['facewise record 1', 'k', 'ä', 's', 'facenet-512', '3', '1700000000000'].flatMap(part => {
      const length = Buffer.alloc(4)
      length.writeUInt32LE(Buffer.byteLength(part))
      return [length, Buffer.from(part)]
    })
    const { createDecipheriv } = await import('node:crypto')
    const decipher = createDecipheriv('aes-256-gcm', Buffer.from(KEY, 'base64'), bytes.subarray(0, 12))
    decipher.setAAD(Buffer.concat(parts)).setAuthTag(bytes.subarray(-16))
    const plain = Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()])
    expect([0, 4, 8].map(at => plain.readFloatLE(at))).toEqual([...record('ä').vector])
    expect(JSON.parse(plain.subarray(12).toString())).toEqual({ door: 'north', visits: 3 })
  })

  it('never uses a nonce twice', async () => {
    const inner = await memoryStore()
    const store = encrypted(inner, { key: KEY })
    const same = Array.from({ length: 500 }, (_, i) => record(`r${i}`))
    const nonces = new Set<string>()
    for (let round = 0; round < 2; round++) {
      await store.upsert(same)
      for (const { metadata } of await listed(inner)) nonces.add(String(metadata.ciphertext).slice(0, 16))
    }
    expect(nonces.size).toBe(1000)
  })

  it('notices every flipped bit', async () => {
    const inner = await memoryStore()
    await encrypted(inner, { key: KEY }).upsert([record('a')])
    const whole = (await inner.get('a')) as FaceRecord
    const bytes = Buffer.from(String(whole.metadata.ciphertext), 'base64')
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes)
      flipped[bit >> 3] ^= 1 << (bit & 7)
      await inner.upsert([{ ...whole, metadata: { ...whole.metadata, ciphertext: flipped.toString('base64') } }])
      await expect(encrypted(inner, { key: KEY }).get('a')).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
    }
    await inner.upsert([whole])
    expect(await encrypted(inner, { key: KEY }).get('a')).toEqual(record('a'))
  })

  const changes: readonly (readonly [string, (record: FaceRecord) => Partial<FaceRecord>])[] = [
    ['another subject', () => ({ subject: 'eve' })],
    ['another time', ({ time }) => ({ time: time + 1 })],
    ['the name of another key', ({ metadata }) => ({ metadata: { ...metadata, key: 'old' } })],
    ['no ciphertext', ({ metadata: { key } }) => ({ metadata: { key } })],
    [
      'a ciphertext that is cut off',
      ({ metadata }) => ({ metadata: { ...metadata, ciphertext: 'AAAAAAAAAAAAAAAAAAAA' } }),
    ],
    ['a ciphertext that is too short', ({ metadata }) => ({ metadata: { ...metadata, ciphertext: 'AAAA' } })],
    ['a ciphertext that is no base64', ({ metadata }) => ({ metadata: { ...metadata, ciphertext: '*' } })],
    ['a ciphertext that is a number', ({ metadata }) => ({ metadata: { ...metadata, ciphertext: 1 } })],
  ]
  it.each(changes)('notices %s', async (_, change) => {
    const inner = await memoryStore()
    const options = { key: KEY, previous: { old: OLD } }
    await encrypted(inner, options).upsert([record('a'), record('b')])
    await tamper(inner, 'b', change)
    const store = encrypted(inner, options)
    await expectCorrupt(store, 'b')
    // The others can still be read and written, and the damaged one be removed.
    expect(await store.get('a')).toEqual(record('a'))
    await store.upsert([record('c')])
    expect(await store.delete({ ids: ['b'] })).toBe(1)
    expect((await store.search(query, { k: 5 })).map(({ id }) => id)).toEqual(['a', 'c'])
  })

  it('notices ciphertexts that were swapped', async () => {
    const inner = await memoryStore()
    const store = encrypted(inner, { key: KEY })
    await store.upsert([record('a', { subject: 's' }), record('b', { subject: 's' })])
    const { metadata } = (await inner.get('a')) as FaceRecord
    const other = (await inner.get('b')) as FaceRecord
    await tamper(inner, 'a', () => ({ metadata: other.metadata }))
    await tamper(inner, 'b', () => ({ metadata }))
    await expectCorrupt(store, 'a')
    await expect(store.get('b')).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
  })

  it('binds id, subject and the rest without room for shifting', async () => {
    const inner = await memoryStore()
    const store = encrypted(inner, { key: KEY })
    await store.upsert([record('ab', { subject: 'c' })])
    const { metadata, ...rest } = (await inner.get('ab')) as FaceRecord
    await inner.upsert([{ ...rest, id: 'a', subject: 'bc', metadata }])
    await expect(store.get('a')).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
  })
})

describe('keys', () => {
  it('that are wrong read nothing and write nothing', async () => {
    const inner = await memoryStore()
    await encrypted(inner, { key: KEY }).upsert([record('a')])
    const store = encrypted(inner, { key: generateKey() })
    await expectCorrupt(store, 'a', "the key '1'")
    await expect(store.upsert([record('b')])).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
    await expect(store.rotate()).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
    expect(await inner.count()).toBe(1)
  })

  it('that are not given are named', async () => {
    const inner = await memoryStore()
    await encrypted(inner, { key: OLD, keyId: 'old' }).upsert([record('a')])
    await expectCorrupt(encrypted(inner, { key: KEY, keyId: 'new' }), 'a', "'old'.*`previous`")
  })

  it('are bytes, base64 or keys of WebCrypto', async () => {
    const inner = await memoryStore()
    const bytes = new Uint8Array(Buffer.from(KEY, 'base64'))
    const held = await crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt'])
    const first = encrypted(inner, { key: bytes })
    bytes.fill(0)
    await first.upsert([record('a')])
    for (const key of [KEY, held]) expect(await encrypted(inner, { key }).get('a')).toEqual(record('a'))
  })

  it('of other kinds are refused, without a byte of them in the message', async () => {
    const inner = await memoryStore()
    const short = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 128 }, false, ['encrypt', 'decrypt'])
    const mode = await crypto.subtle.generateKey({ name: 'AES-CBC', length: 256 }, false, ['encrypt', 'decrypt'])
    const half = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['decrypt'])
    const wrong = [
      new Uint8Array(16),
      new Uint8Array(33),
      'correct horse battery staple',
      'c2VjcmV0',
      '',
      short,
      mode,
      half,
      undefined,
      7,
      { bytes: 1 },
    ]
    for (const key of wrong) {
      const create = () => encrypted(inner, { key: key as EncryptionKey })
      expect(create).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', name: 'FacewiseError' }))
      expect(create).not.toThrow(/horse|c2Vj/)
    }
    expect(() => encrypted(inner, undefined as never)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
    expect(() => encrypted(inner, { key: KEY, previous: { 1: OLD } })).toThrow('keyId')
    expect(() => encrypted(inner, { key: KEY, previous: { old: 'x' } })).toThrow("previous key 'old'")
    expect(() => encrypted(inner, { key: KEY, keyId: '' })).toThrow('keyId')
  })

  it('and vectors are in no dump of the store', async () => {
    const store = encrypted(await memoryStore(), { key: KEY })
    await store.upsert([record('a', { metadata: { secret: 'walnut' } })])
    await store.search(query, { k: 1 })
    const bytes = [...Buffer.from(KEY, 'base64')].join()
    for (const dump of [JSON.stringify(store), inspect(store, { depth: 20, showHidden: true })]) {
      expect(dump).not.toMatch(/walnut|0\.25/)
      expect(dump).not.toContain(KEY)
      expect(dump.replaceAll(' ', '')).not.toContain(bytes)
    }
  })

  it('of generateKey differ and have 32 bytes', () => {
    const keys = Array.from({ length: 20 }, generateKey)
    expect(new Set(keys).size).toBe(20)
    for (const key of keys) expect(Buffer.from(key, 'base64')).toHaveLength(32)
  })
})

describe('opening', () => {
  it('an encrypted store without its key says what it holds', async () => {
    const inner = await memoryStore()
    await encrypted(inner, { key: KEY }).upsert([record('a')])
    const snapshot = await inner.snapshot()
    await expect(memoryStore({ snapshot, model: 'facenet-512' })).rejects.toMatchObject({
      code: 'STORE_MISMATCH',
      message: expect.stringContaining('encrypted:3:facenet-512'),
    })
    await expect(inner.upsert([record('b')])).rejects.toMatchObject({ code: 'STORE_MISMATCH' })
    await expect(inner.search(query, { k: 1 })).rejects.toMatchObject({ code: 'STORE_MISMATCH' })
  })

  it('a plain store as an encrypted one is refused by every call', async () => {
    const inner = await memoryStore()
    await inner.upsert([record('a')])
    const store = encrypted(inner, { key: KEY })
    const calls = [
      () => store.identity(),
      () => store.get('a'),
      () => store.upsert([record('b')]),
      () => store.delete({ ids: ['a'] }),
      () => listed(store),
      () => store.search(query, { k: 1 }),
      () => store.count(),
      () => store.rotate(),
      () => store.refresh(),
    ]
    for (const call of calls) {
      await expect(call()).rejects.toMatchObject({
        code: 'STORE_MISMATCH',
        message: expect.stringContaining('copyStore'),
      })
    }
    expect(await inner.get('a')).toEqual(record('a'))
  })

  it('a store of another model or dimension is refused', async () => {
    const inner = await memoryStore()
    await encrypted(inner, { key: KEY }).upsert([record('a')])
    const store = encrypted(inner, { key: KEY, model: 'other' })
    await expect(store.identity()).rejects.toMatchObject({ code: 'STORE_MISMATCH' })
    await expect(store.upsert([record('b', { model: 'other' })])).rejects.toMatchObject({ code: 'STORE_MISMATCH' })
    await expect(store.search(query, { k: 1 })).rejects.toMatchObject({ code: 'STORE_MISMATCH' })
    const longer = record('b', { vector: new Float32Array(4).fill(1) })
    await expect(encrypted(inner, { key: KEY }).upsert([longer])).rejects.toMatchObject({ code: 'STORE_MISMATCH' })
  })
})

describe('rotate', () => {
  const rotating = { key: KEY, keyId: 'new', previous: { old: OLD } }
  const keysOf = async (inner: EmbeddingStore): Promise<string> =>
    (await listed(inner)).map(({ metadata }) => metadata.key).join(' ')

  it('reads with old keys, writes with the new one, and encrypts the rest again', async () => {
    const inner = await memoryStore()
    await encrypted(inner, { key: OLD, keyId: 'old' }).upsert(['a', 'b', 'c', 'd', 'e'].map(id => record(id)))
    const store = encrypted(inner, rotating)
    await store.upsert([record('c', { metadata: { fresh: true } })])
    expect(await keysOf(inner)).toBe('old old new old old')
    expect(await listed(store)).toHaveLength(5)
    const progress: unknown[] = []
    expect(await store.rotate({ batch: 2, onProgress: each => progress.push(each) })).toEqual({ rotated: 4, last: 'e' })
    expect(progress).toEqual([
      { done: 2, total: 5, rotated: 2, last: 'b' },
      { done: 4, total: 5, rotated: 3, last: 'd' },
      { done: 5, total: 5, rotated: 4, last: 'e' },
    ])
    expect(await keysOf(inner)).toBe('new new new new new')
    const after = encrypted(inner, { key: KEY, keyId: 'new' })
    expect(await after.get('a')).toEqual(record('a'))
    expect((await after.get('c'))?.metadata).toEqual({ fresh: true })
    expect(await store.rotate()).toEqual({ rotated: 0, last: 'e' })
    expect(await store.rotate({ after: 'e' })).toEqual({ rotated: 0, last: 'e' })
  })

  it('stops when the signal fires, and goes on where it was', async () => {
    const inner = await memoryStore()
    await encrypted(inner, { key: OLD, keyId: 'old' }).upsert(['a', 'b', 'c', 'd'].map(id => record(id)))
    const store = encrypted(inner, rotating)
    const stopping = new AbortController()
    const onProgress = (): void => stopping.abort()
    await expect(store.rotate({ batch: 1, onProgress, signal: stopping.signal })).rejects.toMatchObject({
      code: 'ABORTED',
    })
    expect(await keysOf(inner)).toBe('new old old old')
    expect(await listed(store)).toHaveLength(4)
    expect(await store.rotate({ after: 'a' })).toEqual({ rotated: 3, last: 'd' })
    await expect(store.rotate({ batch: 0 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  it('does not undo writes of the same store', async () => {
    const inner = await memoryStore()
    await encrypted(inner, { key: OLD, keyId: 'old' }).upsert([record('a'), record('b')])
    // The rotation has read its batch, and only then the writes are called.
    const store = encrypted(
      {
        ...delegating(inner),
        async *list(o) {
          yield* inner.list(o)
          await new Promise(resolve => setTimeout(resolve, 20))
        },
      },
      rotating,
    )
    await store.get('a')
    const rotated = store.rotate()
    await new Promise(resolve => setTimeout(resolve, 30))
    await Promise.all([store.upsert([record('a', { metadata: { fresh: true } })]), store.delete({ ids: ['b'] })])
    await rotated
    expect((await listed(store)).map(({ id, metadata }) => [id, metadata])).toEqual([['a', { fresh: true }]])
  })

  it('says which record it cannot read', async () => {
    const inner = await memoryStore()
    await encrypted(inner, { key: OLD, keyId: 'old' }).upsert([record('a'), record('b')])
    await tamper(inner, 'b', () => ({ subject: 'eve' }))
    await expect(encrypted(inner, rotating).rotate()).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
      message: expect.stringContaining('"b"'),
    })
  })
})

it('encrypted records can be copied as they lie, and plain ones into an encrypted store and back', async () => {
  const [plain, inner, other, back] = await Promise.all([memoryStore(), memoryStore(), memoryStore(), memoryStore()])
  await plain.upsert([record('a'), record('b')])
  await copyStore(plain, encrypted(inner, { key: KEY }))
  await copyStore(inner, other)
  await copyStore(encrypted(other, { key: KEY }), back)
  expect(await listed(back)).toEqual(await listed(plain))
})
