import type { EmbeddingStore, StoreOptions } from './store.ts'

/** Opens the store of one kind of URL; `rest` is what stands behind its first colon. */
export type Opener = (url: string, rest: string, options: StoreOptions) => Promise<EmbeddingStore>
