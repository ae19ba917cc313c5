import { FacewiseError, isFacewiseError } from '../errors.ts'
import type { Engine } from './engine.ts'
import type { BackendOptions } from './options.ts'
import { startBackend } from './start.ts'

/** Something that is loaded on a backend, and loaded anew on the next one when that is lost. */
export interface Recovering<T> {
  /** The backend that it is on now. */
  readonly engine: Engine
  /**
   * Gives what is loaded to `action`; again, on another backend, if this one is lost meanwhile.
   *
   * @throws FacewiseError `DISPOSED`; `BACKEND_LOST` if no other backend that is allowed starts.
   */
  use<R>(action: (loaded: T) => Promise<R>): Promise<R>
  /** Frees what is loaded. */
  dispose(): void
}

/**
 * Starts a backend, loads something on it, and does so again on the next one whenever a GPU context is lost.
 *
 * @param backend a started backend, or how to choose one.
 * @param disposed the message of the error of those who use it after `dispose`.
 */
export async function recovering<T extends { dispose(): void }>(
  backend: Engine | BackendOptions | undefined,
  load: (engine: Engine) => Promise<T>,
  disposed: string,
): Promise<Recovering<T>> {
  interface Running {
    readonly engine: Engine
    readonly loaded: T
  }
  const given = isEngine(backend) ? backend : undefined
  const options = isEngine(backend) ? {} : { ...backend }
  const run = async (lost: BackendOptions['exclude'] = []): Promise<Running> => {
    const exclude = [...new Set([...(options.exclude ?? []), ...lost])]
    const engine = given && lost.length === 0 ? given : await startBackend({ ...options, exclude })
    return { engine, loaded: await load(engine) }
  }

  let isDisposed = false
  let running = await run()
  let recovery: Promise<void> | undefined
  const recover = (lost: Running): Promise<void> => {
    if (running !== lost) return Promise.resolve()
    recovery ??= run([...(lost.engine.excluded ?? []), lost.engine.backend])
      .then(next => {
        lost.loaded.dispose()
        if (isDisposed) next.loaded.dispose()
        else running = next
      })
      .catch(error => {
        if (!isFacewiseError(error) || error.code !== 'BACKEND_UNAVAILABLE') throw error
        throw new FacewiseError(
          'BACKEND_LOST',
          `The ${lost.engine.backend} backend was lost, and no other that is allowed starts. ` +
            "Allow another: `prefer: ['webgl', 'wasm']`, or leave `prefer` away.",
          { cause: error },
        )
      })
      .finally(() => {
        recovery = undefined
      })
    return recovery
  }

  return {
    get engine() {
      return running.engine
    },
    async use(action) {
      for (;;) {
        if (isDisposed) throw new FacewiseError('DISPOSED', disposed)
        const current = running
        try {
          return await action(current.loaded)
        } catch (error) {
          if (!isFacewiseError(error) || error.code !== 'BACKEND_LOST') throw error
          await recover(current)
        }
      }
    },
    dispose() {
      if (isDisposed) return
      isDisposed = true
      running.loaded.dispose()
    },
  }
}

function isEngine(value: Engine | BackendOptions | undefined): value is Engine {
  return value !== undefined && 'tf' in value
}
