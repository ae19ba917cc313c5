import { FacewiseError } from '../errors.ts'

/** A part that is loaded when it is first needed. */
export interface Lazy<T> {
  /** Loads it, once; after a failure the next call tries again. @throws FacewiseError `DISPOSED` */
  get(): Promise<T>
  /** Frees it, also where its loading has not ended yet. */
  dispose(): Promise<void>
}

/**
 * @param load makes the part. @param free frees it; not called for what was never loaded.
 */
export function lazy<T>(load: () => Promise<T>, free: (part: T) => void | Promise<void>): Lazy<T> {
  let loading: Promise<T> | undefined
  let disposed = false
  return {
    get() {
      if (disposed) return Promise.reject(new FacewiseError('DISPOSED', 'This object was disposed; create another.'))
      loading ??= load().catch(error => {
        loading = undefined
        throw error
      })
      return loading
    },
    async dispose() {
      if (disposed) return
      disposed = true
      // One that could not be loaded has told whoever wanted it.
      const part = await loading?.catch(() => undefined)
      if (part !== undefined) await free(part)
    },
  }
}

/** A part that was given: never freed here. */
export function given<T>(part: T): Lazy<T> {
  return lazy(
    async () => part,
    () => {},
  )
}
