import type { FacewiseErrorCode } from '../errors.ts'
import { isFacewiseError } from '../errors.ts'
import type {
  EmbeddingStore,
  FaceRecord,
  Identity,
  ListOptions,
  Match,
  NewFaceRecord,
  SearchOptions,
  Signal,
  StoreCapabilities,
} from './store.ts'

/** A call of a store that has ended. */
export interface StoreCall {
  readonly name: 'identity' | 'upsert' | 'get' | 'delete' | 'list' | 'search' | 'count' | 'close'
  /** The store, as its capabilities name it. */
  readonly store: string
  /** From the call to its end; of `list`, also what the caller did between its records. */
  readonly durationMs: number
  /** Records that were stored, read, listed, deleted or counted. */
  readonly records?: number
  /** What a search found. */
  readonly matches?: number
  /** Why it failed; `UNEXPECTED` for what is no `FacewiseError`. */
  readonly error?: FacewiseErrorCode | 'UNEXPECTED'
  /** With `details`: the records that were stored, asked for, deleted by id, or found. Not those of `list`. */
  readonly ids?: readonly string[]
  /** With `details`: the subject that was asked for, or the subjects that were stored or found. */
  readonly subjects?: readonly string[]
}

export interface Observer {
  /** Called after each call. What it throws, or rejects with, is dropped: watching a store must not break it. */
  onCall(call: StoreCall): unknown
  /** Also says which ids and subjects a call was about, for an audit: false by default, since they may be personal data. */
  readonly details?: boolean
}

type Details = Pick<StoreCall, 'records' | 'matches' | 'ids' | 'subjects'>

/** A store that tells an observer of every call: for metrics and audits. `close()` closes the inner store. */
export function observed(inner: EmbeddingStore, observer: Observer): EmbeddingStore {
  return new ObservedStore(inner, observer)
}

class ObservedStore implements EmbeddingStore {
  readonly capabilities: StoreCapabilities

  constructor(
    private readonly inner: EmbeddingStore,
    private readonly observer: Observer,
  ) {
    this.capabilities = Object.freeze({ ...inner.capabilities, name: `observed(${inner.capabilities.name})` })
  }

  identity(o?: Signal): Promise<Identity | undefined> {
    return this.watch('identity', {}, () => this.inner.identity(o))
  }

  upsert(records: readonly NewFaceRecord[], o?: Signal): Promise<void> {
    const count = Array.isArray(records) ? records.length : undefined
    const of = (key: 'id' | 'subject') => textsOf(count === undefined ? [] : records.map(record => record?.[key]))
    const details = { records: count, ids: of('id'), subjects: of('subject') }
    return this.watch('upsert', details, () => this.inner.upsert(records, o))
  }

  get(id: string, o?: Signal): Promise<FaceRecord | undefined> {
    const found = (record?: FaceRecord): Details => ({
      records: record ? 1 : 0,
      subjects: record ? [record.subject] : [],
    })
    return this.watch('get', { ids: textsOf([id]) }, () => this.inner.get(id, o), found)
  }

  delete(which: Parameters<EmbeddingStore['delete']>[0], o?: Signal): Promise<number> {
    const details = which && 'subject' in which ? { subjects: textsOf([which.subject]) } : { ids: textsOf(which?.ids) }
    return this.watch(
      'delete',
      details,
      () => this.inner.delete(which, o),
      records => ({ records }),
    )
  }

  async *list(o?: ListOptions): AsyncGenerator<FaceRecord> {
    const began = performance.now()
    let records = 0
    let failure: unknown
    try {
      for await (const record of this.inner.list(o)) {
        records++
        yield record
      }
    } catch (error) {
      failure = error
      throw error
    } finally {
      // Also where the caller stopped early.
      this.tell('list', began, { ...subjectOf(o), records }, failure)
    }
  }

  search(query: Float32Array, o: SearchOptions): Promise<Match[]> {
    const found = (matches: readonly Match[]): Details => ({
      matches: matches.length,
      ids: matches.map(({ id }) => id),
      subjects: [...new Set(matches.map(({ subject }) => subject))],
    })
    return this.watch('search', subjectOf(o), () => this.inner.search(query, o), found)
  }

  count(o?: { readonly subject?: string } & Signal): Promise<number> {
    return this.watch(
      'count',
      subjectOf(o),
      () => this.inner.count(o),
      records => ({ records }),
    )
  }

  close(): Promise<void> {
    return this.watch('close', {}, () => this.inner.close())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  private async watch<T>(
    name: StoreCall['name'],
    asked: Details,
    call: () => Promise<T>,
    found: (result: T) => Details = () => ({}),
  ): Promise<T> {
    const began = performance.now()
    let result: T
    try {
      result = await call()
    } catch (error) {
      // Nothing was stored, or nobody knows how much.
      this.tell(name, began, { ...asked, records: undefined }, error)
      throw error
    }
    this.tell(name, began, { ...asked, ...found(result) })
    return result
  }

  private tell(name: StoreCall['name'], began: number, details: Details, error?: unknown): void {
    const { records, matches, ids, subjects } = details
    const call: StoreCall = {
      name,
      store: this.inner.capabilities.name,
      durationMs: performance.now() - began,
      ...(records !== undefined && { records }),
      ...(matches !== undefined && { matches }),
      ...(error !== undefined && { error: isFacewiseError(error) ? error.code : 'UNEXPECTED' }),
      ...(this.observer.details && ids && { ids }),
      ...(this.observer.details && subjects && { subjects }),
    }
    try {
      Promise.resolve(this.observer.onCall(call)).catch(() => {})
    } catch {
      // See Observer.onCall.
    }
  }
}

function subjectOf(o: { readonly subject?: string } | undefined): Details {
  return o?.subject === undefined ? {} : { subjects: textsOf([o.subject]) }
}

/** The strings among what a caller gave, which nobody has checked yet. */
function textsOf(values: readonly unknown[] | undefined): string[] {
  return Array.isArray(values) ? values.filter(value => typeof value === 'string') : []
}
