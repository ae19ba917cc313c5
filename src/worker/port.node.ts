import { parentPort } from 'node:worker_threads'
import { FacewiseError } from '../errors.ts'
import type { Port } from './serve.ts'

/** The line to the calling side. */
export function callingSide(): Port {
  const port = parentPort
  if (!port)
    throw new FacewiseError('INVALID_ARGUMENT', 'This file is run by createFacewiseWorker(), in a worker thread.')
  return {
    post: message => port.postMessage(message),
    listen: listener => {
      port.on('message', listener)
    },
  }
}

/** Shows that this worker lives; in Node its events do. */
export async function holdLock(_name: string): Promise<void> {}
