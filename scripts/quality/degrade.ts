import sharp from 'sharp'
import { type Box, cropBox, type Picture, resizeArea } from '../../src/image/index.ts'

/** A picture made worse on purpose, and where its pixels went: (x, y) of the picture before is at (x * scale + dx, y * scale + dy). */
export interface Degraded {
  readonly picture: Picture
  /** What was done, and how strongly, for a reader. */
  readonly how: string
  readonly scale: number
  readonly dx: number
  readonly dy: number
}

/** Numbers from 0 to below 1. */
export type Random = () => number

/** A generator from a text, the same in every run (mulberry32 from an FNV-1a hash). */
export function randomOf(text: string): Random {
  let state = 0x811c9dc5
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Makes a picture worse; `face` is the box of its face. */
type Degradation = (picture: Picture, face: Box, random: Random) => Degraded | Promise<Degraded>

const between = (random: Random, low: number, high: number): number => low + random() * (high - low)

const inPlace = (picture: Picture, how: string): Degraded => ({ picture, how, scale: 1, dx: 0, dy: 0 })

/** The kinds that weights and limits are fitted on. */
export const KNOWN: Readonly<Record<string, Degradation>> = {
  small(picture, face, random) {
    const side = between(random, 20, 60)
    return shrink(picture, Math.min(1, side / face.width), `small ${side.toFixed(0)} px`)
  },
  coarse(picture, face, random) {
    const side = between(random, 12, 60)
    const { picture: little } = shrink(picture, Math.min(1, side / face.width), '')
    return inPlace(enlarge(little, picture.width, picture.height), `coarse ${side.toFixed(0)} px`)
  },
  blur(picture, _, random) {
    const sigma = between(random, 1, 4)
    return inPlace(gaussianBlur(picture, sigma), `blur ${sigma.toFixed(1)}`)
  },
  dark(picture, _, random) {
    const stops = between(random, 1, 6)
    return inPlace(expose(picture, 2 ** -stops), `dark ${stops.toFixed(1)} stops`)
  },
  bright(picture, _, random) {
    const stops = between(random, 0.5, 4)
    return inPlace(expose(picture, 2 ** stops), `bright ${stops.toFixed(1)} stops`)
  },
  noise(picture, _, random) {
    const sigma = between(random, 8, 60)
    return inPlace(addNoise(picture, sigma, random), `noise ${sigma.toFixed(0)}`)
  },
  cut(picture, face, random) {
    const share = between(random, 0.1, 0.6)
    const side = Math.floor(random() * 4)
    return cut(picture, face, share, side)
  },
  side(picture, face, random) {
    const floor = between(random, 0, 0.2)
    return inPlace(lightFromSide(picture, face, floor, random() < 0.5), `light from a side, ${floor.toFixed(2)} left`)
  },
  haze(picture, _, random) {
    const kept = between(random, 0.05, 0.5)
    const veil = between(random, 90, 220)
    const table = Uint8Array.from({ length: 256 }, (_, byte) => byte * kept + veil * (1 - kept) + 0.5)
    return inPlace(throughTable(picture, table), `haze, ${kept.toFixed(2)} of the contrast left`)
  },
}

/** Kinds that nothing was fitted on: whether the fit holds for what it has not seen. */
export const UNSEEN: Readonly<Record<string, Degradation>> = {
  motion(picture, _, random) {
    const length = between(random, 4, 20)
    return inPlace(motionBlur(picture, length, random() * Math.PI), `motion ${length.toFixed(0)} px`)
  },
  async jpeg(picture, _, random) {
    const quality = Math.round(between(random, 2, 20))
    return inPlace(await compress(picture, quality), `jpeg ${quality}`)
  },
  night(picture, _, random) {
    const stops = between(random, 3, 6)
    const dark = addNoise(expose(picture, 2 ** -stops), between(random, 1, 5), random)
    return inPlace(expose(dark, 2 ** stops), `night, ${stops.toFixed(1)} stops made good`)
  },
  cover(picture, face, random) {
    const share = between(random, 0.15, 0.5)
    return inPlace(cover(picture, face, share, random() * 200), `covered ${share.toFixed(2)} from below`)
  },
}

/** One kind at random, and in three of ten cases another one on top. */
export async function degrade(
  kinds: Readonly<Record<string, Degradation>>,
  picture: Picture,
  face: Box,
  random: Random,
): Promise<Degraded> {
  const names = Object.keys(kinds)
  const first = Math.floor(random() * names.length)
  const one = await kinds[names[first]](picture, face, random)
  if (random() >= 0.3) return one
  const second = (first + 1 + Math.floor(random() * (names.length - 1))) % names.length
  const moved = {
    x: face.x * one.scale + one.dx,
    y: face.y * one.scale + one.dy,
    width: face.width * one.scale,
    height: face.height * one.scale,
  }
  const two = await kinds[names[second]](one.picture, moved, random)
  return {
    picture: two.picture,
    how: `${one.how} + ${two.how}`,
    scale: one.scale * two.scale,
    dx: one.dx * two.scale + two.dx,
    dy: one.dy * two.scale + two.dy,
  }
}

function shrink(picture: Picture, factor: number, how: string): Degraded {
  const width = Math.max(1, Math.round(picture.width * factor))
  const height = Math.max(1, Math.round(picture.height * factor))
  return { picture: resizeArea(picture, width, height), how, scale: width / picture.width, dx: 0, dy: 0 }
}

/** Linear interpolation; shrinking, a mean. */
export function enlarge(picture: Picture, width: number, height: number): Picture {
  const out = new Float32Array(width * height * 3)
  const whole = { x: 0, y: 0, width: picture.width, height: picture.height }
  cropBox(picture, whole, 'repeat', { width, height, out, offset: 0, scale: 1, shift: 0.5 })
  return { data: Uint8Array.from(out), width, height }
}

/** Each axis by itself, over three sigma on each side; beyond the edge the outermost pixels repeat. */
export function gaussianBlur(picture: Picture, sigma: number): Picture {
  const radius = Math.ceil(3 * sigma)
  const taps = Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-0.5 * ((i - radius) / sigma) ** 2))
  const sum = taps.reduce((total, tap) => total + tap, 0)
  const along = (dx: number, dy: number): Tap[] =>
    taps.map((tap, i) => ({ x: dx * (i - radius), y: dy * (i - radius), weight: tap / sum }))
  return convolve(convolve(picture, along(1, 0)), along(0, 1))
}

function motionBlur(picture: Picture, length: number, angle: number): Picture {
  const count = Math.max(1, Math.round(length))
  return convolve(
    picture,
    Array.from({ length: count }, (_, i) => {
      const at = i - (count - 1) / 2
      return { x: Math.round(Math.cos(angle) * at), y: Math.round(Math.sin(angle) * at), weight: 1 / count }
    }),
  )
}

interface Tap {
  readonly x: number
  readonly y: number
  readonly weight: number
}

function convolve({ data, width, height }: Picture, taps: readonly Tap[]): Picture {
  const out = new Uint8Array(data.length)
  const inside = (at: number, limit: number): number => Math.min(Math.max(at, 0), limit - 1)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let red = 0.5
      let green = 0.5
      let blue = 0.5
      for (const tap of taps) {
        const from = (inside(y + tap.y, height) * width + inside(x + tap.x, width)) * 3
        red += tap.weight * data[from]
        green += tap.weight * data[from + 1]
        blue += tap.weight * data[from + 2]
      }
      const to = (y * width + x) * 3
      out[to] = red
      out[to + 1] = green
      out[to + 2] = blue
    }
  }
  return { data: out, width, height }
}

/** As with another exposure: the light is multiplied, not the bytes (IEC 61966-2-1 both ways), and what is too much is cut off. */
export function expose(picture: Picture, gain: number): Picture {
  return throughTable(picture, exposure(gain))
}

/** What each byte becomes. */
function exposure(gain: number): Uint8ClampedArray {
  return Uint8ClampedArray.from({ length: 256 }, (_, byte) => {
    const encoded = byte / 255
    const light = gain * (encoded <= 0.04045 ? encoded / 12.92 : ((encoded + 0.055) / 1.055) ** 2.4)
    return 255 * (light <= 0.0031308 ? light * 12.92 : 1.055 * light ** (1 / 2.4) - 0.055)
  })
}

function throughTable(picture: Picture, table: Uint8ClampedArray | Uint8Array): Picture {
  const data = new Uint8Array(picture.data.length)
  for (let i = 0; i < data.length; i++) data[i] = table[picture.data[i]]
  return { ...picture, data }
}

/** Gaussian noise of the given standard deviation in bytes, each channel by itself (Box and Muller 1958). */
export function addNoise(picture: Picture, sigma: number, random: Random): Picture {
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  const data = new Uint8ClampedArray(picture.data.length)
  for (let i = 0; i < data.length; i++) data[i] = picture.data[i] + sigma * normal()
  return { ...picture, data }
}

/** Cuts the picture so that `share` of the face lies outside: 0 left, 1 right, 2 top, 3 bottom. */
export function cut(picture: Picture, face: Box, share: number, side: number): Degraded {
  const clamp = (at: number, limit: number): number => Math.min(Math.max(Math.round(at), 0), limit)
  const left = side === 0 ? clamp(face.x + share * face.width, picture.width - 1) : 0
  const right = side === 1 ? clamp(face.x + (1 - share) * face.width, picture.width) : picture.width
  const top = side === 2 ? clamp(face.y + share * face.height, picture.height - 1) : 0
  const bottom = side === 3 ? clamp(face.y + (1 - share) * face.height, picture.height) : picture.height
  const width = Math.max(1, right - left)
  const height = Math.max(1, bottom - top)
  const data = new Uint8Array(width * height * 3)
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * picture.width + left) * 3
    data.set(picture.data.subarray(from, from + width * 3), y * width * 3)
  }
  const how = `cut ${share.toFixed(2)} ${['left', 'right', 'top', 'bottom'][side]}`
  return { picture: { data, width, height }, how, scale: 1, dx: -left, dy: -top }
}

async function compress({ data, width, height }: Picture, quality: number): Promise<Picture> {
  const jpeg = await sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality })
    .toBuffer()
  const raw = await sharp(jpeg).raw().toBuffer()
  return { data: new Uint8Array(raw), width, height }
}

/** Light that falls from all to `floor` of it over the width of the face. */
function lightFromSide(picture: Picture, face: Box, floor: number, fromLeft: boolean): Picture {
  const levels = 64
  const tables = Array.from({ length: levels + 1 }, (_, i) => exposure(floor + ((1 - floor) * i) / levels))
  const data = new Uint8Array(picture.data.length)
  for (let x = 0; x < picture.width; x++) {
    const along = Math.min(1, Math.max(0, (x - face.x) / face.width))
    const table = tables[Math.round(levels * (fromLeft ? 1 - along : along))]
    for (let y = 0; y < picture.height; y++) {
      const at = (y * picture.width + x) * 3
      for (let k = at; k < at + 3; k++) data[k] = table[picture.data[k]]
    }
  }
  return { ...picture, data }
}

/** A flat patch over the lower `share` of the face, as a mask or a scarf would cover it. */
function cover(picture: Picture, face: Box, share: number, grey: number): Picture {
  const data = Uint8Array.from(picture.data)
  const top = Math.max(0, Math.round(face.y + (1 - share) * face.height))
  const left = Math.max(0, Math.round(face.x))
  const right = Math.min(picture.width, Math.round(face.x + face.width))
  for (let y = top; y < Math.min(picture.height, Math.round(face.y + face.height * 1.1)); y++) {
    data.fill(grey, (y * picture.width + left) * 3, (y * picture.width + right) * 3)
  }
  return { ...picture, data }
}
