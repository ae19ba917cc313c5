/**
 * Every code that a {@link FacewiseError} can carry. Codes are stable: programs may branch on them; messages are for people.
 *
 * - `INVALID_ARGUMENT`: an option or argument has a value that makes no sense; nothing was done.
 * - `IMAGE_NOT_FOUND`: a path, address or file with the picture does not exist or did not answer.
 * - `IMAGE_UNREADABLE`: the bytes are no picture of a known format, or are damaged.
 * - `IMAGE_TOO_LARGE`: the picture has more pixels than the limit; nothing was decoded.
 * - `IMAGE_UNSUPPORTED`: this kind of input cannot be read on this platform.
 * - `FACE_NOT_FOUND`: a picture shows no face where one is needed.
 * - `FACE_AMBIGUOUS`: a picture shows several faces where one alone is wanted.
 * - `ENROLMENT_REFUSED`: no picture of a person could be used, or the person is enrolled already; nothing was stored.
 * - `DEPENDENCY_MISSING`: an optional package is not installed; the message names the command that installs it.
 * - `BACKEND_UNAVAILABLE`: no TensorFlow.js backend of those allowed could start; the message lists each and why.
 * - `BACKEND_LOST`: the backend stopped working after it had started (a lost GPU context).
 * - `WORKER_LOST`: a worker could not be started, or ended while it had calls; they can be made again.
 * - `ENGINE_MISMATCH`: TensorFlow.js packages of different versions, or two copies of its core.
 * - `MODEL_NOT_FOUND`: a file of a model is not where its source says.
 * - `MODEL_INVALID`: a manifest, a graph or a file of weights is malformed, or wants code to be run.
 * - `MODEL_CORRUPT`: a file of a model has other bytes than its manifest says.
 * - `NETWORK_FAILED`: a network gave an output of the wrong shape, or not-a-number.
 * - `STORE_MISMATCH`: a store holds embeddings of another model or dimension; nothing was changed.
 * - `STORE_UNAVAILABLE`: the engine of a store does not answer, or is busy; the call can be made again.
 * - `STORE_CORRUPT`: stored bytes are damaged, or were encrypted with another key.
 * - `STORE_FAILED`: the engine of a store refused; the message has its words.
 * - `OUTPUT_FAILED`: a file could not be written.
 * - `DISPOSED`: the object was used after `dispose()` or `close()`.
 * - `ABORTED`: the caller's `AbortSignal` fired.
 */
export type FacewiseErrorCode =
  | 'INVALID_ARGUMENT'
  | 'IMAGE_NOT_FOUND'
  | 'IMAGE_UNREADABLE'
  | 'IMAGE_TOO_LARGE'
  | 'IMAGE_UNSUPPORTED'
  | 'FACE_NOT_FOUND'
  | 'FACE_AMBIGUOUS'
  | 'ENROLMENT_REFUSED'
  | 'DEPENDENCY_MISSING'
  | 'BACKEND_UNAVAILABLE'
  | 'BACKEND_LOST'
  | 'WORKER_LOST'
  | 'ENGINE_MISMATCH'
  | 'MODEL_NOT_FOUND'
  | 'MODEL_INVALID'
  | 'MODEL_CORRUPT'
  | 'NETWORK_FAILED'
  | 'STORE_MISMATCH'
  | 'STORE_UNAVAILABLE'
  | 'STORE_CORRUPT'
  | 'STORE_FAILED'
  | 'OUTPUT_FAILED'
  | 'DISPOSED'
  | 'ABORTED'

/** The one class of error that this library throws: a stable `code`, a message that says what to do next, and the `cause`. */
export class FacewiseError extends Error {
  override readonly name = 'FacewiseError'
  readonly code: FacewiseErrorCode

  constructor(code: FacewiseErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** Whether `error` is a {@link FacewiseError}, also across copies of this library and worker boundaries, where `instanceof` fails. */
export function isFacewiseError(error: unknown): error is FacewiseError {
  return error instanceof Error && error.name === 'FacewiseError' && typeof (error as FacewiseError).code === 'string'
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Throws `ABORTED` if `signal` has fired. @internal */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) {
    throw new FacewiseError('ABORTED', 'The operation was cancelled by its AbortSignal.', { cause: signal.reason })
  }
}
