/**
 * The whole library in workers, so that the thread that calls stays free: Web Workers in browsers, worker threads in Node.
 *
 * @module
 */
export { FacewiseError, type FacewiseErrorCode, isFacewiseError } from '../errors.ts'
export type { WorkerLike } from './channel.ts'
export { createFacewiseWorker, type FacewiseWorker, type Handover } from './create.ts'
export type { FacewiseWorkerOptions, WorkerModelOptions } from './options.ts'
