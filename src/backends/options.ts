import type { BackendName } from './engine.ts'
import type { ThreadLike } from './thread.ts'

/** How `startBackend` chooses. */
export interface BackendOptions {
  /**
   * One backend, or several in the order of preference: the first that works is taken. Without it, all that this platform has are
   * considered, and where more than one works a short measurement decides.
   */
  readonly prefer?: BackendName | readonly BackendName[]
  /** Backends never to take. */
  readonly exclude?: readonly BackendName[]
  /**
   * Where the three `tfjs-backend-wasm*.wasm` files are: a folder (path or address, with a slash at its end), or the full address of
   * each by name. By default beside the package (Node) or where the bundler put them.
   */
  readonly wasmPaths?: string | Readonly<Record<string, string>>
  /**
   * WebAssembly threads. In browsers they are used by default where the page is cross-origin isolated and its policy allows workers from
   * `blob:`; `false` never, a number limits how many. In Node TensorFlow.js has none: with a number (1 to 64) batches of faces are split
   * over that many threads, each with its own copy of the networks; `true` takes one a core; none by default.
   */
  readonly threads?: boolean | number
  /** Node: starts a thread that runs `facewise/batch-thread`, where a bundler has moved this library away from its files. */
  readonly thread?: () => ThreadLike
  /** How long one backend may take to start, in milliseconds; 10,000 by default. */
  readonly timeoutMs?: number
  /** Keeps the answer of the measurement for the next start; `false` measures every time. */
  readonly remember?: boolean
  readonly signal?: AbortSignal
}
