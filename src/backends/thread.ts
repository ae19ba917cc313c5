/** A `Worker` of `node:worker_threads`, as far as it is used. */
export interface ThreadLike {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void
  on(event: string, listener: (value: unknown) => void): unknown
  ref(): void
  unref(): void
  terminate(): unknown
}

/** How threads that take parts of batches are started, and the backends in them. */
export interface BatchThreads {
  /** How many threads there are, one of which is the program's own. */
  readonly count: number
  readonly thread?: () => ThreadLike
  readonly wasmPaths?: string | Readonly<Record<string, string>>
  readonly timeoutMs?: number
}
