import type { Face } from '../../src/detect/index.ts'
import { type Picture, type Point, resizeArea } from '../../src/image/index.ts'

/** A picture in which a face is harder to recognise, and where that face is in it. */
export interface Hardened {
  readonly picture: Picture
  readonly face: Face
}

/** What a measurement does to faces: nothing, a mask drawn over nose, mouth and chin, or a picture in which they are 24 pixels wide. */
export const CONDITIONS = ['plain', 'mask', 'small'] as const
/** One of {@link CONDITIONS}. */
export type Condition = (typeof CONDITIONS)[number]

/** The width of a face under the condition `small`, in pixels. */
export const SMALL_SIDE = 24

/** Colours of masks: surgical blue, white, black, green, pink, grey. */
const COLOURS = [
  [140, 185, 215],
  [235, 235, 238],
  [28, 28, 32],
  [120, 175, 150],
  [225, 170, 180],
  [120, 122, 128],
] as const

/** Brings a picture under a condition. `key` chooses the colour of the mask, the same in every run. */
export function harden(condition: Condition, picture: Picture, face: Face, key: string): Hardened {
  if (condition === 'plain') return { picture, face }
  return condition === 'mask' ? drawMask(picture, face, key) : shrink(picture, face)
}

/**
 * Draws a mask by the landmarks: from the bridge of the nose over the cheeks to below the chin, in one colour with a little shade towards
 * its edges. Measures are in the distance between the eyes, along the line of the eyes and across it.
 */
function drawMask(picture: Picture, face: Face, key: string): Hardened {
  if (!face.landmarks) throw new Error('A mask needs landmarks.')
  const [left, right, nose] = face.landmarks
  const distance = Math.hypot(right[0] - left[0], right[1] - left[1])
  const cosine = (right[0] - left[0]) / distance
  const sine = (right[1] - left[1]) / distance
  const measure = ([x, y]: Point): [number, number] => {
    const dx = (x - (left[0] + right[0]) / 2) / distance
    const dy = (y - (left[1] + right[1]) / 2) / distance
    return [dx * cosine + dy * sine, dy * cosine - dx * sine]
  }
  const [turn, tip] = measure(nose)
  // A head that is turned away shows less of one cheek, and its nose off the middle.
  const outline: [number, number][] = [
    [turn * 0.6, tip - 0.3],
    [0.55 + turn * 0.5, tip - 0.12],
    [1.05 + turn * 0.3, 0.45],
    [0.85 + turn * 0.5, 1.45],
    [0.4 + turn * 0.8, 1.95],
    [-0.4 + turn * 0.8, 1.95],
    [-0.85 + turn * 0.5, 1.45],
    [-1.05 + turn * 0.3, 0.45],
    [-0.55 + turn * 0.5, tip - 0.12],
  ]
  const colour = COLOURS[hash(key) % COLOURS.length]
  const data = Uint8Array.from(picture.data)
  for (let y = 0; y < picture.height; y++) {
    for (let x = 0; x < picture.width; x++) {
      const [u, v] = measure([x + 0.5, y + 0.5])
      if (!inside(u, v, outline)) continue
      const shade = 1 - 0.18 * Math.abs(u - turn * 0.5) - 0.04 * Math.cos(v * 28)
      const at = (y * picture.width + x) * 3
      for (let channel = 0; channel < 3; channel++) data[at + channel] = Math.min(255, colour[channel] * shade)
    }
  }
  return { picture: { ...picture, data }, face }
}

/** The whole picture made smaller; alignment enlarges the face again, as it does with a face that is far away. */
export function shrink(picture: Picture, face: Face, side: number = SMALL_SIDE): Hardened {
  const factor = Math.min(1, side / face.box.width)
  const width = Math.max(1, Math.round(picture.width * factor))
  const height = Math.max(1, Math.round(picture.height * factor))
  const scaleX = width / picture.width
  const scaleY = height / picture.height
  const moved = ([x, y]: Point): Point => [x * scaleX, y * scaleY]
  const { box, landmarks } = face
  const [x, y] = moved([box.x, box.y])
  return {
    picture: resizeArea(picture, width, height),
    face: {
      ...face,
      box: { x, y, width: box.width * scaleX, height: box.height * scaleY },
      landmarks: landmarks && [
        moved(landmarks[0]),
        moved(landmarks[1]),
        moved(landmarks[2]),
        moved(landmarks[3]),
        moved(landmarks[4]),
      ],
    },
  }
}

/** Whether a point lies in a polygon: an odd number of its edges is to the right of it. */
function inside(x: number, y: number, outline: readonly (readonly [number, number])[]): boolean {
  let odd = false
  outline.forEach(([ax, ay], i) => {
    const [bx, by] = outline[(i + 1) % outline.length]
    if (ay > y !== by > y && x < ax + ((y - ay) / (by - ay)) * (bx - ax)) odd = !odd
  })
  return odd
}

/** FNV-1a. */
function hash(text: string): number {
  let state = 0x811c9dc5
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193)
  return state >>> 0
}
