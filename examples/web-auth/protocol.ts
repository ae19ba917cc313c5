/**
 * What the page and the server say to each other. Both import this file, so neither can drift. Every body is JSON but those with
 * frames, which are `multipart/form-data`.
 */
import type { Challenge } from 'facewise/attributes'

/** Where each request goes. All that change something want the header {@link CSRF_HEADER} with the session's token. */
export const ROUTES = {
  /** GET: {@link SessionState}. Begins an anonymous session where there is none. */
  session: '/api/session',
  /** POST {@link SignUp}: {@link SessionState}, logged in; the face comes next. */
  signUp: '/api/sign-up',
  /** POST {@link PasswordLogIn}: {@link LogInState}. */
  password: '/api/log-in/password',
  /** POST {@link ChallengeRequest}: {@link IssuedChallenge}. */
  challenge: '/api/challenge',
  /** POST frames of a challenge (purpose `log-in`): {@link SessionState}, logged in. */
  faceLogIn: '/api/log-in/face',
  /** POST {@link RecoveryCode} in the stage `password`: {@link SessionState}, logged in without a camera. */
  recovery: '/api/log-in/recovery',
  /** POST frames of a challenge (purpose `enrol`) or photos: {@link EnrolmentResult}. DELETE: {@link PasswordAgain}: the face is forgotten. */
  face: '/api/account/face',
  /** POST frames, purpose `who`: {@link Who}. */
  who: '/api/who',
  /** POST {@link LogOut}, or nothing: logged out; {@link SessionState} of an anonymous session in its place. */
  logOut: '/api/log-out',
  /** GET: {@link Account}. PATCH {@link AccountChange}. DELETE {@link PasswordAgain}: the account is gone; {@link SessionState} as after a log-out. */
  account: '/api/account',
  /** GET: everything that is kept of the account, as a JSON file. */
  export: '/api/account/export',
  /** GET: {@link Health}. Needs no session. */
  health: '/health',
} as const

export const CSRF_HEADER = 'x-csrf-token'

/** Limits that the page keeps to and the server holds. Sizes in bytes, times in milliseconds. */
export const LIMITS = {
  /** Frames of one challenge. */
  frames: 160,
  /** Frames a second that the page sends; the challenge wants 5 to 30. */
  frameRate: 10,
  /** The longer side of a frame in pixels. */
  frameSide: 640,
  frameBytes: 150_000,
  /** Photos of an enrolment by upload, their size, and the pixels of one. */
  photos: 5,
  photoBytes: 8_000_000,
  photoPixels: 40_000_000,
  bodyBytes: 16_000_000,
  jsonBytes: 10_000,
  nameLength: 80,
  emailLength: 254,
  passwordLength: { least: 10, most: 200 },
} as const

/**
 * Parts of a body with frames: `challenge` (its id), `times` (a JSON list of numbers, as many as frames), and `frame` (JPEG or WebP) in their order.
 * An enrolment may have `photo` (JPEG, PNG or WebP) instead, and needs `password` where that was last typed more than a quarter of an hour ago.
 */
export const FRAME_FIELDS = {
  challenge: 'challenge',
  times: 'times',
  frame: 'frame',
  photo: 'photo',
  password: 'password',
} as const

export interface SignUp {
  readonly name: string
  readonly email: string
  readonly password: string
  /** The version of the words that were agreed to, {@link CONSENT_VERSION}. Nothing is stored without. */
  readonly consent: string
}

/** Changes with the words of the consent, so that who agreed to what can be shown. */
export const CONSENT_VERSION = '2026-1'

export interface PasswordLogIn {
  readonly email: string
  readonly password: string
}

/** How far this session is. `password`: the password was right, the face is still to come. */
export type SessionStage = 'anonymous' | 'password' | 'full'

export interface SessionState {
  readonly stage: SessionStage
  /** To be sent with every request that changes something. Another one after every log-in. */
  readonly csrf: string
  readonly account?: { readonly name: string; readonly hasFace: boolean }
}

export interface LogInState extends SessionState {
  /** `face`: look into the camera now. `done`: logged in, for the account has no face or does not ask for it. */
  readonly next: 'face' | 'done'
}

export type Purpose = 'enrol' | 'log-in' | 'who'

export interface ChallengeRequest {
  readonly purpose: Purpose
  /** For a log-in by face alone: whose. The answer is the same whether there is such an account or not. */
  readonly email?: string
}

export interface LogOut {
  /** Ends all sessions of the account, on every device. */
  readonly everywhere?: boolean
}

/** A challenge of the library, bound to this session and this purpose; its id is the nonce. */
export interface IssuedChallenge {
  readonly challenge: Challenge
  /** The server's clock when it answered, in milliseconds since 1970: frames carry times of that clock. */
  readonly now: number
}

/** What is wrong with a capture, for the person. `code` is stable; the page has a picture and a way on for each. */
export interface CaptureReason {
  readonly code: string
  readonly message: string
}

export interface EnrolmentResult {
  readonly accepted: number
  /** One a frame or photo that was looked at and not taken. */
  readonly refused: readonly CaptureReason[]
  /** Shown once, with the first face of an account: each opens it once, after the password, where there is no camera. */
  readonly recoveryCodes?: readonly string[]
}

export interface RecoveryCode {
  readonly code: string
}

/** Nobody, or somebody who agreed to be found. */
export interface Who {
  readonly name: string | null
}

export interface Account {
  readonly name: string
  readonly email: string
  readonly createdAt: string
  readonly consent: { readonly version: string; readonly at: string }
  /** Whether the face alone opens the account. Off by default. */
  readonly faceAlone: boolean
  /** Whether "who is this" may tell the name to others who are logged in. Off by default. */
  readonly findable: boolean
  readonly face?: { readonly enrolledAt: string; readonly lastUsedAt?: string }
  /** The newest first: when the face was used, for what, and how it went. No pictures, no scores. */
  readonly events: readonly { readonly at: string; readonly what: string; readonly outcome: string }[]
}

export interface AccountChange extends PasswordAgain {
  readonly faceAlone?: boolean
  readonly findable?: boolean
}

/** What changes the account is asked for anew, logged in or not. */
export interface PasswordAgain {
  readonly password: string
}

export interface Health {
  readonly status: 'ok' | 'starting' | 'stopping' | 'unhealthy'
  readonly database: boolean
  readonly models: boolean
}

/**
 * Why a request was refused. The page knows what to offer for each; `message` is for the person.
 *
 * - `invalid`: a field is missing or wrong; `fields` says which.
 * - `refused`: e-mail and password do not belong together, or the face is not the account's: one answer for all of these.
 * - `not-live`: the movements were not those that were asked for; `hint` is a code of the library's challenge.
 * - `no-face`, `several-faces`, `poor-picture`: what the camera showed.
 * - `challenge-gone`: unknown, used, expired, of another session or for another purpose.
 * - `locked`: too many tries; `retryAfter` in seconds.
 * - `session`: not logged in, or not far enough; with `hint` `password` only the password has to be typed again.
 * - `unavailable`: too much to do, or starting or stopping; `retryAfter` in seconds.
 * - `consent`, `forgery`, `too-large`, `unsupported`, `not-found`.
 */
export type RefusalCode =
  | 'invalid'
  | 'refused'
  | 'not-live'
  | 'no-face'
  | 'several-faces'
  | 'poor-picture'
  | 'challenge-gone'
  | 'locked'
  | 'consent'
  | 'session'
  | 'forgery'
  | 'too-large'
  | 'unsupported'
  | 'not-found'
  | 'unavailable'

export interface Refusal {
  readonly error: {
    readonly code: RefusalCode
    readonly message: string
    readonly fields?: readonly string[]
    readonly hint?: string
    readonly retryAfter?: number
  }
}
