import { memoryStore } from './memory.ts'
import { openStore } from './open.ts'
import type { EmbeddingStore } from './store.ts'

/** A store, and what to do when it is no longer needed. */
export interface StoreInUse {
  readonly store: EmbeddingStore
  /** Closes it, if it was opened here. */
  close(): Promise<void>
}

/**
 * The store that a caller named: one that was given stays the caller's; one by its URL is opened here; in memory where nothing is said.
 *
 * @throws FacewiseError what `openStore` throws.
 */
export async function storeFrom(choice: string | EmbeddingStore | undefined): Promise<StoreInUse> {
  if (typeof choice === 'object') return { store: choice, close: async () => {} }
  const store = choice ? await openStore(choice) : await memoryStore()
  return { store, close: () => store.close() }
}
