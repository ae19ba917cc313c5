import { FacewiseError } from '../../errors.ts'
import { type Challenge, type ChallengeOptions, livenessChallenge } from './challenge.ts'

/**
 * Keeps the challenges that were issued, and hands each back once. Whoever checks runs needs one: a challenge that comes from the client
 * could have been drawn to fit a recording, and one that is accepted twice can be answered by the recording of the first time.
 */
export interface ChallengeLedger {
  /** Draws a challenge and keeps it. @throws FacewiseError `INVALID_ARGUMENT` as {@link livenessChallenge}. */
  issue(options?: ChallengeOptions): Challenge
  /**
   * The challenge of this id, and never again: `undefined` for one that was taken, has expired or was not issued here.
   *
   * @param now milliseconds since 1970; `Date.now()` by default.
   */
  take(id: string, now?: number): Challenge | undefined
}

/**
 * A ledger in the memory of one process. Several processes need one together: a table with a row a challenge, where `take` is one
 * statement that deletes the row and returns it (`DELETE ... RETURNING`), so that two requests cannot both have it.
 *
 * @param options `most` challenges are kept, 10,000 by default: when there are more, the oldest is forgotten, and its run is refused.
 * @throws FacewiseError `INVALID_ARGUMENT` where `most` is no whole number above 0.
 */
export function challengeLedger(options: { readonly most?: number } = {}): ChallengeLedger {
  const { most = 10_000 } = options
  if (!(Number.isInteger(most) && most > 0)) {
    throw new FacewiseError('INVALID_ARGUMENT', `'most' is a whole number above 0; got ${most}.`)
  }
  const open = new Map<string, Challenge>()
  return {
    issue(challengeOptions = {}) {
      const challenge = livenessChallenge(challengeOptions)
      for (const [id, { expiresAt }] of open) {
        // A Map keeps the order in which its entries came: the first are the oldest.
        if (open.size >= most || expiresAt < challenge.issuedAt) open.delete(id)
      }
      open.set(challenge.id, challenge)
      return challenge
    },
    take(id, now = Date.now()) {
      const challenge = open.get(id)
      open.delete(id)
      return challenge && now <= challenge.expiresAt ? challenge : undefined
    },
  }
}
