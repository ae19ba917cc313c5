import { spawnWorker, watchWorker } from '#platform/worker'
import { FacewiseError, messageOf, throwIfAborted } from '../errors.ts'
import type { FacewiseProgress } from '../facewise/index.ts'
import type { EmbeddingStore } from '../store/index.ts'
import { type Channel, openChannel, type WorkerLike } from './channel.ts'
import type { FromWorker, Method, SentOptions } from './messages.ts'
import type { Parcel } from './parcel.ts'
import { callStore } from './store-calls.ts'
import { fromWire, toWire } from './wire-error.ts'

/** What a pool is made of. */
export interface PoolSettings {
  readonly size: number
  readonly spawn?: () => WorkerLike
  readonly startTimeoutMs: number
  readonly options: SentOptions
  readonly store: EmbeddingStore
  readonly onProgress?: (progress: FacewiseProgress) => void
}

/** One call, as a pool takes it. */
export interface PoolCall {
  readonly method: Method
  readonly pictures: readonly Promise<Parcel>[]
  /** The arguments of the method, with the pictures as they are sent. */
  readonly arrange: (pictures: readonly unknown[]) => readonly unknown[]
  readonly options: object
  readonly signal?: AbortSignal
}

/** Workers that share calls. */
export interface Pool {
  /** Runs a call in the worker that has the fewest. @throws FacewiseError `WORKER_LOST`, `ABORTED`, `DISPOSED`, what the method throws. */
  run(call: PoolCall): Promise<unknown>
  /** Runs a method without arguments in every worker, those that were not needed yet included. */
  runInAll(method: Method, signal?: AbortSignal): Promise<unknown[]>
  /** Starts a worker if there is none, and waits for it. */
  start(): Promise<void>
  /** Ends all workers. Calls under way reject with `DISPOSED`. */
  close(): void
}

/**
 * Calls that a worker has at a time; others wait here, as what the caller gave. With two, one picture is decoded while networks look at
 * another; with more, decoded pictures would only fill its memory.
 */
const CALLS_AT_A_TIME = 2

interface Waiting {
  readonly id: number
  readonly call: Omit<PoolCall, 'pictures'>
  readonly parcels: readonly Parcel[]
  resolve(value: unknown): void
  reject(error: unknown): void
}

interface Member {
  readonly channel: Channel
  readonly calls: Map<number, Waiting>
  readonly ready: Promise<void>
  settleReady(error?: FacewiseError): void
  isReady: boolean
  timer: ReturnType<typeof setTimeout> | undefined
  progress?: FacewiseProgress
  stopWatching(): void
}

/** Workers that are started when they are needed and replaced when they are lost. */
export function createPool(settings: PoolSettings): Pool {
  const { size, store, options, startTimeoutMs, onProgress } = settings
  const members = new Set<Member>()
  const queue: Waiting[] = []
  let limit = size
  let closed = false
  let ids = 0

  function spawn(): Member {
    let settleReady: Member['settleReady'] = () => {}
    const ready = new Promise<void>((resolve, reject) => {
      settleReady = error => (error ? reject(error) : resolve())
    })
    ready.catch(() => {})
    const lock = `facewise-worker-${uniqueName()}`
    let channel: Channel
    try {
      const worker = (settings.spawn ?? spawnWorker)()
      channel = openChannel(worker, {
        message: message => hear(member, message, lock),
        lost: (why, cause) => lose(member, why, cause),
      })
    } catch (error) {
      throw notStarted(messageOf(error), error)
    }
    const member: Member = {
      channel,
      calls: new Map(),
      ready,
      settleReady,
      isReady: false,
      timer: setTimeout(() => lose(member, `it did not answer within ${startTimeoutMs} ms`), startTimeoutMs),
      stopWatching: () => {},
    }
    members.add(member)
    try {
      channel.post({ type: 'start', options, capabilities: { ...store.capabilities }, lock })
    } catch (error) {
      forget(member)
      throw new FacewiseError('INVALID_ARGUMENT', `The options cannot be sent to a worker: ${messageOf(error)}.`, {
        cause: error,
      })
    }
    return member
  }

  function hear(member: Member, message: FromWorker, lock: string): void {
    switch (message.type) {
      case 'ready':
        clearTimeout(member.timer)
        member.isReady = true
        member.stopWatching = watchWorker(lock, () => lose(member, 'it was terminated, or crashed'))
        member.settleReady()
        member.channel.keepAlive(member.calls.size > 0)
        pump()
        break
      case 'result':
        done(member, message.id)?.resolve(message.value)
        break
      case 'error':
        done(member, message.id)?.reject(fromWire(message.error))
        break
      case 'progress':
        member.progress = message.progress
        tellProgress(message.progress.model)
        break
      case 'store': {
        const { request, method, args } = message
        const call = message.call === undefined ? undefined : member.calls.get(message.call)
        callStore(store, method, args, call?.call.signal)
          .then(value => member.channel.post({ type: 'stored', request, value }))
          // Also what a store of one's own gave and cannot be sent.
          .catch(error => member.channel.post({ type: 'not-stored', request, error: toWire(error) }))
      }
    }
  }

  /** Takes a call off a worker, which then has time for another. */
  function done(member: Member, id: number): Waiting | undefined {
    const waiting = member.calls.get(id)
    member.calls.delete(id)
    if (member.isReady) member.channel.keepAlive(member.calls.size > 0)
    pump()
    return waiting
  }

  function tellProgress(model: string): void {
    const all = [...members].flatMap(({ progress }) => (progress ? [progress] : []))
    const sum = (key: 'loadedBytes' | 'totalBytes'): number => all.reduce((total, each) => total + each[key], 0)
    onProgress?.({ model, loadedBytes: sum('loadedBytes'), totalBytes: sum('totalBytes') })
  }

  function forget(member: Member): void {
    clearTimeout(member.timer)
    member.stopWatching()
    member.channel.close()
    members.delete(member)
  }

  function lose(member: Member, why: string, cause?: unknown): void {
    if (!members.has(member)) return
    forget(member)
    const error = member.isReady ? lostInCall(why, cause) : notStarted(why, cause)
    member.settleReady(error)
    for (const waiting of member.calls.values()) waiting.reject(error)
    if (!member.isReady) stopGrowing(error)
    pump()
  }

  /** What kept one worker from starting keeps the next one from it too: those that run go on, and without any nothing can. */
  function stopGrowing(error: FacewiseError): void {
    if (members.size > 0) limit = members.size
    else rejectQueue(error)
  }

  function rejectQueue(error: FacewiseError): void {
    for (const waiting of queue.splice(0)) {
      for (const parcel of waiting.parcels) parcel.release?.()
      waiting.reject(error)
    }
  }

  /** Hands out what waits, each call to the worker that has the fewest; where none is idle, more are started. */
  function pump(): void {
    while (queue.length > 0) {
      const [least] = [...members].filter(({ isReady }) => isReady).sort((a, b) => a.calls.size - b.calls.size)
      if (least?.calls.size !== 0) grow()
      if (queue.length === 0 || !least || least.calls.size >= CALLS_AT_A_TIME) return
      send(least, queue.shift()!)
    }
  }

  /** Starts workers, as many as there are calls for. They take from the queue when they are ready. */
  function grow(): void {
    const starting = (): number => [...members].filter(({ isReady }) => !isReady).length
    while (members.size < limit && starting() < queue.length) {
      try {
        spawn()
      } catch (error) {
        stopGrowing(error as FacewiseError)
        return
      }
    }
  }

  function send(member: Member, waiting: Waiting): void {
    const { id, call, parcels } = waiting
    try {
      const packed = parcels.map(parcel => parcel.pack())
      const args = call.arrange(packed.map(({ value }) => value))
      // A buffer that is given twice, as both pictures of a comparison, can change hands once.
      const transfer = [...new Set(packed.flatMap(each => each.transfer))]
      member.channel.post({ type: 'call', id, method: call.method, args, options: call.options }, transfer)
    } catch (error) {
      for (const parcel of parcels) parcel.release?.()
      const [known] = parcels.flatMap(({ refused }) => (refused ? [refused(error)] : []))
      waiting.reject(known ?? notSendable(error))
      return
    }
    member.calls.set(id, waiting)
    member.channel.keepAlive(true)
  }

  /** A promise for a call that `begin` puts somewhere; it rejects at once when the signal fires. */
  function tracked(
    call: Omit<PoolCall, 'pictures'>,
    begin: (create: (parcels: readonly Parcel[]) => Waiting, isSettled: () => boolean) => Promise<void>,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { signal } = call
      const id = ids++
      let settled = false
      const finish = (settle: () => void): void => {
        if (settled) return
        settled = true
        signal?.removeEventListener('abort', abort)
        settle()
      }
      const abort = (): void => {
        drop(id)
        finish(() => {
          try {
            throwIfAborted(signal)
          } catch (error) {
            reject(error)
          }
        })
      }
      const create = (parcels: readonly Parcel[]): Waiting => ({
        id,
        call,
        parcels,
        resolve: value => finish(() => resolve(value)),
        reject: error => finish(() => reject(error)),
      })
      if (signal?.aborted) return abort()
      signal?.addEventListener('abort', abort)
      begin(create, () => settled).catch(error => finish(() => reject(error)))
    })
  }

  /** Takes a call out of the queue, or tells its worker to stop it. */
  function drop(id: number): void {
    const at = queue.findIndex(waiting => waiting.id === id)
    if (at >= 0) for (const parcel of queue.splice(at, 1)[0].parcels) parcel.release?.()
    // Its worker has it until it says that it has stopped.
    for (const { calls, channel } of members) if (calls.has(id)) channel.post({ type: 'abort', id })
  }

  const assertOpen = (): void => {
    if (closed) throw disposed()
  }

  return {
    async run({ pictures, ...call }) {
      assertOpen()
      return tracked(call, async (create, isSettled) => {
        const parcels = await allParcels(pictures)
        if (!isSettled() && !closed) {
          queue.push(create(parcels))
          pump()
          return
        }
        for (const parcel of parcels) parcel.release?.()
        assertOpen()
      })
    },
    async runInAll(method, signal) {
      assertOpen()
      throwIfAborted(signal)
      while (members.size < limit) spawn()
      const call = { method, arrange: () => [], options: {}, signal }
      return Promise.all(
        [...members].map(async member => {
          await member.ready
          return tracked(call, async create => send(member, create([])))
        }),
      )
    },
    async start() {
      assertOpen()
      const [member = spawn()] = members
      await member.ready
    },
    close() {
      if (closed) return
      closed = true
      const error = disposed()
      rejectQueue(error)
      for (const member of [...members]) {
        forget(member)
        member.settleReady(error)
        for (const waiting of member.calls.values()) waiting.reject(error)
      }
    },
  }
}

/** All parcels, or the first error, with the others let go of. */
async function allParcels(pictures: readonly Promise<Parcel>[]): Promise<Parcel[]> {
  const settled = await Promise.allSettled(pictures)
  const failed = settled.find(each => each.status === 'rejected')
  if (!failed) return settled.map(each => (each as PromiseFulfilledResult<Parcel>).value)
  for (const each of settled) if (each.status === 'fulfilled') each.value.release?.()
  throw failed.reason
}

const disposed = (): FacewiseError =>
  new FacewiseError('DISPOSED', 'This object was disposed; create another with createFacewiseWorker().')

const lostInCall = (why: string, cause: unknown): FacewiseError =>
  new FacewiseError(
    'WORKER_LOST',
    `The worker was lost: ${why}. Make the call again: another worker takes its place.`,
    {
      cause,
    },
  )

const notStarted = (why: string, cause: unknown): FacewiseError =>
  new FacewiseError(
    'WORKER_LOST',
    `The worker did not start: ${why}. Does the bundler build worker-entry.js, and does the page's policy allow it (worker-src)? ` +
      'The guide to workers has settings for bundlers; `worker` starts one of your own.',
    { cause },
  )

const notSendable = (error: unknown): FacewiseError =>
  new FacewiseError(
    'INVALID_ARGUMENT',
    `This cannot be sent to a worker: ${messageOf(error)}. Give options that are data, and pictures that were not given away before.`,
    { cause: error },
  )

/** `randomUUID` is missing on pages without https. */
function uniqueName(): string {
  return [...crypto.getRandomValues(new Uint32Array(4))].join('-')
}
