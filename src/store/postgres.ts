/**
 * Faces in PostgreSQL with pgvector.
 *
 * @module
 */
import { FacewiseError } from '../errors.ts'
import { createStore } from './create.ts'
import { connect, type PostgresClient } from './postgres/client.ts'
import { PostgresDriver } from './postgres/driver.ts'
import type { PostgresSettings } from './postgres/schema.ts'
import type { EmbeddingStore, StoreOptions } from './store.ts'

export { FacewiseError, type FacewiseErrorCode, isFacewiseError } from '../errors.ts'
export type { PostgresClient } from './postgres/client.ts'

export interface PostgresStoreOptions extends StoreOptions {
  /** A `Pool` or `Client` of `pg`, a PGlite, or anything with such a `query`. It is not closed with the store. */
  readonly client?: PostgresClient
  /** The address of a database, `postgres://user:password@host:5432/name`: the store makes a pool by `pg` and ends it at `close()`. */
  readonly url?: string
  /** The schema that holds the tables, made when it is not there: `facewise` by default; letters, digits and `_`, at most 63. */
  readonly schema?: string
  /** The metric that the index is for, `cosine` by default. Searches in others look at every record, and are exact. */
  readonly metric?: 'cosine' | 'euclidean'
  /**
   * The HNSW index: `{ m: 16, efConstruction: 64 }` by default; `false` for searches that look at every record, and are exact. A missing
   * index is built when the store is opened. pgvector indexes up to 2,000 numbers; searches of longer embeddings are exact.
   */
  readonly index?: { readonly m?: number; readonly efConstruction?: number } | false
  /** Candidates of a search in the index: 1 to 1,000, 100 by default. More find more of the nearest, and take longer. */
  readonly efSearch?: number
}

/**
 * A store in PostgreSQL with the extension pgvector (0.5 or newer).
 *
 * A call whose `signal` fires rejects at once; its statement may go on in the server.
 *
 * @throws FacewiseError `INVALID_ARGUMENT`; `DEPENDENCY_MISSING` without `pg`; `STORE_UNAVAILABLE` if the server does not answer;
 * `STORE_FAILED` if it refuses or has no pgvector; `STORE_MISMATCH` if the store is another model's.
 */
export async function postgresStore(options: PostgresStoreOptions): Promise<EmbeddingStore> {
  const settings = checkSettings(options ?? {})
  const { client, end } = await connect(options)
  return createStore(new PostgresDriver(client, end, settings), options)
}

function checkSettings(options: PostgresStoreOptions): PostgresSettings {
  const { schema = 'facewise', metric = 'cosine', index = {}, efSearch = 100 } = options
  if (typeof schema !== 'string' || !/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(schema)) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      'schema is a name of letters, digits and _, at most 63, not beginning with a digit.',
    )
  }
  if (metric !== 'cosine' && metric !== 'euclidean') {
    throw new FacewiseError('INVALID_ARGUMENT', `The metric of the index is 'cosine' or 'euclidean'; got '${metric}'.`)
  }
  whole('efSearch', efSearch, 1, 1000)
  if (index === false) return { schema, metric, efSearch, index }
  const { m = 16, efConstruction = 64 } = index
  whole('index.m', m, 2, 100)
  whole('index.efConstruction', efConstruction, 4, 1000)
  if (efConstruction < 2 * m)
    throw new FacewiseError('INVALID_ARGUMENT', 'index.efConstruction is at least twice index.m.')
  return { schema, metric, efSearch, index: { m, efConstruction } }
}

function whole(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return
  throw new FacewiseError('INVALID_ARGUMENT', `${name} is a whole number from ${least} to ${most}; got ${value}.`)
}
