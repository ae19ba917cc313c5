import { describe, expect, it } from 'vitest'
import {
  type CopyProgress,
  copyStore,
  type EmbeddingStore,
  type FaceRecord,
  FacewiseError,
  memoryStore,
  type NewFaceRecord,
} from '../../src/store/index.ts'
import { delegating } from './places.ts'

const record = (id: string, more: Partial<NewFaceRecord> = {}): NewFaceRecord => ({
  id,
  subject: 's',
  vector: Float32Array.of(1, 0.1, -2),
  model: 'm',
  time: 5,
  metadata: { n: 1, text: 'x', yes: true },
  ...more,
})

async function filled(ids: readonly string[], more: Partial<NewFaceRecord> = {}): Promise<EmbeddingStore> {
  const store = await memoryStore()
  await store.upsert(ids.map(id => record(id, more)))
  return store
}

async function listed(store: EmbeddingStore): Promise<FaceRecord[]> {
  const list: FaceRecord[] = []
  for await (const each of store.list()) list.push(each)
  return list
}

describe('copyStore', () => {
  it('copies every record as it is, in order, and says how far it is', async () => {
    const from = await filled(['é', 'b', 'a', '\u{1f600}', '\uffff', 'c', 'd'])
    const to = await memoryStore()
    const progress: CopyProgress[] = []
    const result = await copyStore(from, to, { batch: 3, onProgress: each => progress.push(each) })
    expect(result).toEqual({ copied: 7, last: '\u{1f600}' })
    expect(await listed(to)).toEqual(await listed(from))
    expect(progress).toEqual([
      { copied: 3, total: 7, last: 'c' },
      { copied: 6, total: 7, last: '\uffff' },
      { copied: 7, total: 7, last: '\u{1f600}' },
    ])
  })

  it('copies thousands, and again without harm', async () => {
    const from = await filled(Array.from({ length: 3000 }, (_, i) => `r${i}`))
    const to = await filled(['there'])
    expect(await copyStore(from, to)).toEqual({ copied: 3000, last: 'r999' })
    expect(await copyStore(from, to)).toEqual({ copied: 3000, last: 'r999' })
    expect(await to.count()).toBe(3001)
  })

  it('goes on after the last record that was stored, when it was cut off', async () => {
    const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
    const from = await filled(ids)
    const inner = await memoryStore()
    let calls = 0
    const to: EmbeddingStore = {
      ...delegating(inner),
      async upsert(records, o) {
        if (++calls === 3) throw new FacewiseError('STORE_UNAVAILABLE', 'The database is away.')
        await inner.upsert(records, o)
      },
    }
    let last = ''
    const onProgress = (each: CopyProgress): void => {
      last = each.last
    }
    await expect(copyStore(from, to, { batch: 2, onProgress })).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: 'The database is away. 4 of 7 records were copied: go on after the id "d".',
    })
    expect([last, await inner.count()]).toEqual(['d', 4])
    expect(await copyStore(from, to, { after: last })).toEqual({ copied: 3, last: 'g' })
    expect(await listed(inner)).toEqual(await listed(from))
    expect(await copyStore(from, to, { after: 'g' })).toEqual({ copied: 0, last: 'g' })
  })

  it('stops when the signal fires', async () => {
    const from = await filled(['a', 'b', 'c'])
    const to = await memoryStore()
    await expect(copyStore(from, to, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
    expect(await to.count()).toBe(0)
    const stopping = new AbortController()
    const copying = copyStore(from, to, { batch: 1, signal: stopping.signal, onProgress: () => stopping.abort() })
    await expect(copying).rejects.toMatchObject({
      code: 'ABORTED',
      message: expect.stringContaining('after the id "a"'),
    })
    expect(await to.count()).toBe(1)
  })

  it('leaves time for what stops it, also between stores that answer at once', async () => {
    const from = await filled(Array.from({ length: 2000 }, (_, i) => `r${i}`))
    const to = await memoryStore()
    const stopping = new AbortController()
    setTimeout(() => stopping.abort())
    await expect(copyStore(from, to, { batch: 1, signal: stopping.signal })).rejects.toMatchObject({ code: 'ABORTED' })
    expect(await to.count()).toBeLessThan(2000)
  })

  it('refuses another model or dimension before it copies anything', async () => {
    const from = await filled(['a'])
    for (const other of [
      await filled(['x'], { model: 'other' }),
      await filled(['x'], { vector: Float32Array.of(1) }),
      await memoryStore({ model: 'other' }),
    ]) {
      const before = await other.count()
      await expect(copyStore(from, other)).rejects.toMatchObject({ code: 'STORE_MISMATCH' })
      expect(await other.count()).toBe(before)
    }
  })

  it('refuses what makes no sense, and copies nothing of nothing', async () => {
    const [from, to] = [await memoryStore(), await memoryStore()]
    await expect(copyStore(from, from)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    for (const batch of [0, 1.5, -1, Number.NaN, 10_001]) {
      await expect(copyStore(from, to, { batch })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    }
    await expect(copyStore(from, to, { after: '' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(await copyStore(from, to)).toEqual({ copied: 0, last: undefined })
    expect(await to.identity()).toBeUndefined()
  })
})
