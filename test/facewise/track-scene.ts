import sharp from 'sharp'
import type { Detector, Face } from '../../src/detect/index.ts'
import { decode, type Picture, resizeArea } from '../../src/image/index.ts'
import { samplePhoto } from '../data.ts'

/** A person cut out of a photo, to be put into a scene: the head in an ellipse whose edge fades out. */
export interface Cutout {
  readonly picture: Picture
  /** How opaque each pixel is, 0 to 1. */
  readonly alpha: Float32Array
  /** Of the face in the cutout: its height, and its middle. */
  readonly face: number
  readonly middle: readonly [x: number, y: number]
}

/** Where a person is in a frame: the middle of the face, its height in pixels, and how strongly it is lit (1 as in the photo). */
export interface Place {
  readonly x: number
  readonly y: number
  readonly size: number
  readonly light?: number
}

/** A person of a scene, and where they are in each frame; nowhere while they are out of it. */
export interface Actor {
  readonly cutout: Cutout
  at(frame: number): Place | undefined
}

export interface Scene {
  readonly background: Picture
  /** Those behind first. */
  readonly actors: readonly Actor[]
}

/** A place without people, 640 x 480: real clutter, out of focus. */
export async function emptyPlace(): Promise<Picture> {
  const clutter = sharp(samplePhoto(2)).extract({ left: 0, top: 600, width: 1000, height: 750 })
  return decode(await clutter.resize(640, 480).blur(14).png().toBuffer())
}

/** The three women of one sample photo, and a man and two women of another, from left to right. */
export async function samplePeople(detector: Detector): Promise<Cutout[]> {
  const people: Cutout[] = []
  for (const number of [1, 3] as const) {
    const whole = await decode(samplePhoto(number))
    const photo = resizeArea(whole, 960, Math.round((whole.height * 960) / whole.width))
    const faces = (await detector.detect(photo)).sort((a, b) => a.box.x - b.box.x)
    people.push(...faces.map(face => cutOut(photo, face)))
  }
  return people
}

/** Frames of a scene, one after another. */
export function* framesOf(scene: Scene, count: number): Generator<Picture> {
  for (let frame = 0; frame < count; frame++) yield drawFrame(scene, frame)
}

/** Cuts out the head around a face that was found. */
export function cutOut(photo: Picture, { box }: Face): Cutout {
  const middleX = box.x + box.width / 2
  const middleY = box.y + box.height / 2
  const [rx, ry] = [box.width * 0.85, box.height * 0.85]
  const x0 = Math.max(0, Math.floor(middleX - rx))
  const y0 = Math.max(0, Math.floor(middleY - ry))
  const width = Math.min(photo.width, Math.ceil(middleX + rx)) - x0
  const height = Math.min(photo.height, Math.ceil(middleY + ry)) - y0
  const data = new Uint8Array(width * height * 3)
  const alpha = new Float32Array(width * height)
  for (let y = 0; y < height; y++) {
    const from = ((y0 + y) * photo.width + x0) * 3
    data.set(photo.data.subarray(from, from + width * 3), y * width * 3)
    for (let x = 0; x < width; x++) {
      const far = Math.hypot((x0 + x - middleX) / rx, (y0 + y - middleY) / ry)
      alpha[y * width + x] = Math.min(1, Math.max(0, (1 - far) / 0.12))
    }
  }
  return { picture: { data, width, height }, alpha, face: box.height, middle: [middleX - x0, middleY - y0] }
}

/** Draws one frame of a scene. Positions need not be whole pixels: motion is as smooth as a camera's. */
export function drawFrame({ background, actors }: Scene, frame: number): Picture {
  const { width, height } = background
  const data = Uint8Array.from(background.data)
  for (const { cutout, at } of actors) {
    const place = at(frame)
    if (place) paste({ data, width, height }, cutout, place)
  }
  return { data, width, height }
}

function paste(into: Picture & { data: Uint8Array }, cutout: Cutout, { x, y, size, light = 1 }: Place): void {
  const scale = size / cutout.face
  const { width, height, data } = cutout.picture
  const left = x - cutout.middle[0] * scale
  const top = y - cutout.middle[1] * scale
  const x1 = Math.max(0, Math.ceil(left))
  const x2 = Math.min(into.width - 1, Math.floor(left + (width - 1) * scale))
  const y1 = Math.max(0, Math.ceil(top))
  const y2 = Math.min(into.height - 1, Math.floor(top + (height - 1) * scale))
  for (let v = y1; v <= y2; v++) {
    const sy = (v - top) / scale
    const row = Math.min(height - 2, Math.floor(sy))
    const fy = sy - row
    for (let u = x1; u <= x2; u++) {
      const sx = (u - left) / scale
      const column = Math.min(width - 2, Math.floor(sx))
      const fx = sx - column
      const at = row * width + column
      const mix = (values: ArrayLike<number>, step: number, k: number): number => {
        const i = at * step + k
        const over = values[i] * (1 - fx) + values[i + step] * fx
        const under = values[i + width * step] * (1 - fx) + values[i + (width + 1) * step] * fx
        return over * (1 - fy) + under * fy
      }
      const opaque = mix(cutout.alpha, 1, 0)
      if (opaque <= 0) continue
      const to = (v * into.width + u) * 3
      for (let k = 0; k < 3; k++) {
        const colour = Math.min(255, mix(data, 3, k) * light)
        into.data[to + k] = Math.round(into.data[to + k] * (1 - opaque) + colour * opaque)
      }
    }
  }
}
