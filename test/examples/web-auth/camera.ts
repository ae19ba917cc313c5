/** Films for Chromium's simulated camera (`--use-file-for-fake-video-capture`): raw YUV in a `.y4m` file, played round and round. */
import { randomBytes } from 'node:crypto'
import { closeSync, openSync, readdirSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'

/** Small, as the recordings are; Chromium takes the size of the file for that of the camera. */
const WIDTH = 400
const HEIGHT = 300

/** A picture of a film: anything that sharp opens. */
export type FilmFrame = string | Buffer

/**
 * How Chromium is started with a simulated camera, and without asking whether the page may use it.
 *
 * @param film what it shows; without one Chromium's own picture, in which there is nobody.
 */
export function cameraArguments(film = ''): string[] {
  const simulated = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']
  return film ? [...simulated, `--use-file-for-fake-video-capture=${film}`] : simulated
}

/**
 * Writes a film. Every frame has a little noise of its own, as a camera's has: the server refuses pictures that it has seen before.
 */
export async function writeFilm(path: string, frames: readonly FilmFrame[]): Promise<string> {
  const film = openSync(path, 'w')
  try {
    writeSync(film, `YUV4MPEG2 W${WIDTH} H${HEIGHT} F${RATE}:1 Ip A1:1 C420jpeg\n`)
    const known = new Map<FilmFrame, Buffer>()
    for (const frame of frames) {
      if (!known.has(frame)) known.set(frame, await yuvOf(frame))
      writeSync(film, 'FRAME\n')
      writeSync(film, withNoise(known.get(frame)!))
    }
  } finally {
    closeSync(film)
  }
  return path
}

/** Up to two of 255 levels of brightness more or less, from random bytes of which each serves four pixels. */
function withNoise(yuv: Buffer): Buffer {
  const noisy = Buffer.from(yuv)
  const luma = WIDTH * HEIGHT
  const dice = randomBytes(luma / 4)
  for (let i = 0; i < luma; i++) {
    const noise = ((dice[i >> 2] >> (2 * (i & 3))) & 3) - 1.5
    noisy[i] = Math.max(0, Math.min(255, yuv[i] + noise))
  }
  return noisy
}

/** A picture as I420: all of Y, then U and V of each four pixels, in the full range of JPEG (ITU-T T.871). */
async function yuvOf(frame: FilmFrame): Promise<Buffer> {
  const rgb = await sharp(frame)
    .resize(WIDTH, HEIGHT, { fit: 'cover' })
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer()
  const luma = WIDTH * HEIGHT
  const out = Buffer.alloc((luma * 3) / 2)
  for (let i = 0; i < luma; i++) {
    out[i] = Math.round(0.299 * rgb[3 * i] + 0.587 * rgb[3 * i + 1] + 0.114 * rgb[3 * i + 2])
  }
  for (let y = 0; y < HEIGHT; y += 2) {
    for (let x = 0; x < WIDTH; x += 2) {
      const mean = [0, 1, 2].map(c => {
        const at = (dx: number, dy: number): number => rgb[3 * ((y + dy) * WIDTH + x + dx) + c]
        return (at(0, 0) + at(1, 0) + at(0, 1) + at(1, 1)) / 4
      })
      const [r, g, b] = mean
      const k = (y / 2) * (WIDTH / 2) + x / 2
      out[luma + k] = Math.min(255, Math.round(128 - 0.168736 * r - 0.331264 * g + 0.5 * b))
      out[luma + luma / 4 + k] = Math.min(255, Math.round(128 + 0.5 * r - 0.418688 * g - 0.081312 * b))
    }
  }
  return out
}

/** The frames of a recording of the development data. */
export function recordingOf(data: string, name: string): string[] {
  const folder = join(data, 'data', 'liveness', 'frames', name)
  return readdirSync(folder)
    .sort()
    .map(file => join(folder, file))
}

/** Frames a second of all films here: half of what the recordings have, so that they can be followed on a busy machine. */
export const RATE = 12

/** The settings of a server that asks for the one movement that {@link turningPerson} makes. */
export const ONE_TURN = { FACEWISE_WEB_ACTIONS: 'turn-right,come-closer', FACEWISE_WEB_STEPS: '1' }

/** Somebody who looks ahead for two seconds, turns to their right and back, and so on: the beginning of `turn_yaw`. */
export function turningPerson(data: string, times: number): string[] {
  const frames = recordingOf(data, 'turn_yaw').slice(0, 43)
  const ahead = swaying(data)
  return Array.from({ length: times }, () => [...ahead.slice(0, 2 * RATE), ...frames]).flat()
}

/** The same person, who looks ahead and no more. */
export function swaying(data: string): string[] {
  const ahead = recordingOf(data, 'turn_yaw').slice(0, 9)
  const there = [...ahead, ...ahead.slice(1, -1).reverse()]
  return Array.from({ length: 4 * RATE }, (_, i) => there[i % there.length])
}

/** Two people side by side. */
export async function twoPeople(left: string, right: string): Promise<Buffer> {
  const half = (path: string): Promise<Buffer> =>
    sharp(path)
      .resize(WIDTH / 2, HEIGHT, { fit: 'cover' })
      .toBuffer()
  return sharp({ create: { width: WIDTH, height: HEIGHT, channels: 3, background: '#808080' } })
    .composite([
      { input: await half(left), left: 0, top: 0 },
      { input: await half(right), left: WIDTH / 2, top: 0 },
    ])
    .png()
    .toBuffer()
}

/** A wall with light on it, and nobody. */
export async function emptyRoom(): Promise<Buffer> {
  const pixels = Buffer.alloc(WIDTH * HEIGHT * 3)
  for (let i = 0; i < WIDTH * HEIGHT; i++) pixels.fill(90 + Math.round(((i % WIDTH) / WIDTH) * 90), 3 * i, 3 * i + 3)
  return sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
    .png()
    .toBuffer()
}
