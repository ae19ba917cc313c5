/** What can go wrong on this side of the wire. */
import type { ChallengeFailure } from 'facewise/attributes'

export type LocalCode =
  | 'camera-denied'
  | 'camera-missing'
  | 'camera-busy'
  | 'camera-unsupported'
  | 'camera-lost'
  | 'models'
  | 'photo-unreadable'
  | 'another-movement'
  | 'no-face'
  | 'several-faces'
  | 'poor-picture'

/** Something that the page itself stops for. `hint` says why a challenge was not passed. */
export class Problem extends Error {
  readonly code: LocalCode
  readonly hint?: ChallengeFailure

  constructor(code: LocalCode, hint?: ChallengeFailure, cause?: unknown) {
    super(hint ?? code, { cause })
    this.code = code
    this.hint = hint
  }
}
