import { Worker } from 'node:worker_threads'

/** A thread for batches that runs the source; built files need none of this. */
export function sourceThread(): Worker {
  return new Worker(new URL('./source-thread.mjs', import.meta.url))
}
