import { CachedCopy, type Freshness } from './cached-copy.ts'
import { collect } from './collect.ts'
import { wrapperOf } from './create.ts'
import type { StoreDriver } from './driver.ts'
import type { EmbeddingStore, FaceRecord, Identity, Signal, StoreCapabilities } from './store.ts'

export interface CachedOptions extends Freshness {}

/** A store that searches in memory. */
export interface CachedStore extends EmbeddingStore {
  /** Reads all records again, so that searches see what other processes have written up to now. */
  refresh(o?: Signal): Promise<void>
}

/**
 * A store in front of another that searches a copy of all records in memory: exactly, and without asking the engine. Everything else goes
 * to the inner store, writes before they are seen here. The first search reads all records, once for all searches that wait for it.
 *
 * A record takes 4 bytes a number of its embedding, up to twice that while the copy grows, and besides about 400 bytes for its
 * names and a few metadata; while records are read again, the old copy is kept too. `close()` closes the inner store.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` for a `maxAge` that is no time.
 */
export function cached(inner: EmbeddingStore, options: CachedOptions = {}): CachedStore {
  const driver = new CachedDriver(inner, options)
  const { store, run } = wrapperOf(driver)
  const refresh = ({ signal }: Signal = {}): Promise<void> => run(signal, () => driver.refresh())
  return Object.assign(store, { refresh })
}

/** What a wrapper that searches in memory can do: searches are exact, and see other processes' writes only where they look for them. */
export function cachedCapabilities(
  wrapper: string,
  { name, ...inner }: StoreCapabilities,
  { maxAge }: Freshness,
): StoreCapabilities {
  return { ...inner, name: `${wrapper}(${name})`, shared: inner.shared && maxAge !== undefined, exact: true }
}

class CachedDriver implements StoreDriver {
  readonly capabilities: StoreCapabilities
  readonly #inner: EmbeddingStore
  readonly #copy: CachedCopy

  constructor(inner: EmbeddingStore, options: CachedOptions) {
    this.#inner = inner
    this.#copy = new CachedCopy(() => inner.list(), options)
    this.capabilities = cachedCapabilities('cached', inner.capabilities, options)
  }

  refresh(): Promise<void> {
    return this.#copy.refresh()
  }

  identity(o: Signal): Promise<Identity | undefined> {
    return this.#inner.identity(o)
  }

  /** The inner store claims when it is given records. */
  async claim(identity: Identity, o: Signal): Promise<Identity> {
    return (await this.#inner.identity(o)) ?? identity
  }

  upsert(records: readonly FaceRecord[], { signal }: Signal): Promise<void> {
    return this.#copy.write({ records }, signal, () => this.#inner.upsert(records))
  }

  get(id: string, o: Signal): Promise<FaceRecord | undefined> {
    return this.#inner.get(id, o)
  }

  delete(which: Parameters<StoreDriver['delete']>[0], { signal }: Signal): Promise<number> {
    return this.#copy.write(which, signal, () => this.#inner.delete(which))
  }

  page(o: Parameters<StoreDriver['page']>[0]): Promise<FaceRecord[]> {
    return collect(this.#inner.list(o))
  }

  nearest(...[query, o]: Parameters<StoreDriver['nearest']>): ReturnType<StoreDriver['nearest']> {
    return this.#copy.nearest(query, o)
  }

  count(o: Parameters<StoreDriver['count']>[0]): Promise<number> {
    return this.#inner.count(o)
  }

  async close(): Promise<void> {
    this.#copy.drop()
    await this.#inner.close()
  }
}
