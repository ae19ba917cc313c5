import type { EmbeddingStore, FaceRecord, ListOptions, StoreCapabilities } from '../store/index.ts'
import type { StoreMethod } from './messages.ts'

/** Asks the calling side. @param args less the signal, which stays in the worker. */
export type AskStore = <T>(method: StoreMethod, args: readonly unknown[], signal: AbortSignal | undefined) => Promise<T>

/** Records of one answer to `list`. */
const PAGE = 1000

/** The store of the calling side, as a worker sees it. To close it does nothing: it is not the worker's. */
export function remoteStore(capabilities: StoreCapabilities, ask: AskStore): EmbeddingStore {
  async function* list({ signal, after, limit = Number.POSITIVE_INFINITY, ...which }: ListOptions = {}) {
    let seen = after
    for (let left = limit; left > 0; ) {
      const wanted = Math.min(left, PAGE)
      const page = await ask<FaceRecord[]>('list', [{ ...which, after: seen, limit: wanted }], signal)
      yield* page
      if (page.length < wanted) return
      left -= page.length
      seen = page.at(-1)?.id
    }
  }
  const close = async (): Promise<void> => {}
  return {
    capabilities,
    identity: ({ signal } = {}) => ask('identity', [], signal),
    upsert: (records, { signal } = {}) => ask('upsert', [records], signal),
    get: (id, { signal } = {}) => ask('get', [id], signal),
    delete: (which, { signal } = {}) => ask('delete', [which], signal),
    list,
    search: (query, { signal, ...how }) => ask('search', [query, how], signal),
    count: ({ signal, ...which } = {}) => ask('count', [which], signal),
    close,
    [Symbol.asyncDispose]: close,
  }
}
