import { FacewiseError, isFacewiseError, messageOf, throwIfAborted } from '../errors.ts'
import { distance, type Metric } from '../metrics.ts'
import type { Candidate, StoreDriver } from './driver.ts'
import {
  checkId,
  checkIdentity,
  checkMetric,
  checkModel,
  checkRecords,
  checkSubject,
  checkVector,
  compareIds,
  MAX_K,
} from './records.ts'
import type {
  EmbeddingStore,
  FaceRecord,
  Identity,
  ListOptions,
  Match,
  SearchOptions,
  Signal,
  StoreCapabilities,
  StoreOptions,
} from './store.ts'
import { clausesOf } from './where.ts'

/** Records that `list` reads at a time: half a megabyte of FaceNet's embeddings. */
const PAGE = 256

/** Candidates over the number that is wanted: engines in float32 may swap what is equally near. */
const SPARE = 8

/**
 * Makes a store of an engine.
 *
 * @throws FacewiseError `STORE_MISMATCH` if it holds embeddings of another model than `options.model`; what the engine throws.
 */
export async function createStore(driver: StoreDriver, options: StoreOptions = {}): Promise<EmbeddingStore> {
  const store = new DrivenStore(driver, options)
  try {
    await store.open()
  } catch (error) {
    await driver.close().catch(() => {})
    throw error
  }
  return store
}

/**
 * A store of an engine that is asked nothing before the first call: for wrappers, whose engine is a store that is open already.
 *
 * @returns the store, and `run` for what the wrapper can do besides: such a call is refused after `close()`, waited for by it, and given
 * up when its signal fires.
 */
export function wrapperOf(
  driver: StoreDriver,
  options: StoreOptions = {},
): { store: EmbeddingStore; run<T>(signal: AbortSignal | undefined, call: () => Promise<T>): Promise<T> } {
  const store = new DrivenStore(driver, options)
  return { store, run: (signal, call) => store.run(signal, call) }
}

class DrivenStore implements EmbeddingStore {
  readonly capabilities: StoreCapabilities
  /** Of the options nothing else: those of an adapter may have a password or a key, and a store may be printed. */
  private readonly model?: string
  private held?: Identity
  private closing?: Promise<void>
  private readonly underWay = new Set<Promise<unknown>>()

  constructor(
    private readonly driver: StoreDriver,
    { model }: StoreOptions,
  ) {
    this.capabilities = Object.freeze({ ...driver.capabilities })
    if (model !== undefined) this.model = checkModel(model)
  }

  async open(): Promise<void> {
    await this.identity()
  }

  async identity({ signal }: Signal = {}): Promise<Identity | undefined> {
    this.throwIfClosed()
    this.held ??= await this.run(signal, () => this.driver.identity({ signal }))
    if (this.held) checkIdentity(this.held, { model: this.model }, this.capabilities.name)
    return this.held
  }

  async upsert(input: Parameters<EmbeddingStore['upsert']>[0], { signal }: Signal = {}): Promise<void> {
    this.throwIfClosed()
    const { records, identity } = checkRecords(input)
    throwIfAborted(signal)
    if (!identity) return
    const { model = identity.model } = this
    checkIdentity({ ...identity, model }, identity, this.capabilities.name)
    await this.run(signal, async () => {
      const held = this.held ?? (await this.driver.claim(identity, { signal }))
      checkIdentity(held, identity, this.capabilities.name)
      throwIfAborted(signal)
      await this.driver.upsert(records, { signal })
      // Not before: an engine that is a store itself may refuse the model only when it is given records.
      this.held = held
    })
  }

  async get(id: string, { signal }: Signal = {}): Promise<FaceRecord | undefined> {
    this.throwIfClosed()
    checkId(id)
    return this.run(signal, () => this.driver.get(id, { signal }))
  }

  async delete(which: Parameters<EmbeddingStore['delete']>[0], { signal }: Signal = {}): Promise<number> {
    this.throwIfClosed()
    if (which && 'subject' in which) {
      const subject = checkSubject(which.subject)
      return this.run(signal, () => this.driver.delete({ subject }, { signal }))
    }
    if (!Array.isArray(which?.ids)) {
      throw new FacewiseError('INVALID_ARGUMENT', 'delete takes { ids: [...] } or { subject }.')
    }
    const ids = [...new Set<string>(which.ids.map(id => checkId(id)))]
    if (ids.length === 0) return 0
    return this.run(signal, () => this.driver.delete({ ids }, { signal }))
  }

  async *list({
    subject,
    after,
    limit = Number.POSITIVE_INFINITY,
    signal,
  }: ListOptions = {}): AsyncGenerator<FaceRecord> {
    this.throwIfClosed()
    if (subject !== undefined) checkSubject(subject)
    if (after !== undefined) checkId(after, 'The id to go on after')
    if (!(limit >= 0)) throw new FacewiseError('INVALID_ARGUMENT', `A limit is a number from 0 on; got ${limit}.`)
    let last = after
    for (let left = limit; left > 0; ) {
      const wanted = Math.min(PAGE, Math.ceil(left))
      const from = last
      const page = await this.run(signal, () => this.driver.page({ subject, after: from, limit: wanted, signal }))
      yield* page
      if (page.length < wanted) return
      left -= page.length
      last = page[page.length - 1].id
    }
  }

  async search(query: Float32Array, options: SearchOptions): Promise<Match[]> {
    this.throwIfClosed()
    const { k, maxDistance, metric = 'cosine', subject, per = 'record', signal } = options ?? {}
    checkVector(query, 'The query')
    if (!Number.isInteger(k) || k < 1 || k > MAX_K) {
      throw new FacewiseError('INVALID_ARGUMENT', `search needs k, how many matches at most: 1 to ${MAX_K}; got ${k}.`)
    }
    if (maxDistance !== undefined && !(maxDistance >= 0)) {
      throw new FacewiseError('INVALID_ARGUMENT', `maxDistance is 0 or more; got ${maxDistance}.`)
    }
    if (per !== 'record' && per !== 'subject') {
      throw new FacewiseError('INVALID_ARGUMENT', `per is 'record' or 'subject'; got '${per}'.`)
    }
    checkMetric(metric)
    if (subject !== undefined) checkSubject(subject)
    const where = clausesOf(options.where)
    const held = await this.identity({ signal })
    if (!held) return []
    checkIdentity(held, { dimension: query.length }, this.capabilities.name)
    const copy = query.slice()
    return this.run(signal, async () => {
      const within = maxDistance === undefined ? undefined : roomy(maxDistance, metric)
      for (let limit = k + SPARE; ; limit *= 4) {
        throwIfAborted(signal)
        const candidates = await this.driver.nearest(copy, { limit, metric, within, where, subject, per, signal })
        const matches = rank(candidates, copy, metric, per).filter(
          match => !(match.distance > (maxDistance ?? Infinity)),
        )
        if (matches.length >= k || candidates.length < limit) return matches.slice(0, k)
        // All that lies near enough was among the candidates: there are none nearer than the farthest of them.
        if (per === 'record') return matches
      }
    })
  }

  async count({ subject, signal }: { subject?: string } & Signal = {}): Promise<number> {
    this.throwIfClosed()
    if (subject !== undefined) checkSubject(subject)
    return this.run(signal, () => this.driver.count({ subject, signal }))
  }

  close(): Promise<void> {
    this.closing ??= Promise.allSettled(this.underWay).then(() => this.explaining(() => this.driver.close()))
    return this.closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  private throwIfClosed(): void {
    if (this.closing)
      throw new FacewiseError('DISPOSED', `The ${this.capabilities.name} store is closed: open it again.`)
  }

  /** Runs a call of the engine; it is given up at once when the signal fires, whatever the engine does about it. */
  async run<T>(signal: AbortSignal | undefined, call: () => Promise<T>): Promise<T> {
    this.throwIfClosed()
    throwIfAborted(signal)
    const running = this.explaining(call)
    this.underWay.add(running)
    const done = (): unknown => this.underWay.delete(running)
    running.then(done, done)
    if (!signal) return running
    let abort = (): void => {}
    const aborted = new Promise<never>((_, reject) => {
      abort = () => {
        try {
          throwIfAborted(signal)
        } catch (error) {
          reject(error)
        }
      }
      signal.addEventListener('abort', abort, { once: true })
    })
    try {
      return await Promise.race([running, aborted])
    } catch (error) {
      // Whatever an engine says about a call that was cancelled.
      throwIfAborted(signal)
      throw error
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  private async explaining<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (error) {
      if (isFacewiseError(error)) throw error
      const { code, message } = this.driver.explain?.(error) ?? {
        code: 'STORE_FAILED',
        message: `The ${this.capabilities.name} store failed: ${messageOf(error)}`,
      }
      throw new FacewiseError(code, message, { cause: error })
    }
  }
}

/** A bound with room for the rounding of an engine that computes in float32; near 0 a root makes small errors large. */
function roomy(maxDistance: number, metric: Metric): number {
  const slack = metric === 'euclidean' ? 1e-3 : 1e-5
  return maxDistance * (1 + 1e-4) + slack
}

/** Candidates as matches in the one order of all stores, each subject once where that is asked. */
function rank(
  candidates: readonly Candidate[],
  query: Float32Array,
  metric: Metric,
  per: 'record' | 'subject',
): Match[] {
  const matches = candidates.map((candidate): Match => {
    const { id, subject, time, metadata } = candidate
    const far = candidate.vector === undefined ? candidate.distance : distance(query, candidate.vector, metric)
    return { id, subject, distance: far, time, metadata }
  })
  matches.sort(nearerFirst)
  if (per === 'record') return matches
  const seen = new Set<string>()
  return matches.filter(({ subject }) => !seen.has(subject) && seen.add(subject))
}

/** The order of matches. */
export function nearerFirst(a: Match, b: Match): number {
  return a.distance - b.distance || compareIds(a.id, b.id)
}
