import { FacewiseError, isFacewiseError, throwIfAborted } from '../errors.ts'
import type { Candidate, NearestQuery } from './driver.ts'
import { ResidentIndex } from './resident.ts'
import type { FaceRecord } from './store.ts'

/** When what is kept in memory is read again. */
export interface Freshness {
  /**
   * Milliseconds after which the records are read again, for the next search: give it where other processes write into the store. Writes
   * through this store are seen at once, and without it nothing else is looked for.
   */
  readonly maxAge?: number
}

/** What a write did to the records. */
type Change =
  | { readonly records: readonly FaceRecord[] }
  | { readonly ids: readonly string[] }
  | { readonly subject: string }

/**
 * A copy of a store's records in memory for exact search: read when it is first needed, once however many need it, and kept in step with
 * the writes that go through it. Its fields are private to the engine too, so that no dump of a store has vectors in it.
 */
export class CachedCopy {
  readonly #list: () => AsyncIterable<FaceRecord>
  readonly #maxAge: number
  #index?: ResidentIndex
  #readAt = Number.NEGATIVE_INFINITY
  /** How often a write ended without anyone knowing what it did; the copy is right if it was read after the last time. */
  #doubts = 0
  #doubtsRead = -1
  #reading?: Promise<void>
  #next?: Promise<void>
  /** Writes since the reading began: a page that was read before them does not have them. */
  #journal?: Change[]
  #writing: Promise<unknown> = Promise.resolve()

  /** @param list all records of the store, in any order. */
  constructor(list: () => AsyncIterable<FaceRecord>, { maxAge = Number.POSITIVE_INFINITY }: Freshness) {
    if (!(maxAge >= 0)) {
      throw new FacewiseError('INVALID_ARGUMENT', `maxAge is a number of milliseconds, 0 or more; got ${maxAge}.`)
    }
    this.#list = list
    this.#maxAge = maxAge
  }

  async nearest(query: Float32Array, o: NearestQuery): Promise<Candidate[]> {
    if (performance.now() - this.#readAt >= this.#maxAge) await this.#read()
    while (this.#doubtsRead !== this.#doubts) await this.#read()
    return this.#index?.nearest(query, o) ?? []
  }

  /** Reads everything again: all that was in the store when this was called is in the copy afterwards. */
  refresh(): Promise<void> {
    if (!this.#reading) return this.#read()
    // The reading under way may be past what the caller wants to see.
    const readAgain = (): Promise<void> => {
      this.#next = undefined
      return this.#read()
    }
    this.#next ??= this.#reading.then(readAgain, readAgain)
    return this.#next
  }

  /**
   * Changes the store by `call` and then the copy. Changes are made one after the other, for the copy has to follow in their order. One
   * that has begun goes on after its signal fires: given up half-way, nobody would know what it did.
   */
  write<T>(change: Change, signal: AbortSignal | undefined, call: () => Promise<T>): Promise<T> {
    return this.exclusive(async () => {
      throwIfAborted(signal)
      try {
        const result = await call()
        this.#journal?.push(change)
        if (this.#doubtsRead >= 0) this.#index = changed(this.#index, change)
        return result
      } catch (error) {
        if (!isRefusal(error)) this.#doubts++
        throw error
      }
    })
  }

  /** Runs `call` while no write goes through. */
  exclusive<T>(call: () => Promise<T>): Promise<T> {
    const running = this.#writing.then(call)
    this.#writing = running.catch(() => {})
    return running
  }

  /** Lets go of the records; a later search would read them again. */
  drop(): void {
    this.#index = undefined
    this.#doubtsRead = -1
  }

  #read(): Promise<void> {
    this.#reading ??= this.#load().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  async #load(): Promise<void> {
    const [began, doubts] = [performance.now(), this.#doubts]
    const journal: Change[] = []
    this.#journal = journal
    try {
      let index: ResidentIndex | undefined
      for await (const record of this.#list()) index = changed(index, { records: [record] })
      for (const change of journal) index = changed(index, change)
      this.#index = index
      this.#readAt = began
      this.#doubtsRead = doubts
    } finally {
      this.#journal = undefined
    }
  }
}

function changed(index: ResidentIndex | undefined, change: Change): ResidentIndex | undefined {
  if ('records' in change) {
    let grown = index
    for (const record of change.records) {
      grown ??= new ResidentIndex(record.vector.length)
      grown.set(record)
    }
    return grown
  }
  const ids = 'ids' in change ? change.ids : (index?.idsOf(change.subject) ?? [])
  for (const id of ids) index?.delete(id)
  return index
}

/** Whether a write was refused before anything was done. */
function isRefusal(error: unknown): boolean {
  return isFacewiseError(error) && ['INVALID_ARGUMENT', 'STORE_MISMATCH', 'DISPOSED'].includes(error.code)
}
