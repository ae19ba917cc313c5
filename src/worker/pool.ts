import { type FacewiseError, isFacewiseError, throwIfAborted } from '../errors.ts'
import type { FacewiseProgress } from '../facewise/index.ts'
import { disposed } from './failures.ts'
import { type Member, type MemberSettings, startMember } from './member.ts'
import type { Method, ToWorker } from './messages.ts'
import { allParcels, type PoolCall, release, settled, type Waiting } from './waiting.ts'

/** What a pool is made of. */
export interface PoolSettings extends MemberSettings {
  readonly size: number
  readonly onProgress?: (progress: FacewiseProgress) => void
}

/** Calls that all go to one worker, which keeps something between them. */
export interface Session {
  /** Its number, another one for each. */
  readonly id: number
  /** Runs a call there, without a turn in the queue. @throws FacewiseError as {@link Pool.run}; `WORKER_LOST` once that worker is lost. */
  run(call: PoolCall): Promise<unknown>
  /** Says what is no call. */
  tell(message: ToWorker): void
  /** Lets the worker go. */
  end(): void
}

/** Workers that share calls. */
export interface Pool {
  /** Runs a call in the worker that has the fewest. @throws FacewiseError `WORKER_LOST`, `ABORTED`, `DISPOSED`, what the method throws. */
  run(call: PoolCall): Promise<unknown>
  /** Runs a method without arguments in every worker, those that were not needed yet included. */
  runInAll(method: Method, signal?: AbortSignal): Promise<unknown[]>
  /** Chooses the worker that follows the fewest videos and has the fewest calls, and starts one where none is idle. */
  session(): Promise<Session>
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

/** Workers that are started when they are needed and replaced when they are lost. */
export function createPool(settings: PoolSettings): Pool {
  const { size, onProgress } = settings
  const members = new Set<Member>()
  const queue: Waiting[] = []
  let limit = size
  let closed = false
  let ids = 0

  function spawn(): Member {
    const member = startMember(settings, { free: pump, progress: tellProgress, lost: lose })
    members.add(member)
    return member
  }

  function tellProgress(model: string): void {
    const all = [...members].flatMap(({ progress }) => (progress ? [progress] : []))
    const sum = (key: 'loadedBytes' | 'totalBytes'): number => all.reduce((total, each) => total + each[key], 0)
    onProgress?.({ model, loadedBytes: sum('loadedBytes'), totalBytes: sum('totalBytes') })
  }

  function lose(member: Member, error: FacewiseError): void {
    members.delete(member)
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
      release(waiting.parcels)
      waiting.reject(error)
    }
  }

  /** Hands out what waits, each call to the worker that has the fewest; where none is idle, more are started. */
  function pump(): void {
    while (queue.length > 0) {
      const [least] = [...members].filter(({ isReady }) => isReady).sort((a, b) => a.load - b.load)
      if (least?.load !== 0) grow()
      if (queue.length === 0 || !least || least.load >= CALLS_AT_A_TIME) return
      least.send(queue.shift()!)
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

  /** Takes a call out of the queue, or tells its worker to stop it. */
  function drop(id: number): void {
    const at = queue.findIndex(waiting => waiting.id === id)
    if (at >= 0) release(queue.splice(at, 1)[0].parcels)
    for (const member of members) member.abort(id)
  }

  /** Makes a call and gives it to `place`, unless it was stopped while its pictures were made ready. */
  async function make({ pictures, ...call }: PoolCall, place: (waiting: Waiting) => void): Promise<unknown> {
    assertOpen()
    const id = ids++
    return settled(call, {
      id,
      drop: () => drop(id),
      async begin(create, isSettled) {
        const parcels = await allParcels(pictures)
        if (!isSettled() && !closed) return place(create(parcels))
        release(parcels)
        assertOpen()
      },
    })
  }

  /** The worker for the next video. */
  function host(): Member {
    const [least] = [...members].sort(
      (a, b) => a.videos - b.videos || Number(b.isReady) - Number(a.isReady) || a.load - b.load,
    )
    if (least?.videos === 0 && least.load === 0) return least
    if (members.size >= limit) return least
    try {
      return spawn()
    } catch (error) {
      if (!least || !isFacewiseError(error)) throw error
      stopGrowing(error)
      return least
    }
  }

  const assertOpen = (): void => {
    if (closed) throw disposed()
  }

  return {
    run: call =>
      make(call, waiting => {
        queue.push(waiting)
        pump()
      }),
    async runInAll(method, signal) {
      assertOpen()
      throwIfAborted(signal)
      while (members.size < limit) spawn()
      return Promise.all(
        [...members].map(async member => {
          await member.ready
          return make({ method, pictures: [], arrange: () => [], options: {}, signal }, waiting => member.send(waiting))
        }),
      )
    },
    async session() {
      assertOpen()
      const member = host()
      member.videos++
      try {
        await member.ready
      } catch (error) {
        assertOpen()
        // Where others run, they do it.
        if (members.size === 0) throw error
        return this.session()
      }
      return {
        id: ids++,
        run: call => make(call, waiting => member.send(waiting)),
        tell: message => member.tell(message),
        end() {
          member.videos--
        },
      }
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
      for (const member of members) member.close(error)
      members.clear()
    },
  }
}
