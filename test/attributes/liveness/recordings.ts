import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Challenge, ChallengeAction } from '../../../src/attributes/liveness/challenge.ts'
import type { ChallengeFrame } from '../../../src/attributes/liveness/frame.ts'
import { type ChallengeState, type WatchOptions, watchChallenge } from '../../../src/attributes/liveness/watch.ts'
import type { Detector } from '../../../src/detect/index.ts'
import type { Embedder } from '../../../src/embed/index.ts'
import { decode, type Picture } from '../../../src/image/index.ts'

/** A frame of a run without the challenge, whose times begin at 0. */
export type Recorded = Omit<ChallengeFrame, 'challengeId'>

export const RECORDINGS = [
  'turn_yaw',
  'turn_yaw2',
  'pitch_down_up',
  'near_far',
  'steady',
  'talk_open_mouth',
  'blink',
] as const
export type Recording = (typeof RECORDINGS)[number]

/** The pictures of a recording with their times, as the annotation says how fast it was taken. */
export async function picturesOf(folder: string, name: Recording): Promise<{ picture: Picture; time: number }[]> {
  const recordings = JSON.parse(readFileSync(join(folder, 'data', 'liveness', 'sequences.json'), 'utf8'))
  const { fps } = recordings[name] as { fps: number }
  const frames = join(folder, 'data', 'liveness', 'frames', name)
  const files = readdirSync(frames).sort()
  const first = Number.parseInt(files[0], 10)
  return Promise.all(
    files.map(async file => ({
      picture: await decode(join(frames, file)),
      time: ((Number.parseInt(file, 10) - first) * 1000) / fps,
    })),
  )
}

/** Finds faces in each picture, and embeds the best one in each third. */
export async function record(
  pictures: readonly { picture: Picture; time: number }[],
  detector: Detector,
  embedder: Embedder,
): Promise<Recorded[]> {
  const recorded: Recorded[] = []
  for (const [i, { picture, time }] of pictures.entries()) {
    const faces = await detector.detect(picture)
    const { width, height } = picture
    const frame = { time, width, height, faces }
    const largest = [...faces].sort((a, b) => b.box.width - a.box.width)[0]
    const embedding = largest && i % 3 === 0 ? (await embedder.embed(picture, [largest]))[0].vector : undefined
    recorded.push({ ...frame, ...(embedding && { embedding }) })
  }
  return recorded
}

/** What a challenge of these steps says of a run that begins a second after it was issued. */
export function judge(
  recorded: readonly Recorded[],
  steps: readonly ChallengeAction[],
  options: WatchOptions,
  change: Partial<Challenge> = {},
): ChallengeState {
  const issuedAt = 1_700_000_000_000
  const challenge = { id: 'a1', steps, issuedAt, expiresAt: issuedAt + 60_000, stepLimit: 8000, ...change }
  const watch = watchChallenge(challenge, options)
  for (const frame of recorded) watch.add({ ...frame, time: issuedAt + 1000 + frame.time, challengeId: 'a1' })
  return watch.end()
}

/** In reversed order, at the same distances of time. */
export function reversed(recorded: readonly Recorded[]): Recorded[] {
  const end = recorded.at(-1)!.time
  return [...recorded].reverse().map(frame => ({ ...frame, time: end - frame.time }))
}
