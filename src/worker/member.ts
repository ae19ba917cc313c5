import { spawnWorker, watchWorker } from '#platform/worker'
import { FacewiseError, messageOf } from '../errors.ts'
import type { FacewiseProgress } from '../facewise/index.ts'
import type { EmbeddingStore } from '../store/index.ts'
import { type Channel, openChannel, type WorkerLike } from './channel.ts'
import { lostInCall, notSendable, notStarted } from './failures.ts'
import type { FromWorker, SentOptions, ToWorker } from './messages.ts'
import { callStore } from './store-calls.ts'
import { release, type Waiting } from './waiting.ts'
import { fromWire, toWire } from './wire-error.ts'

/** How a worker is started. */
export interface MemberSettings {
  readonly spawn?: () => WorkerLike
  readonly startTimeoutMs: number
  readonly options: SentOptions
  readonly store: EmbeddingStore
}

/** What a pool hears of its workers. */
export interface MemberListener {
  /** It takes calls from now on, or has time for another one. */
  free(): void
  progress(model: string): void
  /** It is of no use any more, and its calls are rejected. */
  lost(member: Member, error: FacewiseError): void
}

/** One worker of a pool: the calls that it has, and what it asks of this side meanwhile. */
export interface Member {
  /** Resolves when it takes calls. */
  readonly ready: Promise<void>
  readonly isReady: boolean
  /** How many calls it has. */
  readonly load: number
  /** How many videos it follows. */
  videos: number
  readonly progress: FacewiseProgress | undefined
  /** Gives it a call; rejects the call if that cannot be. */
  send(waiting: Waiting): void
  /** Says what is no call. Nothing once it is lost. */
  tell(message: ToWorker): void
  /** Tells it to stop a call, if it has that one: it has it until it says that it has stopped. */
  abort(id: number): void
  /** Ends it; its calls reject with the error. */
  close(error: FacewiseError): void
}

/**
 * Starts a worker.
 *
 * @throws FacewiseError `WORKER_LOST` if it cannot be started; `INVALID_ARGUMENT` if the options cannot be sent.
 */
export function startMember(settings: MemberSettings, listener: MemberListener): Member {
  const { store, options, startTimeoutMs } = settings
  const calls = new Map<number, Waiting>()
  const lock = `facewise-worker-${uniqueName()}`
  let isReady = false
  let progress: FacewiseProgress | undefined
  /** Why it is of no use any more. */
  let failure: FacewiseError | undefined
  let stopWatching = (): void => {}
  let settleReady: (error?: FacewiseError) => void = () => {}
  const ready = new Promise<void>((resolve, reject) => {
    settleReady = error => (error ? reject(error) : resolve())
  })
  ready.catch(() => {})

  let channel: Channel
  try {
    channel = openChannel((settings.spawn ?? spawnWorker)(), { message: hear, lost: lose })
  } catch (error) {
    throw notStarted(messageOf(error), error)
  }
  const timer = setTimeout(() => lose(`it did not answer within ${startTimeoutMs} ms`), startTimeoutMs)
  const member: Member = {
    ready,
    videos: 0,
    get isReady() {
      return isReady
    },
    get load() {
      return calls.size
    },
    get progress() {
      return progress
    },
    send,
    tell(message) {
      if (!failure) channel.post(message)
    },
    abort(id) {
      if (calls.has(id)) channel.post({ type: 'abort', id })
    },
    close: end,
  }
  try {
    channel.post({ type: 'start', options, capabilities: { ...store.capabilities }, lock })
  } catch (error) {
    const refused = new FacewiseError(
      'INVALID_ARGUMENT',
      `The options cannot be sent to a worker: ${messageOf(error)}.`,
      {
        cause: error,
      },
    )
    end(refused)
    throw refused
  }
  return member

  function end(error: FacewiseError): void {
    if (failure) return
    failure = error
    clearTimeout(timer)
    stopWatching()
    channel.close()
    settleReady(error)
    for (const waiting of calls.values()) waiting.reject(error)
    calls.clear()
  }

  function lose(why: string, cause?: unknown): void {
    if (failure) return
    const error = isReady ? lostInCall(why, cause) : notStarted(why, cause)
    end(error)
    listener.lost(member, error)
  }

  function hear(message: FromWorker): void {
    switch (message.type) {
      case 'ready':
        clearTimeout(timer)
        isReady = true
        stopWatching = watchWorker(lock, () => lose('it was terminated, or crashed'))
        settleReady()
        channel.keepAlive(calls.size > 0)
        listener.free()
        break
      case 'result':
        take(message.id)?.resolve(message.value)
        break
      case 'error':
        take(message.id)?.reject(fromWire(message.error))
        break
      case 'progress':
        progress = message.progress
        listener.progress(progress.model)
        break
      case 'store': {
        const { request, method, args } = message
        const call = message.call === undefined ? undefined : calls.get(message.call)
        callStore(store, method, args, call?.call.signal)
          .then(value => channel.post({ type: 'stored', request, value }))
          // Also what a store of one's own gave and cannot be sent.
          .catch(error => channel.post({ type: 'not-stored', request, error: toWire(error) }))
      }
    }
  }

  /** Takes a call off it. */
  function take(id: number): Waiting | undefined {
    const waiting = calls.get(id)
    calls.delete(id)
    if (isReady) channel.keepAlive(calls.size > 0)
    listener.free()
    return waiting
  }

  function send(waiting: Waiting): void {
    const { id, call, parcels } = waiting
    if (failure) {
      release(parcels)
      waiting.reject(failure)
      return
    }
    try {
      const packed = parcels.map(parcel => parcel.pack())
      const args = call.arrange(packed.map(({ value }) => value))
      // A buffer that is given twice, as both pictures of a comparison, can change hands once.
      const transfer = [...new Set(packed.flatMap(each => each.transfer))]
      channel.post({ type: 'call', id, method: call.method, args, options: call.options }, transfer)
    } catch (error) {
      release(parcels)
      const [known] = parcels.flatMap(({ refused }) => (refused ? [refused(error)] : []))
      waiting.reject(known ?? notSendable(error))
      return
    }
    calls.set(id, waiting)
    channel.keepAlive(true)
  }
}

/** `randomUUID` is missing on pages without https. */
function uniqueName(): string {
  return [...crypto.getRandomValues(new Uint32Array(4))].join('-')
}
