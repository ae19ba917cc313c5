import type { Database } from './database/database.ts'
import { locked } from './refusal.ts'

/** How often something may be tried. Times in milliseconds. */
export interface Rule {
  readonly name: string
  /** Tries in any span of `window`. */
  readonly most: number
  readonly window: number
  /**
   * What happens to one try more: nothing goes for `first`; then one try, and after it twice as long, up to `longest`. Without it, tries
   * go on as the oldest leave the window.
   */
  readonly lock?: { readonly first: number; readonly longest: number }
}

/** What is kept of the tries under one key. */
export interface LimitState {
  readonly times: readonly number[]
  /** How many locks there were, one after another. */
  readonly strikes: number
  readonly lockedUntil: number
}

const NOTHING: LimitState = { times: [], strikes: 0, lockedUntil: 0 }

const DAY = 24 * 60 * 60_000

/** Locks that ended so long ago do not count any more, in milliseconds: not so soon that waiting for it would gain tries. */
function forgetAfter({ lock }: Rule): number {
  return Math.max(DAY, 7 * (lock?.longest ?? 0))
}

/** Whether a try goes, and what is kept then. `wait` in milliseconds, 0 where it goes. */
export function decide(
  state: LimitState,
  rule: Rule,
  now: number,
): { readonly state: LimitState; readonly wait: number } {
  if (state.lockedUntil > now) return { state, wait: state.lockedUntil - now }
  const strikes = now - state.lockedUntil > forgetAfter(rule) ? 0 : state.strikes
  const times = state.times.filter(time => time > now - rule.window)
  const most = strikes > 0 ? 1 : rule.most
  if (times.length < most)
    return { state: { times: [...times, now], strikes, lockedUntil: state.lockedUntil }, wait: 0 }
  if (!rule.lock) return { state: { times, strikes, lockedUntil: 0 }, wait: times[0] + rule.window - now }
  const wait = Math.min(rule.lock.first * 2 ** strikes, rule.lock.longest)
  return { state: { times: [], strikes: strikes + 1, lockedUntil: now + wait }, wait }
}

/** Limits in the database, for all servers together. */
export interface Limits {
  /**
   * Takes one try of each, before what it is for is begun: of 200 requests at once no more than the rule allows get further.
   *
   * @throws Refused `locked` if one of them has none left.
   */
  reserve(...of: readonly (readonly [Rule, key: string])[]): Promise<void>
  /** Forgets the tries, after one that was right. */
  clear(rule: Rule, key: string): Promise<void>
}

export function createLimits(database: Database, now: () => number = Date.now): Limits {
  /** Those of this process wait for each other, so that they need not try again. */
  const turns = new Map<string, Promise<unknown>>()

  async function take(rule: Rule, name: string): Promise<number> {
    for (;;) {
      const [row] = await database.rows<{ version: number; state: string }>(
        'SELECT version, state FROM limits WHERE key = ?',
        name,
      )
      const at = now()
      const { state, wait } = decide(row ? (JSON.parse(row.state) as LimitState) : NOTHING, rule, at)
      const expires = Math.max(state.lockedUntil + forgetAfter(rule) * Math.sign(state.strikes), at + rule.window)
      const text = JSON.stringify(state)
      // Only if no other server was quicker; then it is decided anew.
      const written = row
        ? await database.run(
            'UPDATE limits SET state = ?, version = version + 1, expires_at = ? WHERE key = ? AND version = ?',
            ...[text, expires, name, row.version],
          )
        : await database.run(
            'INSERT INTO limits (key, version, state, expires_at) VALUES (?, 0, ?, ?) ON CONFLICT (key) DO NOTHING',
            ...[name, text, expires],
          )
      if (written > 0) return wait
    }
  }

  function inTurn(rule: Rule, key: string): Promise<number> {
    const name = `${rule.name} ${key}`
    const turn = (turns.get(name) ?? Promise.resolve()).then(() => take(rule, name))
    const settled = turn.catch(() => {})
    turns.set(name, settled)
    void settled.then(() => {
      if (turns.get(name) === settled) turns.delete(name)
    })
    return turn
  }

  return {
    async reserve(...of) {
      for (const [rule, key] of of) {
        const wait = await inTurn(rule, key)
        if (wait > 0) throw locked(Math.ceil(wait / 1000))
      }
    },
    async clear(rule, key) {
      await database.run('DELETE FROM limits WHERE key = ?', `${rule.name} ${key}`)
    },
  }
}

const MINUTE = 60_000
/** NIST SP 800-63B, 5.2.2 wants fewer than 100 wrong passwords in a row: after the first ten it is one in 15 minutes. */
const GROWING = { first: 30_000, longest: 15 * MINUTE }

/**
 * All limits of the app. Those of an account are counted twice: for browsers that were logged in to it before, each for itself, and for
 * all others together. So whoever locks an account by guessing locks out strangers, and not its owner.
 */
export const RULES = {
  passwordOfAccount: { name: 'password', most: 10, window: 15 * MINUTE, lock: GROWING },
  passwordOfDevice: { name: 'password-device', most: 10, window: 15 * MINUTE, lock: GROWING },
  /** Of somebody who is logged in, and asked for it again. */
  passwordAgain: { name: 'password-again', most: 5, window: 15 * MINUTE, lock: GROWING },
  recoveryCode: { name: 'recovery', most: 5, window: 15 * MINUTE, lock: GROWING },
  passwordFrom: { name: 'password-from', most: 60, window: 15 * MINUTE },
  /** Counted when a challenge is issued, so that nobody draws until one fits a recording. SP 800-63B, 5.2.3: five tries. */
  faceOfAccount: { name: 'face', most: 5, window: 15 * MINUTE, lock: GROWING },
  faceOfDevice: { name: 'face-device', most: 10, window: 15 * MINUTE, lock: GROWING },
  /** Without a password before it, from a browser that was never logged in: the password stays as the other way. */
  faceAlone: { name: 'face-alone', most: 3, window: 15 * MINUTE, lock: { first: MINUTE, longest: DAY } },
  captureFrom: { name: 'capture-from', most: 60, window: 15 * MINUTE },
  challengeFrom: { name: 'challenge-from', most: 120, window: 15 * MINUTE },
  signUpFrom: { name: 'sign-up-from', most: 20, window: 60 * MINUTE },
  sessionFrom: { name: 'session-from', most: 600, window: 15 * MINUTE },
  enrolment: { name: 'enrolment', most: 20, window: 60 * MINUTE },
  who: { name: 'who', most: 30, window: 60 * MINUTE },
} as const satisfies Record<string, Rule>
