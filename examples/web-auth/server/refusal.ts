import type { Refusal, RefusalCode } from '../protocol.ts'

/** The status of HTTP with which each refusal is sent. */
const STATUS = {
  invalid: 400,
  refused: 401,
  'not-live': 422,
  'no-face': 422,
  'several-faces': 422,
  'poor-picture': 422,
  'challenge-gone': 409,
  locked: 429,
  consent: 400,
  session: 401,
  forgery: 403,
  'too-large': 413,
  unsupported: 415,
  'not-found': 404,
  unavailable: 503,
} as const satisfies Record<RefusalCode, number>

/** Why a request is refused, on its way to the person. */
export class Refused extends Error {
  readonly code: RefusalCode
  readonly status: (typeof STATUS)[RefusalCode]
  readonly details: Pick<Refusal['error'], 'fields' | 'hint' | 'retryAfter'>

  /** @param details `retryAfter` in seconds. */
  constructor(
    code: RefusalCode,
    message: string,
    details: Pick<Refusal['error'], 'fields' | 'hint' | 'retryAfter'> = {},
  ) {
    super(message)
    this.code = code
    this.status = STATUS[code]
    this.details = details
  }

  get body(): Refusal {
    return { error: { code: this.code, message: this.message, ...this.details } }
  }
}

/** One answer for all that may be wrong: an e-mail that nobody has, a wrong password. */
export const wrongPassword = (): Refused =>
  new Refused('refused', 'E-mail and password do not belong together. Check both and try again.')

/** One answer for another person's face, an account without a face, and none at all. */
export const wrongFace = (): Refused =>
  new Refused('refused', 'You were not recognised. Try again in better light, or use your password.')

export const noSession = (): Refused => new Refused('session', 'You are not logged in any more. Log in and go on.')

export const passwordAgain = (): Refused =>
  new Refused('session', 'Type your password again for this: it was given too long ago.', { hint: 'password' })

export const locked = (retryAfter: number): Refused =>
  new Refused('locked', `There were too many tries. Wait ${inWords(retryAfter)} and try again.`, { retryAfter })

export const busy = (retryAfter: number): Refused =>
  new Refused('unavailable', 'Many people are logging in just now. Try again in a moment.', { retryAfter })

function inWords(seconds: number): string {
  return seconds < 90 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`
}
