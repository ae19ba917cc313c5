import { FacewiseError } from '../../errors.ts'

/**
 * What a person is asked to do. Left and right are the person's own. Turns and looks show depth, which no flat picture has;
 * `come-closer` and `smile` do not.
 */
export type ChallengeAction = 'turn-left' | 'turn-right' | 'look-up' | 'look-down' | 'come-closer' | 'smile'

/** All actions. */
export const CHALLENGE_ACTIONS: readonly ChallengeAction[] = [
  'turn-left',
  'turn-right',
  'look-up',
  'look-down',
  'come-closer',
  'smile',
]

/** A sequence of actions that was drawn for one run. Plain data: a server can issue it, send it as JSON and check the run by it. */
export interface Challenge {
  /** 128 random bits in hexadecimal. Frames name it, so that those of another run do not count. */
  readonly id: string
  /** In the order in which they must be done. */
  readonly steps: readonly ChallengeAction[]
  /** Milliseconds since 1970. Frames from before do not count. */
  readonly issuedAt: number
  /** Milliseconds since 1970. The run must have ended by then. */
  readonly expiresAt: number
  /** Milliseconds for each step. */
  readonly stepLimit: number
}

/** Options of {@link livenessChallenge}. */
export interface ChallengeOptions {
  /** How many actions, 1 to 6; 3 by default. */
  readonly steps?: number
  /**
   * Which actions may be drawn: all but `smile` by default, since that needs the scores of an emotion classifier with each frame. At least
   * two, among them a turn or look.
   */
  readonly actions?: readonly ChallengeAction[]
  /** Milliseconds for each step; 8,000 by default. */
  readonly stepLimit?: number
  /** Milliseconds for the whole run, from now; 60,000 by default. */
  readonly timeLimit?: number
  /** The time, in milliseconds since 1970; `Date.now()` by default. */
  readonly now?: number
}

const MOST_STEPS = 6
const DRAWN_BY_DEFAULT = CHALLENGE_ACTIONS.filter(action => action !== 'smile')

/**
 * Draws a challenge: random actions, no two alike in a row, at least half of them turns or looks. Each such sequence is as likely as
 * another; {@link countChallenges} says how many there are. The numbers come from `crypto.getRandomValues`.
 *
 * Whoever checks the run must have drawn the challenge, keep it, and accept each once: see {@link challengeLedger}.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` for options out of range or from which no sequence can be drawn.
 */
export function livenessChallenge(options: ChallengeOptions = {}): Challenge {
  const { stepLimit = 8000, timeLimit = 60_000, now = Date.now() } = options
  if (!(stepLimit > 0 && timeLimit > 0 && Number.isFinite(now + stepLimit + timeLimit))) {
    throw new FacewiseError('INVALID_ARGUMENT', 'Time limits are milliseconds above 0, and `now` is a finite time.')
  }
  const possible = sequences(options)
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(16))
  return {
    id: Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(''),
    steps: possible[randomBelow(possible.length)],
    issuedAt: now,
    expiresAt: now + timeLimit,
    stepLimit,
  }
}

/**
 * How many sequences {@link livenessChallenge} draws from with these options: one in so many fits a recording of an earlier run.
 * 76 by default.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` as {@link livenessChallenge}.
 */
export function countChallenges(options: Pick<ChallengeOptions, 'steps' | 'actions'> = {}): number {
  return sequences(options).length
}

/**
 * A challenge from what JSON gave, checked.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` that names what is wrong.
 */
export function parseChallenge(value: unknown): Challenge {
  const refuse = (what: string): never => {
    throw new FacewiseError('INVALID_ARGUMENT', `This is no challenge: ${what}. Take it from livenessChallenge().`)
  }
  if (typeof value !== 'object' || value === null) return refuse('it is no object')
  const { id, steps, issuedAt, expiresAt, stepLimit } = value as Record<string, unknown>
  if (typeof id !== 'string' || id === '') return refuse('it has no id')
  if (!Array.isArray(steps) || steps.length === 0 || steps.length > MOST_STEPS) {
    return refuse(`it has no list of 1 to ${MOST_STEPS} steps`)
  }
  const unknown = steps.find(step => !CHALLENGE_ACTIONS.includes(step))
  if (unknown !== undefined) return refuse(`it has an unknown step, ${JSON.stringify(unknown)}`)
  if (!isFiniteNumber(issuedAt) || !isFiniteNumber(expiresAt) || !(expiresAt > issuedAt)) {
    return refuse('it does not end after it began')
  }
  if (!isFiniteNumber(stepLimit) || stepLimit <= 0) return refuse('it has no limit for a step')
  return { id, steps: steps as ChallengeAction[], issuedAt, expiresAt, stepLimit }
}

/** Whether an action shows depth. */
export function isPoseAction(action: ChallengeAction): boolean {
  return action !== 'come-closer' && action !== 'smile'
}

function sequences({
  steps = 3,
  actions = DRAWN_BY_DEFAULT,
}: Pick<ChallengeOptions, 'steps' | 'actions'>): ChallengeAction[][] {
  const distinct = [...new Set(actions)]
  const unknown = distinct.find(action => !CHALLENGE_ACTIONS.includes(action))
  if (unknown !== undefined) {
    throw new FacewiseError('INVALID_ARGUMENT', `There is no action '${unknown}': use ${CHALLENGE_ACTIONS.join(', ')}.`)
  }
  if (!(Number.isInteger(steps) && steps >= 1 && steps <= MOST_STEPS)) {
    throw new FacewiseError('INVALID_ARGUMENT', `A challenge has 1 to ${MOST_STEPS} steps; got ${steps}.`)
  }
  let all: ChallengeAction[][] = [[]]
  for (let n = 0; n < steps; n++) {
    all = all.flatMap(begun => distinct.filter(action => action !== begun.at(-1)).map(action => [...begun, action]))
  }
  const valid = all.filter(sequence => sequence.filter(isPoseAction).length * 2 >= steps)
  if (distinct.length < 2 || valid.length === 0) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      'A challenge is drawn from two actions or more, of which enough are turns or looks: half of its steps must be.',
    )
  }
  return valid
}

/** A whole number from 0 to before `n`, each as likely: numbers from the incomplete last round are drawn again. */
function randomBelow(n: number): number {
  const fair = Math.floor(2 ** 32 / n) * n
  for (;;) {
    const [value] = globalThis.crypto.getRandomValues(new Uint32Array(1))
    if (value < fair) return value % n
  }
}

function isFiniteNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}
