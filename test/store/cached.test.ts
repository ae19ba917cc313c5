import { describe, expect, it } from 'vitest'
import { storeConformance } from '../../src/store/conformance/index.ts'
import { cached, type EmbeddingStore, FacewiseError, memoryStore, type NewFaceRecord } from '../../src/store/index.ts'
import { counting, deferred, delegating, snapshots } from './places.ts'

const record = (id: string, vector: readonly number[], subject = id): NewFaceRecord => ({
  id,
  subject,
  vector: Float32Array.from(vector),
  model: 'm',
})
const query = Float32Array.of(1, 0)
const found = async (store: EmbeddingStore): Promise<string> =>
  (await store.search(query, { k: 10 })).map(({ id }) => id).join(' ')

describe('a cached store', () => {
  const places = snapshots()
  it.each(
    storeConformance({ open: async (place, o) => cached(await places.open(place, o), { maxAge: 60_000 }), rounds: 30 }),
  )('$name', ({ run }) => run())
})

describe('cached', () => {
  it('reads the records once, for many searches at once, and not before the first', async () => {
    const { store: inner, calls } = counting(await memoryStore())
    const store = cached(inner)
    await store.upsert([record('a', [1, 0]), record('b', [0, 1])])
    expect(calls.list).toBe(0)
    expect(await Promise.all(Array.from({ length: 20 }, () => found(store)))).toEqual(Array(20).fill('a b'))
    await store.upsert([record('c', [1, 0.5])])
    await store.delete({ subject: 'b' })
    expect(await found(store)).toBe('a c')
    expect([calls.list, calls.search]).toEqual([1, 0])
  })

  it('says what it is', async () => {
    const inner = await memoryStore()
    expect(cached(inner).capabilities).toEqual({ ...inner.capabilities, name: 'cached(memory)', exact: true })
    const shared = { ...inner, capabilities: { ...inner.capabilities, shared: true, exact: false } } as EmbeddingStore
    expect(cached(shared).capabilities).toMatchObject({ shared: false, exact: true })
    expect(cached(shared, { maxAge: 1000 }).capabilities).toMatchObject({ shared: true })
    expect(() => cached(inner, { maxAge: -1 })).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
    expect(() => cached(inner, { maxAge: Number.NaN })).toThrow('maxAge')
  })

  it('sees the writes of others when it is told, or when its copy is too old', async () => {
    const inner = await memoryStore()
    const [still, fresh] = [cached(inner), cached(inner, { maxAge: 0 })]
    await inner.upsert([record('a', [1, 0])])
    expect([await found(still), await found(fresh)]).toEqual(['a', 'a'])
    await inner.upsert([record('b', [0, 1])])
    expect([await found(still), await found(fresh)]).toEqual(['a', 'a b'])
    await still.refresh()
    expect(await found(still)).toBe('a b')
  })

  it('keeps to maxAge', async () => {
    const { store: inner, calls } = counting(await memoryStore())
    const store = cached(inner, { maxAge: 300 })
    await store.upsert([record('a', [1, 0])])
    await found(store)
    await inner.upsert([record('b', [0, 1])])
    await found(store)
    const before = calls.list
    await new Promise(resolve => setTimeout(resolve, 350))
    expect(await found(store)).toBe('a b')
    expect(calls.list).toBe(before + 1)
  })

  it('has what is written while it reads, in the order of the writes', async () => {
    const inner = await memoryStore()
    await inner.upsert(Array.from({ length: 5 }, (_, i) => record(`r${i}`, [1, i])))
    const gate = deferred()
    const slow: EmbeddingStore = {
      ...delegating(inner),
      async *list(o) {
        let listed = 0
        for await (const each of inner.list(o)) {
          yield each
          if (++listed === 3) await gate.promise
        }
      },
    }
    const store = cached(slow)
    const searching = found(store)
    await store.delete({ ids: ['r0'] })
    await store.upsert([record('r1', [1, 9]), record('early', [1, 0.5])])
    await store.upsert([record('gone', [1, 0.25], 'x')])
    await store.delete({ subject: 'x' })
    gate.resolve()
    expect(await searching).toBe('early r2 r3 r4 r1')
    expect(await found(store)).toBe(await found(inner))
  })

  it('refresh reads again what a reading under way may have passed', async () => {
    const inner = await memoryStore()
    await inner.upsert([record('b', [1, 0]), record('c', [1, 1])])
    const gate = deferred()
    let passed = false
    const slow: EmbeddingStore = {
      ...delegating(inner),
      async *list(o) {
        for await (const each of inner.list(o)) {
          yield each
          if (!passed) {
            passed = true
            await gate.promise
          }
        }
      },
    }
    const store = cached(slow)
    const first = found(store)
    await inner.upsert([record('a', [1, 0.1])])
    const refreshed = Promise.all([store.refresh(), store.refresh()])
    gate.resolve()
    await first
    await refreshed
    expect(await found(store)).toBe('b a c')
  })

  it('reads again after a write of which nobody knows what it did', async () => {
    const inner = await memoryStore()
    let broken = false
    const flaky: EmbeddingStore = {
      ...delegating(inner),
      async upsert(records, o) {
        await inner.upsert(records, o)
        if (broken) throw new FacewiseError('STORE_UNAVAILABLE', 'The connection broke after the write.')
      },
    }
    const store = cached(flaky)
    await store.upsert([record('a', [1, 0])])
    expect(await found(store)).toBe('a')
    broken = true
    await expect(store.upsert([record('b', [0, 1])])).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect(await found(store)).toBe('a b')
  })

  it('fails with the inner store and works again with it', async () => {
    const inner = await memoryStore()
    let away = true
    const flaky: EmbeddingStore = {
      ...delegating(inner),
      async *list(o) {
        if (away) throw new FacewiseError('STORE_UNAVAILABLE', 'The database is away.')
        yield* inner.list(o)
      },
    }
    const store = cached(flaky)
    await store.upsert([record('a', [1, 0])])
    await expect(found(store)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    away = false
    expect(await found(store)).toBe('a')
  })

  it('does not take the model of records that the inner store refused', async () => {
    const store = cached(await memoryStore({ model: 'm' }))
    await expect(store.upsert([{ ...record('a', [1, 0]), model: 'other' }])).rejects.toMatchObject({
      code: 'STORE_MISMATCH',
    })
    await store.upsert([record('a', [1, 0])])
    expect(await found(store)).toBe('a')
  })

  it('closes the inner store and forgets the vectors', async () => {
    const inner = await memoryStore()
    const store = cached(inner)
    await store.upsert([record('a', [1, 0])])
    await found(store)
    const refreshing = store.refresh()
    await store.close()
    await refreshing
    await expect(inner.count()).rejects.toMatchObject({ code: 'DISPOSED' })
    await expect(store.refresh()).rejects.toMatchObject({ code: 'DISPOSED' })
  })

  it('gives a search up when its signal fires, not the reading that others wait for', async () => {
    const inner = await memoryStore()
    await inner.upsert(Array.from({ length: 600 }, (_, i) => record(`r${i}`, [1, i])))
    const store = cached(inner)
    const giving = new AbortController()
    const given = store.search(query, { k: 1, signal: giving.signal })
    const waiting = store.search(query, { k: 1 })
    giving.abort()
    await expect(given).rejects.toMatchObject({ code: 'ABORTED' })
    expect((await waiting)[0].id).toBe('r0')
  })
})
