import { FacewiseError } from './errors.ts'
import { cropBox } from './image/crop-box.ts'
import type { Box, Picture } from './image/picture.ts'
import { estimateSimilarity, warpSimilarity } from './image/warp.ts'
import type { Alignment, BoxAlignment, FivePoints } from './models/manifest.ts'

export type { Alignment, BoxAlignment, FivePoints, PointAlignment } from './models/manifest.ts'

/** What alignment needs of a face; a detector's faces have it. */
export interface AlignableFace {
  readonly box: Box
  readonly landmarks?: FivePoints
}

/** Size of a network's input in pixels. */
export interface InputSize {
  readonly width: number
  readonly height: number
}

/** A byte b becomes (b - mean) / divisor; a mean for all channels or one each of red, green and blue. */
export interface Normalisation {
  readonly mean: number | readonly [red: number, green: number, blue: number]
  readonly divisor: number
}

/**
 * Draws the aligned crop of each face into a batch: `faces.length` x `height` x `width` x 3 floats (NHWC, RGB), in the order of `faces`.
 *
 * @param out Room for the batch, from its beginning; a new array by default. The rest of a larger one is left as it is.
 * @returns `out`.
 * @throws FacewiseError `INVALID_ARGUMENT` for a face without landmarks where the alignment needs them, a box that lies outside the picture
 * or has no area, sizes that are not whole numbers above 0, or an `out` that is too short.
 */
export function alignCrops(
  picture: Picture,
  faces: readonly AlignableFace[],
  alignment: Alignment,
  size: InputSize,
  normalisation: Normalisation,
  out: Float32Array = new Float32Array(faces.length * floatsOf(size)),
): Float32Array {
  const floats = floatsOf(size)
  if (out.length < faces.length * floats) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `${faces.length} crops of ${size.width} x ${size.height} need ${faces.length * floats} floats; 'out' has ${out.length}.`,
    )
  }
  const { mean, divisor } = normalisation
  const means = typeof mean === 'number' ? [mean, mean, mean] : mean
  if (means.some(value => !Number.isFinite(value)) || !(Math.abs(divisor) > 0 && Number.isFinite(divisor))) {
    throw new FacewiseError('INVALID_ARGUMENT', 'A normalisation needs finite means and a divisor that is not 0.')
  }
  const shift = [-means[0] / divisor, -means[1] / divisor, -means[2] / divisor] as const
  faces.forEach((face, i) => {
    const offset = i * floats
    const target = { width: size.width, height: size.height, out, offset, scale: 1 / divisor, shift }
    if (alignment.kind === 'points') {
      warpSimilarity(picture, estimateSimilarity(landmarksOf(face, i), alignment.template), target)
    } else {
      const { outside = 'clip' } = alignment
      const box = alignedBox(face.box, alignment)
      cropBox(
        picture,
        outside === 'clip' ? clip(box, picture, i) : box,
        outside === 'clip' ? 'repeat' : outside,
        target,
      )
    }
  })
  return out
}

/** The part of the picture that a box alignment shows, before it is cut at the picture's edge. In pixels of the picture. */
export function alignedBox({ x, y, width, height }: Box, { margin, square = false }: BoxAlignment): Box {
  const marginX = margin.unit === 'share' ? margin.x * width : margin.x
  const marginY = margin.unit === 'share' ? margin.y * height : margin.y
  const wide = width + 2 * marginX
  const high = height + 2 * marginY
  const addX = square ? Math.max(0, high - wide) / 2 : 0
  const addY = square ? Math.max(0, wide - high) / 2 : 0
  return { x: x - marginX - addX, y: y - marginY - addY, width: wide + 2 * addX, height: high + 2 * addY }
}

/**
 * Mirrors each picture of a batch left to right: an embedding of a face is steadier where that of its mirror image is added.
 *
 * @param batch NHWC with three channels; any number of pictures of `size`.
 * @param out As long as `batch`, or `batch` itself; a new array by default.
 * @throws FacewiseError `INVALID_ARGUMENT` where lengths and size do not fit.
 */
export function mirror(
  batch: Float32Array,
  size: InputSize,
  out: Float32Array = new Float32Array(batch.length),
): Float32Array {
  if (batch.length % floatsOf(size) !== 0 || out.length < batch.length) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `A batch of ${batch.length} floats holds no whole number of ${size.width} x ${size.height} pictures, or 'out' (${out.length}) is too short.`,
    )
  }
  const row = size.width * 3
  for (let start = 0; start < batch.length; start += row) {
    // From both ends to the middle, each pair read before it is written, so that `out` may be `batch`.
    for (let a = start, b = start + row - 3; a <= b; a += 3, b -= 3) {
      for (let channel = 0; channel < 3; channel++) {
        const left = batch[a + channel]
        out[a + channel] = batch[b + channel]
        out[b + channel] = left
      }
    }
  }
  return out
}

function floatsOf({ width, height }: InputSize): number {
  if (!(Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0)) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `An input has a whole width and height above 0; got ${width} x ${height}.`,
    )
  }
  return width * height * 3
}

function landmarksOf({ landmarks }: AlignableFace, i: number): FivePoints {
  if (landmarks?.length !== 5 || landmarks.flat().some(value => !Number.isFinite(value))) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `Face ${i} has no five landmarks, by which this model aligns: use a detector that gives them (MTCNN does), ` +
        'or a model that aligns by the box.',
    )
  }
  return landmarks
}

function clip(box: Box, picture: Picture, i: number): Box {
  const x = Math.max(0, box.x)
  const y = Math.max(0, box.y)
  const width = Math.min(picture.width, box.x + box.width) - x
  const height = Math.min(picture.height, box.y + box.height) - y
  if (!(width > 0 && height > 0)) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `The box of face ${i} has no area inside the picture (${picture.width} x ${picture.height}): ` +
        `${box.width} x ${box.height} at (${box.x}, ${box.y}) with its margin.`,
    )
  }
  return { x, y, width, height }
}
