import { describe, expect, it } from 'vitest'
import { storeConformance } from '../../src/store/conformance/index.ts'
import {
  type EmbeddingStore,
  memoryStore,
  type NewFaceRecord,
  observed,
  type StoreCall,
} from '../../src/store/index.ts'
import { delegating, snapshots } from './places.ts'

const record = (id: string, subject: string, vector = [1, 0]): NewFaceRecord => ({
  id,
  subject,
  vector: Float32Array.from(vector),
  model: 'm',
})

describe('an observed store', () => {
  const places = snapshots()
  const open = async (place: string): Promise<EmbeddingStore> => observed(await places.open(place), { onCall() {} })
  it.each(storeConformance({ open, large: 500, rounds: 15 }))('$name', ({ run }) => run())
})

/** Every kind of call, once or more; the last fails. */
async function use(store: EmbeddingStore): Promise<void> {
  await store.identity()
  await store.upsert([record('a', 'ada'), record('b', 'bob', [0, 1]), record('c', 'bob')])
  await store.get('a')
  await store.get('nobody')
  await store.search(Float32Array.of(1, 0), { k: 2 })
  await store.search(Float32Array.of(1, 0), { k: 1, subject: 'bob' })
  await store.count({ subject: 'bob' })
  for await (const _ of store.list()) {
  }
  for await (const _ of store.list({ subject: 'bob' })) break
  await store.delete({ ids: ['a', 'x'] })
  await store.delete({ subject: 'bob' })
  await store.upsert([record('d', 'd', [0, 0])]).catch(() => {})
  await store.search([] as never, undefined as never).catch(() => {})
  await store.upsert(undefined as never).catch(() => {})
  await store.delete(undefined as never).catch(() => {})
  await store.close()
  await store.get('a').catch(() => {})
}

describe('observed', () => {
  const calls: StoreCall[] = []
  const kept = (call: StoreCall): unknown => calls.push(call)
  const summary = (call: StoreCall): unknown => {
    const { durationMs, store, ...rest } = call
    expect(durationMs).toBeGreaterThanOrEqual(0)
    expect(store).toBe('memory')
    return rest
  }

  it('tells of every call, without ids, subjects or vectors', async () => {
    calls.length = 0
    await use(observed(await memoryStore(), { onCall: kept }))
    expect(calls.map(summary)).toEqual([
      { name: 'identity' },
      { name: 'upsert', records: 3 },
      { name: 'get', records: 1 },
      { name: 'get', records: 0 },
      { name: 'search', matches: 2 },
      { name: 'search', matches: 1 },
      { name: 'count', records: 2 },
      { name: 'list', records: 3 },
      { name: 'list', records: 1 },
      { name: 'delete', records: 1 },
      { name: 'delete', records: 2 },
      { name: 'upsert', error: 'INVALID_ARGUMENT' },
      { name: 'search', error: 'INVALID_ARGUMENT' },
      { name: 'upsert', error: 'INVALID_ARGUMENT' },
      { name: 'delete', error: 'INVALID_ARGUMENT' },
      { name: 'close' },
      { name: 'get', error: 'DISPOSED' },
    ])
  })

  it('names ids and subjects where asked', async () => {
    calls.length = 0
    await use(observed(await memoryStore(), { onCall: kept, details: true }))
    expect(calls.map(summary).slice(1, 12)).toEqual([
      { name: 'upsert', records: 3, ids: ['a', 'b', 'c'], subjects: ['ada', 'bob', 'bob'] },
      { name: 'get', records: 1, ids: ['a'], subjects: ['ada'] },
      { name: 'get', records: 0, ids: ['nobody'], subjects: [] },
      { name: 'search', matches: 2, ids: ['a', 'c'], subjects: ['ada', 'bob'] },
      { name: 'search', matches: 1, ids: ['c'], subjects: ['bob'] },
      { name: 'count', records: 2, subjects: ['bob'] },
      { name: 'list', records: 3 },
      { name: 'list', records: 1, subjects: ['bob'] },
      { name: 'delete', records: 1, ids: ['a', 'x'] },
      { name: 'delete', records: 2, subjects: ['bob'] },
      { name: 'upsert', error: 'INVALID_ARGUMENT', ids: ['d'], subjects: ['d'] },
    ])
    expect(JSON.stringify(calls)).not.toContain('vector')
  })

  it('goes on whatever the observer does', async () => {
    const unhandled: unknown[] = []
    const keep = (reason: unknown): unknown => unhandled.push(reason)
    process.on('unhandledRejection', keep)
    for (const onCall of [
      () => {
        throw new Error('The observer is broken.')
      },
      () => Promise.reject(new Error('The observer is broken.')),
    ]) {
      const store = observed(await memoryStore(), { onCall })
      await store.upsert([record('a', 'ada')])
      expect((await store.get('a'))?.subject).toBe('ada')
      for await (const each of store.list()) expect(each.id).toBe('a')
      await expect(store.get('')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
      await store.close()
    }
    await new Promise(resolve => setTimeout(resolve, 10))
    process.off('unhandledRejection', keep)
    expect(unhandled).toEqual([])
  })

  it('tells of lists that fail or are cancelled, and of errors of others', async () => {
    calls.length = 0
    const inner = await memoryStore()
    await inner.upsert(Array.from({ length: 300 }, (_, i) => record(`r${String(i).padStart(3, '0')}`, 's')))
    const broken: EmbeddingStore = { ...delegating(inner), count: () => Promise.reject(new TypeError('not ours')) }
    const store = observed(broken, { onCall: kept })
    const stopping = new AbortController()
    const reading = async (): Promise<void> => {
      for await (const { id } of store.list({ signal: stopping.signal })) if (id === 'r255') stopping.abort()
    }
    await expect(reading()).rejects.toMatchObject({ code: 'ABORTED' })
    await expect(store.count()).rejects.toThrow('not ours')
    expect(calls.map(({ durationMs, store: _, ...rest }) => rest)).toEqual([
      { name: 'list', records: 256, error: 'ABORTED' },
      { name: 'count', error: 'UNEXPECTED' },
    ])
  })
})
