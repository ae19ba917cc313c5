import { createStore } from './create.ts'
import type { StoreDriver } from './driver.ts'
import { checkIdentity } from './records.ts'
import { ResidentIndex } from './resident.ts'
import { decodeSnapshot, encodeSnapshot } from './snapshot.ts'
import type { EmbeddingStore, FaceRecord, Identity, StoreOptions } from './store.ts'

export interface MemoryStoreOptions extends StoreOptions {
  /** The bytes of a snapshot to begin with. */
  readonly snapshot?: Uint8Array
}

/** A store in memory, with snapshots. */
export interface MemoryStore extends EmbeddingStore {
  /**
   * All records as they are now, as bytes that `memoryStore({ snapshot })` takes (`docs/stores.md` describes the format); to a file with
   * `saveSnapshot`.
   */
  snapshot(): Promise<Uint8Array>
}

/**
 * A store in memory: exact, contiguous, nothing to install. It is gone with the process, unless a snapshot is kept.
 *
 * @throws FacewiseError `STORE_CORRUPT` for a damaged snapshot, `STORE_MISMATCH` for one of another model.
 */
export async function memoryStore(options: MemoryStoreOptions = {}): Promise<MemoryStore> {
  const driver = new MemoryDriver()
  if (options.snapshot) {
    const { identity, records } = await decodeSnapshot(options.snapshot)
    driver.load(identity, records)
  }
  const store = await createStore(driver, options)
  return Object.assign(store, {
    async snapshot() {
      // Through the store, so that a closed one says so.
      await store.count()
      return encodeSnapshot(driver.held, driver.records())
    },
  })
}

class MemoryDriver implements StoreDriver {
  readonly capabilities = { name: 'memory', durable: false, shared: false, atomicUpsert: true, exact: true }
  held?: Identity
  private index?: ResidentIndex

  load(identity: Identity | undefined, records: Iterable<FaceRecord>): void {
    if (!identity) return
    this.held = identity
    this.index = new ResidentIndex(identity.dimension)
    for (const record of records) this.index.set(record)
  }

  records(): FaceRecord[] {
    return this.index?.page({ limit: Infinity }) ?? []
  }

  async identity(): Promise<Identity | undefined> {
    return this.held
  }

  async claim(identity: Identity): Promise<Identity> {
    this.held ??= identity
    this.index ??= new ResidentIndex(this.held.dimension)
    return this.held
  }

  async upsert(records: readonly FaceRecord[]): Promise<void> {
    for (const record of records) {
      checkIdentity(this.held as Identity, { dimension: record.vector.length }, 'memory')
      this.index?.set(record)
    }
  }

  async get(id: string): Promise<FaceRecord | undefined> {
    return this.index?.get(id)
  }

  async delete(which: { ids: readonly string[] } | { subject: string }): Promise<number> {
    const ids = 'ids' in which ? which.ids : (this.index?.idsOf(which.subject) ?? [])
    return ids.filter(id => this.index?.delete(id)).length
  }

  async page(o: Parameters<StoreDriver['page']>[0]): Promise<FaceRecord[]> {
    return this.index?.page(o) ?? []
  }

  async nearest(...[query, o]: Parameters<StoreDriver['nearest']>): ReturnType<StoreDriver['nearest']> {
    return this.index?.nearest(query, o) ?? []
  }

  async count({ subject }: { subject?: string }): Promise<number> {
    return this.index?.count(subject) ?? 0
  }

  async close(): Promise<void> {
    this.index = undefined
  }
}
