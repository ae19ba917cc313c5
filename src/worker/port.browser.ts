import type { ToWorker } from './messages.ts'
import type { Port } from './serve.ts'

/** The line to the calling side. */
export function callingSide(): Port {
  const scope = globalThis as unknown as {
    postMessage(message: unknown): void
    addEventListener(type: 'message', listener: (event: MessageEvent) => void): void
  }
  return {
    post: message => scope.postMessage(message),
    listen: listener => scope.addEventListener('message', ({ data }) => listener(data as ToWorker)),
  }
}

/** Takes a lock that is let go when this worker ends, however it ends. Resolves when it is held, or where there are no locks. */
export function holdLock(name: string): Promise<void> {
  const { locks } = navigator as Partial<Navigator>
  if (!locks) return Promise.resolve()
  return new Promise(resolve => {
    const forever = (): Promise<never> => {
      resolve()
      return new Promise(() => {})
    }
    // A page that may not take locks, an opaque origin for one, does without.
    locks.request(name, forever).catch(() => resolve())
  })
}
