import type { EmbeddingStore, ListOptions, NewFaceRecord, SearchOptions } from '../store/index.ts'
import type { StoreMethod } from './messages.ts'

/** Does on the calling side what `remoteStore` asks for. */
export async function callStore(
  store: EmbeddingStore,
  method: StoreMethod,
  [first, second]: readonly unknown[],
  signal: AbortSignal | undefined,
): Promise<unknown> {
  switch (method) {
    case 'identity':
      return store.identity({ signal })
    case 'upsert':
      return store.upsert(first as readonly NewFaceRecord[], { signal })
    case 'get':
      return store.get(first as string, { signal })
    case 'delete':
      return store.delete(first as Parameters<EmbeddingStore['delete']>[0], { signal })
    case 'list':
      return listed(store, { ...(first as ListOptions), signal })
    case 'search':
      return store.search(first as Float32Array, { ...(second as SearchOptions), signal })
    case 'count':
      return store.count({ ...(first as { subject?: string }), signal })
  }
}

async function listed(store: EmbeddingStore, options: ListOptions): Promise<unknown[]> {
  const records: unknown[] = []
  for await (const record of store.list(options)) records.push(record)
  return records
}
