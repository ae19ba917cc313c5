import { Worker } from 'node:worker_threads'
import { type FacewiseError, isFacewiseError } from '../../src/errors.ts'

/** A worker thread that runs the source; built files need none of this. */
export function sourceWorker(): Worker {
  return new Worker(new URL('./source-worker.mjs', import.meta.url))
}

/** Starts threads and keeps them in the list. */
export const into = (list: Worker[]) => (): Worker => {
  const thread = sourceWorker()
  list.push(thread)
  return thread
}

/** The error with which a call was refused. */
export async function refused(action: Promise<unknown>): Promise<FacewiseError> {
  const error = await action.then(
    () => undefined,
    reason => reason,
  )
  if (!isFacewiseError(error)) throw new Error(`expected a FacewiseError, got ${error}`)
  return error
}
