import type { Metric } from '../metrics.ts'
import type { Metadata } from './metadata.ts'
import type { Where } from './where.ts'

/** One embedding of one subject, as a store gives it. */
export interface FaceRecord {
  /** Its key in the store: 1 to 1,024 bytes of UTF-8. */
  readonly id: string
  /** Whose face it is: 1 to 65,536 bytes of UTF-8. A subject may have any number of records. */
  readonly subject: string
  /** The embedding: finite numbers, not all zero, as many as the store's other records have. */
  readonly vector: Float32Array
  /** What made the embedding; the same for all records of a store (`Embedding.model`). 1 to 1,024 bytes of UTF-8. */
  readonly model: string
  /** When it was made, in milliseconds since 1970 (`Date.now()`): a whole number. */
  readonly time: number
  readonly metadata: Metadata
}

/** A record to be stored: its time is now and its metadata empty where they are not given. */
export type NewFaceRecord = Omit<FaceRecord, 'time' | 'metadata'> & Partial<Pick<FaceRecord, 'time' | 'metadata'>>

/** A record that a search found. */
export interface Match {
  readonly id: string
  readonly subject: string
  /** How far it lies from the query in the search's metric. */
  readonly distance: number
  readonly time: number
  readonly metadata: Metadata
}

/** Cancels: the call rejects with `ABORTED`. */
export interface Signal {
  readonly signal?: AbortSignal
}

/** What a store holds: one model's embeddings, all of one dimension. */
export interface Identity {
  readonly model: string
  readonly dimension: number
}

/** What a store can and cannot do. The conformance suite holds a store to what it says here. */
export interface StoreCapabilities {
  /** The engine, for messages: `sqlite`, `postgres` and so on; wrappers put their name around it, as in `encrypted(sqlite)`. */
  readonly name: string
  /** Whether records outlive the process. */
  readonly durable: boolean
  /** Whether several processes may use it at once. */
  readonly shared: boolean
  /** Whether all records of one `upsert` are stored or none, whatever happens. Where not, some may be, each of them whole. */
  readonly atomicUpsert: boolean
  /** Whether `search` always finds the nearest records. Where not, it finds most of them (an approximate index). */
  readonly exact: boolean
}

/** What to look for. */
export interface SearchOptions extends Signal {
  /** How many matches at most: 1 to 10,000. */
  readonly k: number
  /** Only what lies this near, or exactly so far. */
  readonly maxDistance?: number
  /** `cosine` by default. Distances are computed from the stored float32 in double precision, the same in every store. */
  readonly metric?: Metric
  /** Only records whose metadata fulfil this. */
  readonly where?: Where
  /** Only records of this subject: for a comparison with one person. */
  readonly subject?: string
  /** Each match another record (the default), or each another subject: its nearest record. */
  readonly per?: 'record' | 'subject'
}

/** What to list. */
export interface ListOptions extends Signal {
  readonly subject?: string
  /** Only records whose id comes after this one: the last id that was seen. */
  readonly after?: string
  /** How many at most; all by default. */
  readonly limit?: number
}

/**
 * Remembers embeddings, and finds the nearest.
 *
 * Every method rejects with a `FacewiseError`: `INVALID_ARGUMENT` before anything is done; `STORE_MISMATCH` where embeddings of
 * another model or dimension meet; `STORE_UNAVAILABLE` where the engine does not answer (try again: the store works again when it is
 * back); `STORE_CORRUPT` where stored bytes are damaged; `STORE_FAILED` where the engine refuses; `DISPOSED` after `close()`; `ABORTED`.
 */
export interface EmbeddingStore {
  readonly capabilities: StoreCapabilities
  /** What it holds; nothing while nothing was ever stored. */
  identity(o?: Signal): Promise<Identity | undefined>
  /**
   * Stores records; those whose id is there already replace the old ones. Of records with one id in one call, the last counts. After an
   * `ABORTED` the call may have happened or not; where `capabilities.atomicUpsert`, never in part.
   */
  upsert(records: readonly NewFaceRecord[], o?: Signal): Promise<void>
  get(id: string, o?: Signal): Promise<FaceRecord | undefined>
  /** @returns how many records are gone; ids that are not there do not count. */
  delete(which: { readonly ids: readonly string[] } | { readonly subject: string }, o?: Signal): Promise<number>
  /**
   * Records in the order of their ids (by Unicode code points), read a page at a time. Records that are stored or deleted meanwhile may
   * be in it or not; all others are, once.
   */
  list(o?: ListOptions): AsyncIterable<FaceRecord>
  /** The nearest records, nearest first; of equally near ones, the smaller id first. */
  search(query: Float32Array, o: SearchOptions): Promise<Match[]>
  count(o?: { readonly subject?: string } & Signal): Promise<number>
  /** Waits for calls under way and lets go of everything; a second call does nothing. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** What a store is opened with. */
export interface StoreOptions {
  /**
   * The model whose embeddings it is for (`embedder.id`). A store that holds another model's says so at once, with `STORE_MISMATCH`;
   * without it, a store takes the model of its first record.
   */
  readonly model?: string
}
