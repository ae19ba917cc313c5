import { messageOf } from '../errors.ts'
import type { FromWorker, ToWorker } from './messages.ts'

/** A `Worker` of the browser, or one of `node:worker_threads`. */
export interface WorkerLike {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void
  terminate(): unknown
}

/** The events of a browser's worker. */
interface WebWorker extends WorkerLike {
  addEventListener(type: string, listener: (event: Event) => void): void
}

/** Those of Node's. */
interface ThreadWorker extends WorkerLike {
  on(type: string, listener: (value: unknown) => void): void
  ref(): void
  unref(): void
}

/** What is heard of a worker. */
export interface ChannelListener {
  message(message: FromWorker): void
  /** It is of no use any more; called once at most. */
  lost(why: string, cause?: unknown): void
}

/** A line to one worker, the same for both kinds. */
export interface Channel {
  post(message: ToWorker, transfer?: readonly ArrayBuffer[]): void
  /** Whether the program has to stay alive for it; a worker that waits for calls should not keep Node from ending. */
  keepAlive(busy: boolean): void
  /** Ends the worker; nothing is heard of it afterwards. */
  close(): void
}

/** Listens to a worker. */
export function openChannel(worker: WorkerLike, listener: ChannelListener): Channel {
  let open = true
  const message = (data: unknown): void => {
    if (open) listener.message(data as FromWorker)
  }
  const lost = (why: string, cause?: unknown): void => {
    if (!open) return
    open = false
    listener.lost(why, cause)
  }
  if ('addEventListener' in worker) {
    const web = worker as WebWorker
    web.addEventListener('message', event => message((event as MessageEvent).data))
    web.addEventListener('messageerror', () => lost('it sent what cannot be read'))
    web.addEventListener('error', event => {
      // Handled: those who called hear of it.
      event.preventDefault()
      const { message: text, error } = event as ErrorEvent
      lost(text || 'its script could not be loaded', error ?? undefined)
    })
  } else {
    const thread = worker as ThreadWorker
    thread.on('message', message)
    thread.on('messageerror', error => lost('it sent what cannot be read', error))
    thread.on('error', error => lost(messageOf(error), error))
    thread.on('exit', code => lost(`it ended with code ${code}`))
  }
  return {
    post(data, transfer = []) {
      worker.postMessage(data, [...transfer])
    },
    keepAlive(busy) {
      if (!('ref' in worker)) return
      const thread = worker as ThreadWorker
      if (busy) thread.ref()
      else thread.unref()
    },
    close() {
      open = false
      void worker.terminate()
    },
  }
}
