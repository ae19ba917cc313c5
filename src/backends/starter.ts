import type * as Tf from '@tensorflow/tfjs-core'
import type { BackendName } from './engine.ts'
import type { BackendOptions } from './options.ts'

/** What a backend says of itself once its package is loaded and registered. */
export interface Registered {
  /** The version of its package, to be compared with that of the core. */
  readonly version?: string
  /** A reason not to prefer it, although it works: software rendering, for one. */
  readonly slow?: string
}

/** How one backend is brought to the point where TensorFlow.js can start it. One file a backend and platform. */
export interface BackendStarter {
  readonly name: BackendName
  /**
   * Loads and registers the backend with this copy of TensorFlow.js.
   *
   * @throws Unavailable if it cannot run here.
   */
  register(tf: typeof Tf, options: BackendOptions): Promise<Registered>
  /** Starts it; `tf.setBackend` where this is absent. Answers whether it runs. */
  start?(tf: typeof Tf): Promise<boolean>
}

/** Why a backend cannot run here, and what a person can do about it. */
export class Unavailable extends Error {
  constructor(
    reason: string,
    readonly hint?: string,
    options?: { cause?: unknown },
  ) {
    super(reason, options)
  }
}
