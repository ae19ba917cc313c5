import type { Metric } from '../metrics.ts'
import type { FaceRecord, Identity, Match, Signal, StoreCapabilities } from './store.ts'
import type { Clause } from './where.ts'

/** A record that may be among the nearest: with its distance in double precision, or with the vector to compute it from. */
export type Candidate =
  | FaceRecord
  | (Match & {
      readonly vector?: undefined
    })

/** What a search asks of an engine. */
export interface NearestQuery extends Signal {
  /** How many at least, if there are so many. */
  readonly limit: number
  readonly metric: Metric
  /** Nothing that lies farther is of use; the bound has room for the rounding of engines that compute in float32. */
  readonly within?: number
  readonly where: readonly Clause[]
  readonly subject?: string
  /** Engines that can give each subject's nearest record alone do so where it says `subject`; others give records. */
  readonly per: 'record' | 'subject'
}

/**
 * What an engine must do to become a store by {@link createStore}, which does the rest: it checks what callers give, computes distances,
 * sorts, breaks ties, groups by subject, knows what is closed, and turns whatever is thrown into `FacewiseError`.
 */
export interface StoreDriver {
  readonly capabilities: StoreCapabilities
  /** What the store holds, or nothing if nothing was ever stored. */
  identity(o: Signal): Promise<Identity | undefined>
  /** Makes `identity` the store's, unless it has one already, in one step however many do so at once. @returns the store's. */
  claim(identity: Identity, o: Signal): Promise<Identity>
  /** Stores checked records, each id once. Waits until they are as safe as the engine makes them. */
  upsert(records: readonly FaceRecord[], o: Signal): Promise<void>
  get(id: string, o: Signal): Promise<FaceRecord | undefined>
  /** @returns how many records are gone. */
  delete(which: { readonly ids: readonly string[] } | { readonly subject: string }, o: Signal): Promise<number>
  /** The first `limit` records after `after` by the order of `compareIds`; fewer only if there are no more. */
  page(
    o: { readonly subject?: string; readonly after?: string; readonly limit: number } & Signal,
  ): Promise<FaceRecord[]>
  /**
   * The nearest records that fulfil all conditions, in any order; of equally near ones the smaller id first. Fewer than `limit` only
   * if there are no more (or no more within `within`).
   */
  nearest(query: Float32Array, o: NearestQuery): Promise<Candidate[]>
  count(o: { readonly subject?: string } & Signal): Promise<number>
  close(): Promise<void>
  /** Words for an error of the engine, where it is not already a `FacewiseError`: whether the engine is away, or refuses. */
  explain?(error: unknown): {
    readonly code: 'STORE_UNAVAILABLE' | 'STORE_FAILED' | 'STORE_CORRUPT'
    readonly message: string
  }
}
