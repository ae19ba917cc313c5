/**
 * A store on LanceDB: embedded, in a folder or in object storage, for galleries that are larger than memory. Node only.
 *
 * @module
 */
import type { Connection } from '@lancedb/lancedb'
import { FacewiseError, isFacewiseError } from '../errors.ts'
import { createStore } from './create.ts'
import { LanceDbDriver } from './lancedb/driver.ts'
import { loadEngine } from './lancedb/engine.ts'
import { checkIndex, type LanceDbIndex } from './lancedb/vector-index.ts'
import type { EmbeddingStore, StoreOptions } from './store.ts'

export type { LanceDbIndex } from './lancedb/vector-index.ts'

export interface LanceDbStoreOptions extends StoreOptions {
  /** A folder, which is made if it is not there, or object storage: `s3://bucket/path`, `gs://bucket/path`, `az://container/path`. */
  readonly uri: string
  /** Keys, regions and the like of object storage, as LanceDB's `storageOptions`. */
  readonly storageOptions?: Readonly<Record<string, string>>
  /** The table, `embeddings` by default: letters, digits, `_`, `-` and `.`. */
  readonly table?: string
  /** An approximate index. Without one, every search compares all records, and misses nothing. */
  readonly index?: LanceDbIndex
}

/** A store on LanceDB, which can make sure that what was deleted is gone from the disk. */
export interface LanceDbStore extends EmbeddingStore {
  /**
   * Writes all records into new files (and an index anew) and removes the old ones with all older versions: what was deleted or replaced
   * is gone from the folder then. Takes as long as writing all records does, and twice their room meanwhile. Other processes can go on
   * writing; a read of theirs that is under way may fail with `STORE_CORRUPT` or `STORE_UNAVAILABLE`, once.
   *
   * @param o.alone Says that no other process writes: then files are removed, too, that a write left which was cut off. They belong to no
   * version, and may hold vectors. With another writer at work this would damage the store.
   */
  compact(o?: { readonly alone?: boolean }): Promise<void>
}

/**
 * Opens a LanceDB store.
 *
 * @throws FacewiseError `DEPENDENCY_MISSING` without `@lancedb/lancedb` and `apache-arrow`; `INVALID_ARGUMENT`; `STORE_MISMATCH` for one
 * of another model; `STORE_UNAVAILABLE` where the folder or bucket cannot be used; `STORE_CORRUPT`, `STORE_FAILED`.
 */
export async function lancedbStore(options: LanceDbStoreOptions): Promise<LanceDbStore> {
  const { uri, storageOptions, table = 'embeddings', index } = options ?? {}
  if (typeof uri !== 'string' || uri === '') {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      'lancedbStore needs { uri }: a folder, or an address of object storage.',
    )
  }
  if (typeof table !== 'string' || !/^[A-Za-z0-9_.-]+$/.test(table)) {
    throw new FacewiseError('INVALID_ARGUMENT', `A table's name has letters, digits, "_", "-" and "."; got '${table}'.`)
  }
  checkIndex(index)
  const engine = await loadEngine()
  const connect = (): Promise<Connection> =>
    engine.lance.connect(uri, {
      // Every read sees what other processes wrote.
      readConsistencyInterval: 0,
      // The list of tables is a table: of two that make one at once, one is refused. With folders alone the second replaces the first.
      manifestEnabled: true,
      ...(storageOptions && { storageOptions: { ...storageOptions } }),
    })
  const driver = new LanceDbDriver(engine, { uri, connect, table, index })
  const store = await createStore(driver, options)
  return Object.assign(store, {
    async compact({ alone = false }: { readonly alone?: boolean } = {}) {
      // Through the store, so that a closed one says so.
      await store.count()
      try {
        await driver.compact(alone)
      } catch (error) {
        if (isFacewiseError(error)) throw error
        const { code, message } = driver.explain(error)
        throw new FacewiseError(code, message, { cause: error })
      }
    },
  })
}
