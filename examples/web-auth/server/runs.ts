import { isFacewiseError } from 'facewise/image'
import type { Purpose } from '../protocol.ts'
import type { Challenges, Issue } from './challenges.ts'
import type { Faces } from './faces.ts'
import { createGate, type Gate } from './gate.ts'
import { busy, Refused } from './refusal.ts'
import { type PassedRun, type TimedFrame, watchRun } from './run.ts'
import type { Session } from './sessions.ts'
import type { UsedFrames } from './used-frames.ts'

/** How long one run may be looked at, in milliseconds, waiting included. */
const PATIENCE = 60_000
/** Frames of one run that are looked at ahead of the one that is judged. */
const AHEAD = 3
/** Bodies that are read at a time, however slowly they come: each may have 16 MB. */
const BODIES = 24

/** A run that came in. */
export interface Submission {
  readonly session: Session
  readonly purpose: Purpose
  readonly challengeId: string | undefined
  readonly frames: readonly TimedFrame[]
  /** When it had come, in milliseconds since 1970. */
  readonly at: number
  /** Fires when the client goes away. */
  readonly signal: AbortSignal
}

/** Looking at runs, a few at a time; those beyond what may wait are refused at once. */
export interface Runs {
  /** Reads a body, if there is room. @throws Refused `unavailable`. */
  reading<T>(read: () => Promise<T>): Promise<T>
  /**
   * Takes the challenge, checks that these frames can answer it, and watches them. Only then `decide` is called, still in the same turn.
   *
   * @throws Refused `challenge-gone`, `not-live` and the others of {@link watchRun}, `unavailable`, and what `decide` throws.
   */
  judge<T>(
    submission: Submission,
    decide: (run: PassedRun, issue: Issue, signal: AbortSignal) => Promise<T>,
  ): Promise<T>
  /** Other work for the same threads. */
  work<T>(task: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T>
  readonly load: Gate['load']
}

export function createRuns(parts: {
  faces: Faces
  challenges: Challenges
  usedFrames: UsedFrames
  workers: number
  waiting: number
}): Runs {
  const { faces, challenges, usedFrames, workers, waiting } = parts
  const bodies = createGate({ atOnce: BODIES, waiting: 0, expected: 1000 })
  const gate = createGate({ atOnce: workers, waiting, expected: 4000 })

  async function work<T>(task: (signal: AbortSignal) => Promise<T>, client: AbortSignal): Promise<T> {
    const signal = AbortSignal.any([client, AbortSignal.timeout(PATIENCE)])
    try {
      return await gate.run(() => task(signal), signal)
    } catch (error) {
      // Whatever it was that was given up.
      if (signal.aborted && !(error instanceof Refused)) throw busy(5)
      throw unreadable(error) ?? error
    }
  }

  return {
    get load() {
      return gate.load
    },
    reading: read => bodies.run(read),
    work,
    judge: ({ session, purpose, challengeId, frames, at, signal: client }, decide) =>
      work(async signal => {
        const issue = challengeId ? await challenges.take(challengeId, session, purpose, at) : undefined
        if (!issue) {
          throw new Refused('challenge-gone', 'This attempt is over, or was begun elsewhere. Begin again.')
        }
        const { challenge } = issue
        if (frames.length === 0) throw new Refused('no-face', 'The camera sent no pictures. Begin again.')
        // The page estimates this clock, and is behind it by the way here; what it says is from later was made up.
        const strange = frames.find(
          ({ time }, i) => time > at || time < challenge.issuedAt || time <= (frames[i - 1]?.time ?? 0),
        )
        if (strange)
          throw new Refused('not-live', 'The times of the pictures are not those of this attempt. Begin again.', {
            hint: 'times',
          })
        const fresh = distinct(frames)
        if (!(await usedFrames.note(fresh.map(({ bytes }) => bytes)))) {
          throw new Refused('not-live', 'These pictures were used before. Begin again.', { hint: 'used-frames' })
        }
        const run = await watchRun(faces, challenge, fresh, { atOnce: AHEAD, signal })
        return decide(run, issue, signal)
      }, client),
  }
}

/** What to say of a picture that its decoder does not take. */
function unreadable(error: unknown): Refused | undefined {
  if (!isFacewiseError(error)) return undefined
  if (error.code === 'IMAGE_TOO_LARGE')
    return new Refused('too-large', 'A picture has too many pixels. Send a smaller one.')
  if (error.code !== 'IMAGE_UNREADABLE') return undefined
  return new Refused('invalid', 'A picture is damaged. Take another one.')
}

/** Without pictures that are the one before to the bit: a slow camera is asked more often than it has a new one. */
function distinct(frames: readonly TimedFrame[]): TimedFrame[] {
  return frames.filter(({ bytes }, i) => i === 0 || Buffer.compare(bytes, frames[i - 1].bytes) !== 0)
}
