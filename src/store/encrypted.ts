import { FacewiseError, throwIfAborted } from '../errors.ts'
import { type CachedOptions, type CachedStore, cachedCapabilities } from './cached.ts'
import { CachedCopy } from './cached-copy.ts'
import { collect } from './collect.ts'
import { wrapperOf } from './create.ts'
import type { StoreDriver } from './driver.ts'
import { open, openedIdentity, seal } from './encryption/envelope.ts'
import { type EncryptionKeys, KeyRing } from './encryption/keys.ts'
import { checkId } from './records.ts'
import type { EmbeddingStore, FaceRecord, Identity, Signal, StoreCapabilities, StoreOptions } from './store.ts'

export interface EncryptedOptions extends EncryptionKeys, CachedOptions, StoreOptions {}

/** How far a rotation is. */
export interface RotateProgress {
  /** Records that were looked at, and how many there were at the beginning. */
  readonly done: number
  readonly total: number
  /** Of those looked at, how many were encrypted again. */
  readonly rotated: number
  /** All records up to this id have the new key. */
  readonly last: string
}

export interface RotateOptions extends Signal {
  /** Go on after this id; without it, everything is looked at, and what has the new key is left. */
  readonly after?: string
  /** Records that are encrypted again at a time: 256 by default. */
  readonly batch?: number
  readonly onProgress?: (progress: RotateProgress) => void
}

/** A store whose embeddings and metadata are encrypted. */
export interface EncryptedStore extends CachedStore {
  /**
   * Encrypts with `key` what has a previous key. It may be stopped at any time and called again. No other process may write meanwhile:
   * what it wrote or deleted between the reading and the writing of a batch would come back as it was.
   *
   * @returns how many records were encrypted again, and the last id that was looked at.
   */
  rotate(o?: RotateOptions): Promise<{ readonly rotated: number; readonly last?: string }>
}

/**
 * A store around another in which embeddings and metadata lie encrypted (AES-256-GCM); ids, subjects, models and times stay readable, for
 * the inner store finds records by them. It searches in memory, as `cached` does, in a decrypted copy that `close()` drops;
 * `docs/stores.md` says what encryption protects and what it does not. `close()` closes the inner store.
 *
 * Nothing is read before the first call; that rejects with `STORE_MISMATCH` where the inner store holds what is not encrypted. A record
 * that was changed, or that has another key, makes every call that has to read it reject with `STORE_CORRUPT` and its id; it is never left
 * out in silence. `delete` reads nothing and removes it.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` for keys of other lengths.
 */
export function encrypted(inner: EmbeddingStore, options: EncryptedOptions): EncryptedStore {
  const driver = new EncryptedDriver(inner, options ?? {})
  const { store, run } = wrapperOf(driver, options)
  return Object.assign(store, {
    refresh: ({ signal }: Signal = {}) => run(signal, () => driver.refresh()),
    rotate: (o: RotateOptions = {}) => run(o.signal, () => driver.rotate(o)),
  })
}

/** Records that are read to see whether the keys are right. */
const PROOF = 8

class EncryptedDriver implements StoreDriver {
  readonly capabilities: StoreCapabilities
  readonly #inner: EmbeddingStore
  readonly #keys: KeyRing
  readonly #copy: CachedCopy
  #identity?: Identity
  #proved = false

  constructor(inner: EmbeddingStore, options: EncryptedOptions) {
    this.#inner = inner
    this.#keys = new KeyRing(options)
    this.#copy = new CachedCopy(() => this.#all(), options)
    this.capabilities = cachedCapabilities('encrypted', inner.capabilities, options)
  }

  refresh(): Promise<void> {
    return this.#copy.refresh()
  }

  async identity(o: Signal): Promise<Identity | undefined> {
    if (this.#identity) return this.#identity
    const held = await this.#inner.identity(o)
    if (!held) return undefined
    this.#identity = openedIdentity(held)
    if (this.#identity) return this.#identity
    throw new FacewiseError(
      'STORE_MISMATCH',
      `The ${this.#inner.capabilities.name} store holds embeddings of ${held.model} that are not encrypted: copy them with ` +
        'copyStore(store, encrypted(another, { key })), and use that.',
    )
  }

  /** The inner store claims when it is given records. */
  async claim(identity: Identity, o: Signal): Promise<Identity> {
    return (await this.identity(o)) ?? identity
  }

  async upsert(records: readonly FaceRecord[], { signal }: Signal): Promise<void> {
    await this.#proveKeys(signal)
    const sealed = await Promise.all(records.map(record => seal(record, this.#keys)))
    await this.#copy.write({ records }, signal, () => this.#inner.upsert(sealed))
  }

  async get(id: string, o: Signal): Promise<FaceRecord | undefined> {
    const record = await this.#inner.get(id, o)
    return record && (await this.#opened([record]))[0]
  }

  async delete(which: Parameters<StoreDriver['delete']>[0], { signal }: Signal): Promise<number> {
    await this.identity({ signal })
    return this.#copy.write(which, signal, () => this.#inner.delete(which))
  }

  async page(o: Parameters<StoreDriver['page']>[0]): Promise<FaceRecord[]> {
    return this.#opened(await collect(this.#inner.list(o)))
  }

  nearest(...[query, o]: Parameters<StoreDriver['nearest']>): ReturnType<StoreDriver['nearest']> {
    return this.#copy.nearest(query, o)
  }

  async count(o: Parameters<StoreDriver['count']>[0]): Promise<number> {
    await this.identity(o)
    return this.#inner.count(o)
  }

  async close(): Promise<void> {
    this.#copy.drop()
    await this.#inner.close()
  }

  async rotate({ after, batch = 256, onProgress, signal }: RotateOptions): Promise<{ rotated: number; last?: string }> {
    if (after !== undefined) checkId(after, 'The id to go on after')
    if (!Number.isInteger(batch) || batch < 1) {
      throw new FacewiseError('INVALID_ARGUMENT', `batch is a whole number of records, 1 or more; got ${batch}.`)
    }
    await this.#proveKeys(signal)
    const total = await this.#inner.count({ signal })
    let [done, rotated, last] = [0, 0, after]
    for (;;) {
      throwIfAborted(signal)
      // Reading and writing in one: a write of this store in between would be undone.
      const { read, written } = await this.#copy.exclusive(() => this.#rotateBatch(last, batch))
      if (read.length === 0) return { rotated, last }
      done += read.length
      rotated += written
      last = read[read.length - 1].id
      onProgress?.({ done, total, rotated, last })
    }
  }

  async #rotateBatch(after: string | undefined, limit: number): Promise<{ read: FaceRecord[]; written: number }> {
    const read = await collect(this.#inner.list({ after, limit }))
    const old = await this.#opened(read.filter(({ metadata }) => metadata.key !== this.#keys.current))
    await this.#inner.upsert(await Promise.all(old.map(record => seal(record, this.#keys))))
    return { read, written: old.length }
  }

  /** Fails where no record can be read with the keys that there are: before records of a wrong key come among the others. */
  async #proveKeys(signal: AbortSignal | undefined): Promise<void> {
    if (this.#proved || !(await this.identity({ signal }))) return
    const records = await collect(this.#inner.list({ limit: PROOF, signal }))
    const opened = await Promise.allSettled(records.map(record => this.#opened([record])))
    const [first] = opened
    // One damaged record among good ones is no reason to refuse others.
    if (first?.status === 'rejected' && opened.every(({ status }) => status === 'rejected')) throw first.reason
    this.#proved = true
  }

  async *#all(): AsyncGenerator<FaceRecord> {
    // Decrypting runs beside JavaScript: a batch at a time keeps it busy.
    const batch: FaceRecord[] = []
    for await (const record of this.#inner.list()) {
      batch.push(record)
      if (batch.length < 256) continue
      yield* await this.#opened(batch.splice(0))
    }
    yield* await this.#opened(batch)
  }

  async #opened(records: readonly FaceRecord[]): Promise<FaceRecord[]> {
    if (records.length === 0) return []
    const identity = (await this.identity({})) as Identity
    return Promise.all(records.map(record => open(record, identity, this.#keys)))
  }
}
