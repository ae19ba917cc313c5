import { createFacewise, type Facewise } from '../facewise/index.ts'
import type { FrameArgs, FromWorker, Method, ToWorker } from './messages.ts'
import { type AskStore, remoteStore } from './remote-store.ts'
import { createVideos, type Videos } from './videos.ts'
import { fromWire, toWire } from './wire-error.ts'

/** A worker's line to the calling side. */
export interface Port {
  post(message: FromWorker): void
  listen(listener: (message: ToWorker) => void): void
}

type Call = ToWorker & { readonly type: 'call' }

/**
 * The life of a worker: a `Facewise` of its own, whose store is on the calling side.
 *
 * @param holdLock shows from then on that the worker lives.
 */
export function serve(port: Port, holdLock: (name: string) => Promise<void>): void {
  let facewise: Promise<Facewise> | undefined
  const running = new Map<number, AbortController>()
  const callOf = new WeakMap<AbortSignal, number>()
  const asked = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  const videos = createVideos()
  let requests = 0

  const ask: AskStore = (method, args, signal) =>
    new Promise((resolve, reject) => {
      const request = requests++
      asked.set(request, { resolve: resolve as (value: unknown) => void, reject })
      port.post({ type: 'store', request, call: signal && callOf.get(signal), method, args })
    })

  async function answer({ id, method, args, options }: Call): Promise<void> {
    const controller = new AbortController()
    running.set(id, controller)
    callOf.set(controller.signal, id)
    try {
      if (!facewise) throw new Error('A worker was called before it was told how to start.')
      const value = await perform(await facewise, videos, method, args, { ...options, signal: controller.signal })
      port.post({ type: 'result', id, value })
    } catch (error) {
      port.post({ type: 'error', id, error: toWire(error) })
    } finally {
      running.delete(id)
      for (const each of args.flat()) closeBitmap(each)
    }
  }

  port.listen(message => {
    switch (message.type) {
      case 'start': {
        const { options, capabilities, lock } = message
        facewise = createFacewise({
          ...options,
          store: remoteStore(capabilities, ask),
          onProgress: progress => port.post({ type: 'progress', progress }),
        })
        // Whoever calls hears of it.
        facewise.catch(() => {})
        void holdLock(lock).then(() => port.post({ type: 'ready' }))
        break
      }
      case 'call':
        void answer(message)
        break
      case 'abort':
        running.get(message.id)?.abort()
        break
      case 'track':
        videos.open(message.track, message.options)
        break
      case 'track-over':
        videos.close(message.track)
        break
      default: {
        const waiting = asked.get(message.request)
        asked.delete(message.request)
        if (message.type === 'stored') waiting?.resolve(message.value)
        else waiting?.reject(fromWire(message.error))
      }
    }
  })
}

async function perform(
  facewise: Facewise,
  videos: Videos,
  method: Method,
  args: readonly unknown[],
  options: { readonly signal: AbortSignal },
): Promise<unknown> {
  if (method === 'frame') return videos.next(facewise, args as FrameArgs, options.signal)
  if (method === 'report') return (await facewise.engine()).report
  const run = facewise[method] as (...all: unknown[]) => Promise<unknown>
  return run(...args, options)
}

/** A bitmap or frame that was sent is this side's to free; it may be large. */
function closeBitmap(value: unknown): void {
  const { close } = Object(value) as { close?: unknown }
  if (typeof close === 'function') close.call(value)
}
