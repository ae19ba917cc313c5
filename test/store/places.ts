import type { EmbeddingStore, MemoryStore, StoreOptions } from '../../src/store/index.ts'
import { memoryStore } from '../../src/store/index.ts'

/** Memory stores that outlive `close()`: the bytes of each are kept by place. */
export function snapshots(): { open(place: string, options?: StoreOptions): Promise<MemoryStore> } {
  const kept = new Map<string, Uint8Array>()
  return {
    async open(place, options) {
      const store = await memoryStore({ ...options, snapshot: kept.get(place) })
      const close = async (): Promise<void> => {
        // A second time it is closed already, and its bytes are kept.
        const bytes = await store.snapshot().catch(() => undefined)
        if (bytes) kept.set(place, bytes)
        await store.close()
      }
      return {
        ...delegating(store),
        capabilities: { ...store.capabilities, durable: true },
        snapshot: () => store.snapshot(),
        close,
        [Symbol.asyncDispose]: close,
      }
    },
  }
}

/** The store, with each call counted. */
export function counting(inner: EmbeddingStore): { store: EmbeddingStore; calls: { list: number; search: number } } {
  const calls = { list: 0, search: 0 }
  const store: EmbeddingStore = {
    ...delegating(inner),
    list(o) {
      calls.list++
      return inner.list(o)
    },
    search(query, o) {
      calls.search++
      return inner.search(query, o)
    },
  }
  return { store, calls }
}

/** An object with the methods of a store, to put others in their place. */
export function delegating(store: EmbeddingStore): EmbeddingStore {
  return {
    capabilities: store.capabilities,
    identity: o => store.identity(o),
    upsert: (records, o) => store.upsert(records, o),
    get: (id, o) => store.get(id, o),
    delete: (which, o) => store.delete(which, o),
    list: o => store.list(o),
    search: (vector, o) => store.search(vector, o),
    count: o => store.count(o),
    close: () => store.close(),
    [Symbol.asyncDispose]: () => store.close(),
  }
}

/** A promise that is resolved from outside. (`Promise.withResolvers` is not in Node 20.) */
export function deferred(): { promise: Promise<void>; resolve(): void } {
  let resolve = (): void => {}
  const promise = new Promise<void>(done => {
    resolve = done
  })
  return { promise, resolve: () => resolve() }
}
