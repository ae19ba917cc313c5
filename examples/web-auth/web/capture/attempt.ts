/** One attempt at one challenge: it is issued, shown, watched and recorded. */
import type { ChallengeAction } from 'facewise/attributes'
import type { IssuedChallenge } from '../../protocol.ts'
import { serverClock } from '../camera/clock.ts'
import { bodyOf, startRecorder } from '../camera/recorder.ts'
import { Problem } from '../problem.ts'
import { hintOf } from './hints.ts'
import type { Stage } from './stage.ts'
import { awaitPerson, type Sight, watchCamera } from './watcher.ts'

/**
 * Waits for a person, shows a challenge, and gives its frames as a body for the server: when the page has seen all steps done, and also when
 * the time is over, for the server looks more closely.
 *
 * @throws Problem `another-movement` where the page saw that it cannot be passed any more, and as {@link awaitPerson}: nothing is sent then, for
 * pictures of a face that help nobody are better not sent.
 */
export async function attempt(
  stage: Stage,
  issue: () => Promise<IssuedChallenge>,
  signal: AbortSignal,
): Promise<FormData> {
  const show = (sight: Sight, asked: ChallengeAction | undefined): void => {
    stage.face(sight.box, sight.width, sight.height)
    stage.hint(hintOf(sight, asked))
  }
  stage.progress(0)
  stage.timeLeft()
  await awaitPerson(stage.video, sight => show(sight, undefined), signal)

  const { challenge, now } = await issue()
  const clock = serverClock(now, performance.now())
  const { steps, stepLimit } = challenge
  const ended = new AbortController()
  const running = AbortSignal.any([signal, ended.signal])
  const recorder = startRecorder(stage.video, clock, running)

  const seen = (sight: Sight): void => {
    const { state, stepFor } = sight
    const isRunning = state.status === 'running'
    if (isRunning) recorder.begin()
    show(sight, steps[Math.min(state.step, steps.length - 1)])
    // To be measured looking ahead is as much as a step.
    stage.progress((state.status === 'waiting' ? 0.5 : state.step + 1) / (steps.length + 1))
    stage.timeLeft(isRunning ? (stepLimit - stepFor) / 1000 : undefined, stepLimit / 1000)
  }
  try {
    const outcome = await watchCamera(stage.video, { challenge, clock }, seen, running)
    if (outcome !== 'passed' && outcome !== 'time-over') throw new Problem('another-movement', outcome)
    return bodyOf(challenge.id, await recorder.finish())
  } finally {
    ended.abort()
  }
}
