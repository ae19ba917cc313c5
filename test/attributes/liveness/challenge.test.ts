import { describe, expect, it } from 'vitest'
import {
  CHALLENGE_ACTIONS,
  type ChallengeOptions,
  countChallenges,
  isPoseAction,
  livenessChallenge,
  parseChallenge,
} from '../../../src/attributes/liveness/challenge.ts'
import { challengeLedger } from '../../../src/attributes/liveness/ledger.ts'
import { watchChallenge } from '../../../src/attributes/liveness/watch.ts'

const refused = expect.objectContaining({ name: 'FacewiseError', code: 'INVALID_ARGUMENT' })

describe('a challenge', () => {
  it('has random steps, none twice in a row, and half of them turns or looks', () => {
    const options = { steps: 4, actions: CHALLENGE_ACTIONS }
    for (let n = 0; n < 500; n++) {
      const { steps } = livenessChallenge(options)
      expect(steps).toHaveLength(4)
      expect(steps.some((step, i) => step === steps[i + 1])).toBe(false)
      expect(steps.filter(isPoseAction).length).toBeGreaterThanOrEqual(2)
    }
  })

  it('is any of the possible ones with the same chance', () => {
    const seen = new Map<string, number>()
    const draws = 76 * 200
    for (let n = 0; n < draws; n++) {
      const key = livenessChallenge().steps.join()
      seen.set(key, (seen.get(key) ?? 0) + 1)
    }
    expect(countChallenges()).toBe(76)
    expect(seen.size).toBe(76)
    // Chi-squared with 75 degrees of freedom: over 140 once in a hundred thousand runs.
    const statistic = [...seen.values()].reduce((sum, count) => sum + (count - 200) ** 2 / 200, 0)
    expect(statistic).toBeLessThan(140)
  })

  it('counts the sequences it draws from', () => {
    expect(countChallenges({ steps: 1, actions: CHALLENGE_ACTIONS })).toBe(4)
    expect(countChallenges({ steps: 2, actions: ['turn-left', 'turn-right'] })).toBe(2)
    // 6 * 5 * 5 not twice in a row; less those with two that are no turn or look side by side (2 * 2 * 4), about one (2 * 2 * 4), or three.
    expect(countChallenges({ steps: 3, actions: CHALLENGE_ACTIONS })).toBe(150 - 16 - 16 - 2)
  })

  it('has a fresh id and the times it was given, and survives JSON', () => {
    const now = 1_700_000_000_000
    const challenge = livenessChallenge({ now, timeLimit: 20_000, stepLimit: 5000 })
    expect(challenge).toMatchObject({ issuedAt: now, expiresAt: now + 20_000, stepLimit: 5000 })
    expect(challenge.id).toMatch(/^[0-9a-f]{32}$/)
    const ids = new Set(Array.from({ length: 1000 }, () => livenessChallenge().id))
    expect(ids.size).toBe(1000)
    expect(parseChallenge(JSON.parse(JSON.stringify(challenge)))).toEqual(challenge)
  })

  it('refuses options that make no sense', () => {
    const attempt = (options: unknown) => () => livenessChallenge(options as ChallengeOptions)
    for (const options of [
      { steps: 0 },
      { steps: 7 },
      { steps: 1.5 },
      { actions: [] },
      { actions: ['turn-left'] },
      { actions: ['smile', 'come-closer'] },
      { actions: ['turn-left', 'wink'] },
      { stepLimit: 0 },
      { timeLimit: -1 },
      { timeLimit: Number.NaN },
      { now: Number.POSITIVE_INFINITY },
    ]) {
      expect(attempt(options), JSON.stringify(options)).toThrow(refused)
    }
  })

  it('is checked where it comes from outside', () => {
    const good = livenessChallenge()
    for (const [change, message] of [
      [{ id: '' }, /id/],
      [{ id: 7 }, /id/],
      [{ steps: [] }, /steps/],
      [{ steps: 'turn-left' }, /steps/],
      [{ steps: ['turn-left', 'wink'] }, /wink/],
      [{ expiresAt: good.issuedAt }, /end/],
      [{ issuedAt: '0' }, /end/],
      [{ stepLimit: 0 }, /step/],
    ] as const) {
      expect(() => parseChallenge({ ...good, ...change })).toThrow(message)
      expect(() => watchChallenge({ ...good, ...change } as never, { identity: 'unchecked' })).toThrow(refused)
    }
    for (const value of [undefined, null, 'x', 7, []]) expect(() => parseChallenge(value)).toThrow(refused)
  })
})

describe('a ledger', () => {
  it('hands each challenge back once', () => {
    const ledger = challengeLedger()
    const one = ledger.issue()
    const two = ledger.issue({ steps: 2 })
    expect(ledger.take(one.id)).toEqual(one)
    expect(ledger.take(one.id)).toBeUndefined()
    expect(ledger.take(two.id)).toEqual(two)
    expect(ledger.take('unknown')).toBeUndefined()
    expect(ledger.take(livenessChallenge().id)).toBeUndefined()
  })

  it('does not hand back what has expired, not even later', () => {
    const ledger = challengeLedger()
    const { id, expiresAt } = ledger.issue({ now: 1000, timeLimit: 500 })
    expect(ledger.take(id, expiresAt + 1)).toBeUndefined()
    expect(ledger.take(id, expiresAt)).toBeUndefined()
    const other = ledger.issue({ now: 1000, timeLimit: 500 })
    expect(ledger.take(other.id, other.expiresAt)).toEqual(other)
  })

  it('forgets the oldest where there are too many', () => {
    const ledger = challengeLedger({ most: 3 })
    const issued = [1, 2, 3, 4].map(now => ledger.issue({ now: now * 1000 }))
    expect(issued.map(({ id }) => ledger.take(id, 5000) !== undefined)).toEqual([false, true, true, true])
    for (const most of [0, 1.5, Number.NaN]) expect(() => challengeLedger({ most })).toThrow(refused)
  })
})
