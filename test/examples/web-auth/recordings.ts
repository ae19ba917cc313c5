import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import sharp, { type Sharp } from 'sharp'
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
 * The frames of a recording, about 12 a second. No two calls give the same bytes, as no two looks of a camera do.
 *
 * @param folder of the development data.
 * @param change what is done to each picture; they stay as they are without.
 */
export async function recording(
  folder: string,
  name: string,
  change?: (image: Sharp) => Sharp,
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
    files.map(async file => ({
      bytes: anew(
        await (change
          ? change(sharp(join(frames, file)))
              .jpeg()
              .toBuffer()
          : readFile(join(frames, file))),
      ),
      time: ((Number.parseInt(file, 10) - first) * 1000) / fps,
    })),
  )
}

/** A JPEG with a comment of its own: the same picture in bytes that were never there before. */
export function anew(jpeg: Uint8Array): Uint8Array {
  const comment = randomBytes(16)
  const segment = [0xff, 0xfe, 0, comment.length + 2, ...comment]
  return Uint8Array.from([...jpeg.subarray(0, 2), ...segment, ...jpeg.subarray(2)])
}

/** A picture with the noise of a camera, as a JPEG. */
export async function noisy(image: Sharp): Promise<Uint8Array> {
  const { data, info } = await image.removeAlpha().raw().toBuffer({ resolveWithObject: true })
  for (let i = 0; i < data.length; i++)
    data[i] = Math.max(0, Math.min(255, data[i] + Math.round(6 * Math.random() - 3)))
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
