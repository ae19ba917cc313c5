import { FacewiseError } from '../../errors.ts'
import { distance, type Metric } from '../../metrics.ts'
import { type Challenge, type ChallengeAction, parseChallenge } from './challenge.ts'
import { isContinuous, isSame } from './continuity.ts'
import { type ChallengeFrame, type Sighting, sightingOf } from './frame.ts'
import { hasDepth, isTilted, mainGesture, type Showing, showingOf } from './gestures.ts'
import { CHALLENGE_SENTENCES, type ChallengeFailure, type ChallengeHint } from './hints.ts'
import { type ChallengeLimits, limitsOf } from './limits.ts'
import { looksAhead, type Reference, referenceOf, steadyTail } from './reference.ts'

/** How the person is held to be the same throughout a run. */
export interface ChallengeIdentity {
  /** Embeddings farther from those of the start are another person's. Take that of a low false match rate of the embedder. */
  readonly threshold: number
  /** Of the embeddings; `cosine` by default. */
  readonly metric?: Metric
  /** At least one frame in so many milliseconds must have an embedding, or nothing counts; 1,000 by default. */
  readonly every?: number
}

/** Options of {@link watchChallenge}. */
export interface WatchOptions {
  /** Required, since without it one person can begin and another end: `'unchecked'` says that this is known and wanted. */
  readonly identity: ChallengeIdentity | 'unchecked'
  /** Whether the pictures are mirrored left to right, as a selfie is shown; `false` by default. */
  readonly mirrored?: boolean
  /** Other limits than {@link CHALLENGE_LIMITS}. */
  readonly limits?: Partial<ChallengeLimits>
}

/** Where a run stands. */
export interface ChallengeState {
  /** `waiting` until the person has been measured looking ahead; `passed` and `failed` stay. */
  readonly status: 'waiting' | 'running' | 'passed' | 'failed'
  /** The index of the step that is asked for; the number of steps when all are done. */
  readonly step: number
  /** What to tell the person: a code, and a sentence in English. */
  readonly hint: { readonly code: ChallengeHint; readonly text: string }
  /** Why it failed. */
  readonly reason?: ChallengeFailure
}

/** One run of a challenge. */
export interface ChallengeWatch {
  readonly challenge: Challenge
  readonly state: ChallengeState
  /**
   * Takes the next frame. After the run has passed or failed, nothing changes any more.
   *
   * @throws FacewiseError `INVALID_ARGUMENT` for a time that is not finite and embeddings that cannot be compared.
   */
  add(frame: ChallengeFrame): ChallengeState
  /** Says that no more frames come: a run that has not passed has failed. */
  end(): ChallengeState
}

/**
 * Watches a person do what a {@link Challenge} asks for. Frames come in the order of their times, some 5 to 30 a second. The run passes
 * if the person first looks ahead, then does each step in order and in time and looks ahead again after each; if it is the same
 * person all the while; if the head moves no faster than heads do; and if turns and looks show the depth of a real head. Another action
 * than the one that is asked for ends it.
 *
 * It computes nothing of pictures: landmarks, embeddings and emotions come with each frame. Whoever makes them can make them up, so
 * that what a browser sends proves nothing; a server that must be sure takes pictures and finds all of it itself.
 *
 * What it stops and what not is measured in the guide on liveness.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` for what is no challenge, and for options that are missing or out of range.
 */
export function watchChallenge(challenge: Challenge, options: WatchOptions): ChallengeWatch {
  const checked = parseChallenge(challenge)
  const { steps } = checked
  const limits = limitsOf(options?.limits)
  const mirrored = options?.mirrored ?? false
  const identity = identityOf(options?.identity)

  let state = stateOf('waiting', 0, 'look-ahead')
  let reference: Reference | undefined
  /** Sightings before there is a reference. */
  let measured: Sighting[] = []
  let frameTime = Number.NEGATIVE_INFINITY
  /** The last sighting that counted, and milliseconds since then that went by in jumps. */
  let last: Sighting | undefined
  let jumped = 0
  let jumps = 0
  let sameSince = 0
  let step = 0
  let stepSince = 0
  /** Between the steps the person looks ahead again. */
  let returning = false
  let held: Held | undefined
  let flat: Held | undefined
  let knownAt = Number.NEGATIVE_INFINITY
  let strangers = 0

  const fail = (reason: ChallengeFailure): ChallengeState => stateOf('failed', step, reason, reason)
  const going = (hint: ChallengeHint): ChallengeState => stateOf(reference ? 'running' : 'waiting', step, hint)

  function next(frame: ChallengeFrame): ChallengeState {
    const { time } = frame
    if (!Number.isFinite(time)) throw new FacewiseError('INVALID_ARGUMENT', `A frame's time is a number; got ${time}.`)
    if (frame.challengeId !== checked.id) return fail('other-challenge')
    if (time < checked.issuedAt) return fail('too-early')
    if (time <= frameTime) return fail('time-backwards')
    if (time > checked.expiresAt) return fail('expired')
    const elapsed = time - frameTime
    frameTime = time
    if (reference && time - stepSince > checked.stepLimit) return fail('step-timeout')
    if (last && time - last.time > limits.gap) {
      if (reference) return fail(jumps > 0 ? 'jump' : 'face-lost')
      restart()
    }
    const sighting = sightingOf(frame, limits)
    if (typeof sighting === 'string') return going(sighting)
    if (last && !isContinuous(last, sighting, time - last.time - jumped, limits)) {
      // One wild frame is a mistake of the detector; a few in a row are another picture.
      jumps++
      jumped += elapsed
      if (jumps < limits.jumps) return going(state.hint.code)
      if (reference) return fail('jump')
      restart()
    }
    if (!last || !isSame(last, sighting)) sameSince = time
    else if (time - sameSince >= limits.frozen) return fail('frozen')
    last = sighting
    jumps = 0
    jumped = 0
    return reference ? follow(sighting, reference) : measure(sighting)
  }

  function restart(): void {
    measured = []
    last = undefined
    jumps = 0
    jumped = 0
  }

  /** Before the first step: the person looks ahead, for long enough to be measured. */
  function measure(sighting: Sighting): ChallengeState {
    if (!looksAhead(sighting)) {
      measured = []
      return going('look-ahead')
    }
    // Somewhat longer than needed, in case an embedding is awaited.
    const longest = Math.max(LONGEST_MEASURE, 2 * limits.reference)
    measured = steadyTail([...measured, sighting].filter(({ time }) => sighting.time - time <= longest))
    const found = referenceOf(measured, limits, identity !== undefined)
    if (typeof found === 'string') return going(found)
    reference = found
    if (identity) knownAt = measured.findLast(({ embedding }) => embedding)!.time
    stepSince = sighting.time
    return going(steps[0])
  }

  function follow(sighting: Sighting, to: Reference): ChallengeState {
    if (identity && sighting.embedding) {
      const same = distance(to.embedding!, sighting.embedding, identity.metric) <= identity.threshold
      // One may be a face that was turned or blurred.
      strangers = same ? 0 : strangers + 1
      if (strangers >= 2) return fail('other-person')
      if (same) knownAt = sighting.time
    }
    const known = !identity || (strangers === 0 && sighting.time - knownAt <= identity.every)
    const showing = showingOf(sighting, to, limits, mirrored)
    flat = isTilted(showing.relief, limits.flat) ? keep(flat, 'flat', sighting.time) : undefined
    if (isHeld(flat, limits.flatTime, FEWEST_FLAT)) return fail('flat')

    const asked = steps[step]
    const before = held?.what
    const main = mainGesture(showing, asked, before === 'rest' || before === 'flat' ? undefined : before, limits)
    if (main !== undefined && main !== asked) {
      held = keep(held, main, sighting.time)
      if (isHeld(held, limits.hold)) return fail('wrong-action')
      return going(returning ? 'look-ahead' : asked)
    }
    return returning ? lookAhead(showing, sighting, known) : act(main, asked, showing, sighting, known)
  }

  function act(
    main: ChallengeAction | undefined,
    asked: ChallengeAction,
    showing: Showing,
    { time, happy }: Sighting,
    known: boolean,
  ): ChallengeState {
    const deep = main !== undefined && hasDepth(showing, asked, held?.what === asked, limits, mirrored)
    held = deep && known ? keep(held, asked, time) : undefined
    if (isHeld(held, limits.hold)) {
      returning = true
      held = undefined
      return going('look-ahead')
    }
    if (!known) return going('no-embedding')
    if (asked === 'smile' && (happy === undefined || reference?.happy === undefined)) return going('no-emotion')
    if (main === undefined) return going(asked)
    return going(deep ? 'hold-still' : 'not-in-depth')
  }

  function lookAhead({ rests }: Showing, { time }: Sighting, known: boolean): ChallengeState {
    held = rests && known ? keep(held, 'rest', time) : undefined
    if (!isHeld(held, limits.restHold)) return going(known ? 'look-ahead' : 'no-embedding')
    step++
    stepSince = time
    returning = false
    held = undefined
    return step === steps.length ? stateOf('passed', step, 'done') : going(steps[step])
  }

  const ended = (): boolean => state.status === 'passed' || state.status === 'failed'
  return {
    challenge: checked,
    get state() {
      return state
    },
    add(frame) {
      if (!ended()) state = next(frame)
      return state
    },
    end() {
      if (!ended()) state = fail('incomplete')
      return state
    },
  }
}

/** Something that goes on: since when, and in how many frames. */
interface Held {
  readonly what: ChallengeAction | 'rest' | 'flat'
  readonly since: number
  readonly now: number
  readonly frames: number
}

const FEWEST_FLAT = 3
/** Milliseconds. */
const LONGEST_MEASURE = 2000

function keep(held: Held | undefined, what: Held['what'], time: number): Held {
  return held?.what === what
    ? { ...held, now: time, frames: held.frames + 1 }
    : { what, since: time, now: time, frames: 1 }
}

function isHeld(held: Held | undefined, milliseconds: number, frames = 2): boolean {
  return held !== undefined && held.frames >= frames && held.now - held.since >= milliseconds
}

function stateOf(
  status: ChallengeState['status'],
  step: number,
  code: ChallengeHint,
  reason?: ChallengeFailure,
): ChallengeState {
  return { status, step, hint: { code, text: CHALLENGE_SENTENCES[code] }, ...(reason && { reason }) }
}

function identityOf(identity: WatchOptions['identity'] | undefined): Required<ChallengeIdentity> | undefined {
  if (identity === 'unchecked') return undefined
  if (!identity) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      "Say by `identity` how the person is held to be the same: { threshold } of the embedder, or 'unchecked'.",
    )
  }
  const { threshold, metric = 'cosine', every = 1000 } = identity
  if (!(Number.isFinite(threshold) && threshold > 0 && every > 0)) {
    throw new FacewiseError('INVALID_ARGUMENT', 'An identity has a threshold and milliseconds `every` above 0.')
  }
  return { threshold, metric, every }
}
