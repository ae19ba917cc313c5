/**
 * Looks at the camera while a person does what a challenge asks for, so that the page can say what to do next. The server looks again,
 * at the frames themselves: what is found here decides nothing there.
 */

import type { DescribedFace } from 'facewise'
import {
  type Box,
  type Challenge,
  type ChallengeFailure,
  type ChallengeState,
  livenessChallenge,
  type QualityReasonCode,
  watchChallenge,
} from 'facewise/attributes'
import { nextPicture } from '../camera/camera.ts'
import type { ServerClock } from '../camera/clock.ts'
import { bitmapOf } from '../camera/recorder.ts'
import { faces } from '../faces.ts'
import { Problem } from '../problem.ts'

/** What was seen in one picture. */
export interface Sight {
  readonly width: number
  readonly height: number
  /** The largest face. */
  readonly box?: Box
  readonly state: ChallengeState
  /** What is wrong with the picture of that face, the worst first. */
  readonly flaws: readonly QualityReasonCode[]
  /** Milliseconds since the step was asked for. */
  readonly stepFor: number
}

/** How it ended: with all steps done, with the time over, or because it cannot be passed any more. */
export type Outcome = 'passed' | 'time-over' | Exclude<ChallengeFailure, 'step-timeout' | 'expired'>

/** Who has not come before the camera, or not looked ahead, by then is not waited for. */
const PATIENCE_MS = 10_000

/**
 * Attacks are the server's business. Here these limits would only punish a slow device, whose few frames jump and leave gaps; when a face is
 * lost is told from pictures without one.
 */
const LENIENT = { poseRate: 1e4, moveRate: 1e4, growthRate: 1e4, frozen: 1e6, flatTime: 1e6, gap: 1e6 }
/** So many pictures in a row without a face, and so long, and it is lost. */
const LOST = { looks: 3, milliseconds: 600 }

/**
 * Waits until one person looks into the camera. No challenge is asked for before: each is a try, which nobody should lose to an empty room.
 *
 * @throws Problem `no-face`, `several-faces`, `poor-picture` when it has waited for long enough.
 */
export async function awaitPerson(
  video: HTMLVideoElement,
  seen: (sight: Sight) => void,
  signal: AbortSignal,
): Promise<void> {
  // Only its beginning is of use, until the person was measured looking ahead; its steps are not shown.
  const nothing = livenessChallenge({ timeLimit: 10 * PATIENCE_MS })
  const watch = watchChallenge(nothing, { identity: 'unchecked', limits: LENIENT })
  const began = performance.now()
  for (;;) {
    const { taken, ...look } = await lookAt(video, signal)
    const time = nothing.issuedAt + taken - began
    const state = watch.add({ challengeId: nothing.id, time, ...look })
    if (state.status !== 'waiting') return
    const sight = sightOf(look, state, 0)
    seen(sight)
    if (taken - began < PATIENCE_MS) continue
    if (state.hint.code === 'several-faces') throw new Problem('several-faces')
    throw new Problem(sight.box ? 'poor-picture' : 'no-face')
  }
}

/**
 * Follows a person through a challenge.
 *
 * @param seen hears of every picture that was looked at.
 */
export async function watchCamera(
  video: HTMLVideoElement,
  { challenge, clock }: { challenge: Challenge; clock: ServerClock },
  seen: (sight: Sight) => void,
  signal: AbortSignal,
): Promise<Outcome> {
  const watch = watchChallenge(challenge, { identity: 'unchecked', limits: LENIENT })
  const began = performance.now()
  let facedAt = began
  let faceless = 0
  let step = -1
  let stepSince = began
  for (;;) {
    const { taken, ...look } = await lookAt(video, signal)
    const state = watch.add({ challengeId: challenge.id, time: clock(taken), ...look })
    if (state.step !== step && state.status === 'running') {
      step = state.step
      stepSince = taken
    }
    seen(sightOf(look, state, taken - stepSince))
    faceless = look.faces.length > 0 ? 0 : faceless + 1
    if (faceless === 0) facedAt = taken
    const isLost = faceless >= LOST.looks && taken - facedAt >= LOST.milliseconds
    if (isLost && state.status === 'running') return 'face-lost'
    if (state.status === 'passed') return 'passed'
    if (state.reason === 'step-timeout' || state.reason === 'expired') return 'time-over'
    if (state.reason) return state.reason
    if (state.status === 'waiting' && taken - began > PATIENCE_MS) return 'time-over'
  }
}

interface Look {
  readonly width: number
  readonly height: number
  readonly faces: readonly DescribedFace[]
}

/** The faces of the next picture, and when it was taken. */
async function lookAt(video: HTMLVideoElement, signal: AbortSignal): Promise<Look & { taken: number }> {
  const fw = await faces()
  await nextPicture(video, signal)
  const taken = performance.now()
  const bitmap = await bitmapOf(video)
  const { width, height } = bitmap
  const found = await fw.describe(bitmap, { attributes: ['quality'], transfer: true, signal })
  signal.throwIfAborted()
  return { width, height, faces: found, taken }
}

function sightOf({ width, height, faces: found }: Look, state: ChallengeState, stepFor: number): Sight {
  const [largest] = [...found].sort((a, b) => b.box.width - a.box.width)
  const flaws = largest?.quality?.reasons.map(({ code }) => code) ?? []
  return { width, height, box: largest?.box, state, flaws, stepFor }
}
