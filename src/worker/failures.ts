import { FacewiseError, messageOf } from '../errors.ts'

/** The error of a call after `dispose`, and of those that were under way. */
export const disposed = (): FacewiseError =>
  new FacewiseError('DISPOSED', 'This object was disposed; create another with createFacewiseWorker().')

/** The error of the calls that a worker had when it was lost. */
export const lostInCall = (why: string, cause: unknown): FacewiseError =>
  new FacewiseError(
    'WORKER_LOST',
    `The worker was lost: ${why}. Make the call again: another worker takes its place.`,
    { cause },
  )

/** The error of a worker that was never ready. */
export const notStarted = (why: string, cause: unknown): FacewiseError =>
  new FacewiseError(
    'WORKER_LOST',
    `The worker did not start: ${why}. Does the bundler build worker-entry.js, and does the page's policy allow it (worker-src)? ` +
      'The guide to workers has settings for bundlers; `worker` starts one of your own.',
    { cause },
  )

/** The error of a call that the platform refuses to send. */
export const notSendable = (error: unknown): FacewiseError =>
  new FacewiseError(
    'INVALID_ARGUMENT',
    `This cannot be sent to a worker: ${messageOf(error)}. Give options that are data, and pictures that were not given away before.`,
    { cause: error },
  )
