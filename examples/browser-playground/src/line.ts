/**
 * Calls to a worker of this example, and its answers: what `createFacewiseWorker` does for the whole library, in small. Errors keep their
 * code, a signal ends a call, and an answer may come in pieces (`tell`).
 */
import { FacewiseError, type FacewiseErrorCode, isFacewiseError } from 'facewise/detect'

/** From the page to the worker. */
type Question =
  | { readonly type: 'call'; readonly id: number; readonly method: string; readonly input: unknown }
  | { readonly type: 'abort'; readonly id: number }

/** From the worker to the page. */
type Answer =
  | { readonly type: 'piece'; readonly id: number; readonly value: unknown }
  | { readonly type: 'result'; readonly id: number; readonly value: unknown }
  | { readonly type: 'error'; readonly id: number; readonly code?: FacewiseErrorCode; readonly message: string }

/** Options of one call. */
export interface CallOptions {
  readonly signal?: AbortSignal
  /** Hears the pieces of an answer before it is whole. */
  readonly onPiece?: (piece: unknown) => void
}

/** The page's end of the line. */
export interface Line {
  /** @throws FacewiseError as the worker threw it; `ABORTED` at once when the signal fires; `WORKER_LOST` if the worker fails. */
  call(method: string, input: unknown, options?: CallOptions): Promise<unknown>
}

interface Waiting {
  readonly onPiece: ((piece: unknown) => void) | undefined
  resolve(value: unknown): void
  reject(error: Error): void
}

/** Opens a line to a worker that runs {@link answerCalls}. */
export function lineTo(worker: Worker): Line {
  const waiting = new Map<number, Waiting>()
  let next = 0
  worker.addEventListener('message', ({ data }: MessageEvent<Answer>) => {
    // Nobody waits for what comes after an abort.
    const call = waiting.get(data.id)
    if (data.type === 'piece') return call?.onPiece?.(data.value)
    waiting.delete(data.id)
    if (data.type === 'result') return call?.resolve(data.value)
    call?.reject(data.code ? new FacewiseError(data.code, data.message) : new Error(data.message))
  })
  worker.addEventListener('error', event => {
    const lost = new FacewiseError(
      'WORKER_LOST',
      `A worker of this page failed: ${event.message || 'it did not load'}.`,
    )
    for (const { reject } of waiting.values()) reject(lost)
    waiting.clear()
  })
  return {
    call(method, input, { signal, onPiece } = {}) {
      return new Promise((resolve, reject) => {
        const aborted = (): FacewiseError => new FacewiseError('ABORTED', 'Cancelled.', { cause: signal?.reason })
        if (signal?.aborted) return reject(aborted())
        const id = next++
        waiting.set(id, { resolve, reject, onPiece })
        worker.postMessage({ type: 'call', id, method, input } satisfies Question)
        signal?.addEventListener('abort', () => {
          if (!waiting.delete(id)) return
          worker.postMessage({ type: 'abort', id } satisfies Question)
          reject(aborted())
        })
      })
    },
  }
}

/** What a method of a worker can use besides its input. */
export interface CallContext {
  readonly signal: AbortSignal
  /** Sends a piece of the answer. */
  tell(piece: unknown): void
}

/** A method that is never called with another input than its own: the page's clients see to that. */
// biome-ignore lint/suspicious/noExplicitAny: each method has an input of its own.
type Methods = Record<string, (input: any, context: CallContext) => unknown>

/** The worker's end: answers calls with `methods`. */
export function answerCalls(methods: Methods): void {
  const scope = globalThis as unknown as Pick<Worker, 'postMessage' | 'addEventListener'>
  const post = (answer: Answer): void => scope.postMessage(answer)
  const running = new Map<number, AbortController>()
  scope.addEventListener('message', async ({ data }: MessageEvent<Question>) => {
    const { id } = data
    if (data.type === 'abort') return running.get(id)?.abort()
    const controller = new AbortController()
    running.set(id, controller)
    try {
      const tell = (value: unknown): void => post({ type: 'piece', id, value })
      const value = await methods[data.method](data.input, { signal: controller.signal, tell })
      post({ type: 'result', id, value })
    } catch (error) {
      const code = isFacewiseError(error) ? error.code : undefined
      post({ type: 'error', id, code, message: error instanceof Error ? error.message : String(error) })
    } finally {
      running.delete(id)
    }
  })
}
