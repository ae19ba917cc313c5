/**
 * Looks at the camera while a person does what a challenge asks for, so that the page can say what to do next. The server looks again,
 * at the frames themselves: what is found here decides nothing there.
 */
import {
  type Box,
  type Challenge,
  type ChallengeFailure,
  type ChallengeState,
  type ChallengeWatch,
  type QualityReasonCode,
  watchChallenge,
} from 'facewise/attributes'
import { nextPicture } from '../camera/camera.ts'
import type { ServerClock } from '../camera/clock.ts'
import { bitmapOf } from '../camera/recorder.ts'
import { faces } from '../faces.ts'

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

/** Who has not looked ahead by then is not waited for. */
const PATIENCE_MS = 12_000

/**
 * Attacks are the server's business. Here these limits would only punish a slow device, whose few frames jump; and how long a face may be
 * missing depends on how many frames there are.
 */
const LENIENT = { poseRate: 1e4, moveRate: 1e4, growthRate: 1e4, frozen: 1e6, flatTime: 1e6 }
const FEWEST_GAP_MS = 400

/** @param seen hears of every picture that was looked at. */
export async function watchCamera(
  video: HTMLVideoElement,
  challenge: Challenge,
  clock: ServerClock,
  seen: (sight: Sight) => void,
  signal: AbortSignal,
): Promise<Outcome> {
  const fw = await faces()
  const began = performance.now()
  let watch: ChallengeWatch | undefined
  let step = -1
  let stepSince = began
  for (;;) {
    await nextPicture(video, signal)
    const taken = performance.now()
    const bitmap = await bitmapOf(video)
    const { width, height } = bitmap
    const found = await fw.describe(bitmap, { attributes: ['quality'], transfer: true, signal })
    signal.throwIfAborted()
    watch ??= watchChallenge(challenge, {
      identity: 'unchecked',
      limits: { ...LENIENT, gap: Math.max(FEWEST_GAP_MS, 4 * (performance.now() - taken)) },
    })
    const state = watch.add({ challengeId: challenge.id, time: clock(taken), width, height, faces: found })
    if (state.step !== step && state.status === 'running') {
      step = state.step
      stepSince = taken
    }
    const [largest] = [...found].sort((a, b) => b.box.width - a.box.width)
    const flaws = largest?.quality?.reasons.map(({ code }) => code) ?? []
    seen({ width, height, box: largest?.box, state, flaws, stepFor: taken - stepSince })
    if (state.status === 'passed') return 'passed'
    if (state.reason === 'step-timeout' || state.reason === 'expired') return 'time-over'
    if (state.reason) return state.reason
    if (state.status === 'waiting' && taken - began > PATIENCE_MS) return 'time-over'
  }
}
