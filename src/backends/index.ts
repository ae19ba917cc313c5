/**
 * Which TensorFlow.js backend runs, and why the others do not.
 *
 * @module
 */
export { FacewiseError, type FacewiseErrorCode, isFacewiseError } from '../errors.ts'
export type { BackendAttempt, BackendName, BackendReport, Engine } from './engine.ts'
export type { BackendOptions } from './options.ts'
export { startBackend } from './start.ts'
export type { BatchThreads, ThreadLike } from './thread.ts'
