import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import sharp from 'sharp'
import type { IssuedChallenge } from '../../../examples/web-auth/protocol.ts'
import type { Challenge } from '../../../src/attributes/index.ts'

/** A frame of a recording; its time begins at 0. */
export interface RecordedFrame {
  readonly bytes: Uint8Array
  readonly time: number
}

/** A server that draws of these alone is answered by one of the two recordings, whatever it draws. */
export const TURNS = { FACEWISE_WEB_ACTIONS: 'turn-left,turn-right', FACEWISE_WEB_STEPS: '2' }

/** The recording that does what a challenge of {@link TURNS} asks for. */
export function fitting({ steps }: Challenge): 'turn_yaw' | 'turn_yaw2' {
  return steps[0] === 'turn-right' ? 'turn_yaw' : 'turn_yaw2'
}

/**
 * The frames of a recording, about 12 a second, each compressed anew with a little noise of its own: no two calls give the same bytes,
 * as no two looks of a camera do.
 *
 * @param folder of the development data.
 */
export async function recording(
  folder: string,
  name: string,
  change: (image: sharp.Sharp, i: number) => sharp.Sharp = image => image,
): Promise<RecordedFrame[]> {
  const all = JSON.parse(readFileSync(join(folder, 'data', 'liveness', 'sequences.json'), 'utf8'))
  const { fps, step } = all[name] as { fps: number; step: number }
  const frames = join(folder, 'data', 'liveness', 'frames', name)
  const every = Math.max(1, Math.round(fps / 12.5 / step))
  const files = readdirSync(frames)
    .sort()
    .filter((_, i) => i % every === 0)
  const first = Number.parseInt(files[0], 10)
  return Promise.all(
    files.map(async (file, i) => ({
      bytes: await anew(change(sharp(join(frames, file)), i)),
      time: ((Number.parseInt(file, 10) - first) * 1000) / fps,
    })),
  )
}

/** A picture as a JPEG that was never there before. */
export async function anew(image: sharp.Sharp): Promise<Uint8Array> {
  const { data, info } = await image.removeAlpha().raw().toBuffer({ resolveWithObject: true })
  for (let n = 0; n < 64; n++) data[Math.floor(Math.random() * data.length)] ^= 1
  const { width, height, channels } = info
  return sharp(data, { raw: { width, height, channels } }).jpeg({ quality: 90 }).toBuffer()
}

/** Gives frames the times of a challenge, and waits until the last of them is over: a camera can be no quicker. */
export async function inTime(
  { challenge, now }: IssuedChallenge,
  frames: readonly RecordedFrame[],
): Promise<RecordedFrame[]> {
  const begin = Math.max(challenge.issuedAt, now) + 1
  const timed = frames.map(({ bytes, time }) => ({ bytes, time: begin + time }))
  await sleep(Math.max(0, timed[timed.length - 1].time + 5 - Date.now()))
  return timed
}
