import { busy } from './refusal.ts'

/** Lets so many through at a time; a few wait, and the others are told at once to come again. */
export interface Gate {
  /**
   * @throws Refused `unavailable` if too many wait already, or the signal fires while it waits.
   */
  run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>
  /** How many are inside, and how many wait. */
  readonly load: { readonly inside: number; readonly waiting: number }
}

/**
 * @param expected how long one takes, in milliseconds: only for saying when to come again, until the first were measured.
 */
export function createGate(settings: { atOnce: number; waiting: number; expected: number }): Gate {
  const { atOnce, waiting } = settings
  let inside = 0
  let usual = settings.expected
  const queue: (() => void)[] = []

  const retryAfter = (): number => Math.max(1, Math.ceil((usual * (queue.length + 1)) / atOnce / 1000))

  async function enter(signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) throw busy(retryAfter())
    if (inside < atOnce) {
      inside++
      return
    }
    if (queue.length >= waiting) throw busy(retryAfter())
    await new Promise<void>((resolve, reject) => {
      const leave = (): void => {
        const at = queue.indexOf(go)
        if (at >= 0) queue.splice(at, 1)
        reject(busy(retryAfter()))
      }
      // The place of who leaves is handed on, so nobody comes in between.
      const go = (): void => {
        signal?.removeEventListener('abort', leave)
        resolve()
      }
      signal?.addEventListener('abort', leave, { once: true })
      queue.push(go)
    })
  }

  return {
    get load() {
      return { inside, waiting: queue.length }
    },
    async run(work, signal) {
      await enter(signal)
      const began = performance.now()
      try {
        return await work()
      } finally {
        usual += (performance.now() - began - usual) / 4
        const next = queue.shift()
        if (next) next()
        else inside--
      }
    },
  }
}
