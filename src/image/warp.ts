import { FacewiseError } from '../errors.ts'
import type { CropTarget } from './crop.ts'
import type { Picture } from './picture.ts'
import { shiftOf } from './shift.ts'

/** A point `[x, y]` in pixels. */
export type Point = readonly [x: number, y: number]

/** A similarity: (x, y) goes to (a x - b y + tx, b x + a y + ty); it turns, scales by `hypot(a, b)` and moves. */
export interface Similarity {
  readonly a: number
  readonly b: number
  readonly tx: number
  readonly ty: number
}

/**
 * The similarity that brings `from` to `to` with the least sum of squared distances (the closed form of Umeyama, "Least-squares
 * estimation of transformation parameters between two point patterns", IEEE PAMI 13(4), 1991, in the plane, without reflection).
 *
 * @throws FacewiseError `INVALID_ARGUMENT` for fewer than two points, lists of different lengths or points that all coincide.
 */
export function estimateSimilarity(from: readonly Point[], to: readonly Point[]): Similarity {
  const n = from.length
  if (n < 2 || to.length !== n) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `A similarity needs two lists of two or more points; got ${n} and ${to.length}.`,
    )
  }
  const [fx, fy] = centroid(from)
  const [gx, gy] = centroid(to)
  let dot = 0
  let cross = 0
  let spread = 0
  for (let i = 0; i < n; i++) {
    const x = from[i][0] - fx
    const y = from[i][1] - fy
    const u = to[i][0] - gx
    const v = to[i][1] - gy
    dot += x * u + y * v
    cross += x * v - y * u
    spread += x * x + y * y
  }
  if (!(spread > 0))
    throw new FacewiseError('INVALID_ARGUMENT', 'A similarity cannot be found from points that all coincide.')
  const a = dot / spread
  const b = cross / spread
  return { a, b, tx: gx - a * fx + b * fy, ty: gy - b * fx - a * fy }
}

function centroid(points: readonly Point[]): Point {
  let x = 0
  let y = 0
  for (const point of points) {
    x += point[0]
    y += point[1]
  }
  return [x / points.length, y / points.length]
}

/** Applies a similarity to a point. */
export function applySimilarity({ a, b, tx, ty }: Similarity, [x, y]: Point): Point {
  return [a * x - b * y + tx, b * x + a * y + ty]
}

/**
 * Draws `picture` through `transform` (picture to output; pixel centres lie at half coordinates) into a target, bilinearly; where
 * the output is smaller than what it shows, each output pixel is the mean of a grid of samples, so that nothing aliases. What
 * lies outside the picture counts as black.
 */
export function warpSimilarity(picture: Picture, transform: Similarity, target: CropTarget): void {
  const { width, height, out, offset, scale } = target
  const [shiftRed, shiftGreen, shiftBlue] = shiftOf(target.shift)
  const { a, b, tx, ty } = transform
  const norm = a * a + b * b
  if (!(norm > 0)) throw new FacewiseError('INVALID_ARGUMENT', 'The similarity has scale zero and cannot be inverted.')
  const samples = Math.max(1, Math.min(16, Math.round(1 / Math.sqrt(norm))))
  const factor = scale / (samples * samples)
  // The inverse: turned back, and scaled back.
  const cosine = a / norm
  const sine = b / norm
  const { data } = picture
  const stride = picture.width * 3
  const sum = new Float64Array(3)
  const inside = { x: picture.width - 1, y: picture.height - 1 }
  // Where the samples of a pixel lie in it.
  const within = Float64Array.from({ length: samples }, (_, s) => (s + 0.5) / samples)
  let write = offset
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < width; j++) {
      let red = 0
      let green = 0
      let blue = 0
      for (let si = 0; si < samples; si++) {
        const v = i + within[si] - ty
        const rowX = sine * v - 0.5
        const rowY = cosine * v - 0.5
        for (let sj = 0; sj < samples; sj++) {
          const u = j + within[sj] - tx
          const x = cosine * u + rowX
          const y = rowY - sine * u
          if (x >= 0 && y >= 0 && x < inside.x && y < inside.y) {
            // All four neighbours inside, as nearly always. Written out here, where sums stay in registers: every pixel of every
            // aligned face comes by, often many times.
            const left = x | 0
            const top = y | 0
            const right = x - left
            const down = y - top
            const k = top * stride + left * 3
            const n = k + stride
            const w11 = right * down
            const w10 = down - w11
            const w01 = right - w11
            const w00 = 1 - right - w10
            red += w00 * data[k] + w01 * data[k + 3] + w10 * data[n] + w11 * data[n + 3]
            green += w00 * data[k + 1] + w01 * data[k + 4] + w10 * data[n + 1] + w11 * data[n + 4]
            blue += w00 * data[k + 2] + w01 * data[k + 5] + w10 * data[n + 2] + w11 * data[n + 5]
          } else {
            sum.fill(0)
            addBilinear(picture, x, y, sum)
            red += sum[0]
            green += sum[1]
            blue += sum[2]
          }
        }
      }
      out[write++] = red * factor + shiftRed
      out[write++] = green * factor + shiftGreen
      out[write++] = blue * factor + shiftBlue
    }
  }
}

/** Adds the bilinear value at (x, y), counted from the centre of the first pixel, to `sum`; what is outside adds nothing. */
function addBilinear(picture: Picture, x: number, y: number, sum: Float64Array): void {
  const left = Math.floor(x)
  const top = Math.floor(y)
  const right = x - left
  const down = y - top
  for (let dy = 0; dy < 2; dy++) {
    const row = top + dy
    if (row < 0 || row >= picture.height) continue
    for (let dx = 0; dx < 2; dx++) {
      const column = left + dx
      if (column < 0 || column >= picture.width) continue
      const weight = (dx ? right : 1 - right) * (dy ? down : 1 - down)
      const from = (row * picture.width + column) * 3
      sum[0] += weight * picture.data[from]
      sum[1] += weight * picture.data[from + 1]
      sum[2] += weight * picture.data[from + 2]
    }
  }
}
