import type { AlignableFace } from '../../alignment.ts'
import { FacewiseError } from '../../errors.ts'
import { cropBox } from '../../image/crop-box.ts'
import type { Box, Picture } from '../../image/picture.ts'
import { applySimilarity, estimateSimilarity } from '../../image/warp.ts'
import type { FivePoints } from '../../models/manifest.ts'

/**
 * The face in a fixed number of cells, so that what is measured on it does not depend on how many pixels it has. About as many as a
 * network that recognises faces sees.
 */
export const GRID = { width: 72, height: 96 } as const

/**
 * Where the five points lie in the box that MTCNN draws, whose sides are as 3 to 4; in heights of the box. The mean of 500 faces of
 * LFW's training people and their mirror images.
 */
const POINTS: FivePoints = [
  [0.206, 0.388],
  [0.544, 0.388],
  [0.375, 0.588],
  [0.226, 0.758],
  [0.524, 0.758],
]
const ASPECT = 0.75

/** A face as brightness in cells. */
export interface FaceGrid {
  /** Luma (Rec. 709 weights on the encoded values, which are nearly even to the eye), 0 black to 1 white, row by row. */
  readonly luma: Float32Array
  /** 1 where a cell belongs to the face (an ellipse in the grid) and lies in the picture. */
  readonly mask: Uint8Array
  /** Cells of the mask. */
  readonly count: number
}

/**
 * The part of the picture that the face takes: by its five points, which stay where they are when a detector cuts its box at the
 * picture's edge; by the box where there are none. In pixels.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` for a box without an area, numbers that are not finite, points that all coincide.
 */
export function faceRegion({ box, landmarks }: AlignableFace): Box {
  const { x, y, width, height } = box
  if (!(Number.isFinite(x + y + width + height) && width > 0 && height > 0)) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `A face has a box with a width and height above 0; got ${width} x ${height} at (${x}, ${y}).`,
    )
  }
  if (!landmarks) return box
  if (landmarks.length !== 5 || landmarks.flat().some(value => !Number.isFinite(value))) {
    throw new FacewiseError('INVALID_ARGUMENT', 'The landmarks of a face are five points: leave them out otherwise.')
  }
  const transform = estimateSimilarity(POINTS, landmarks)
  const side = Math.hypot(transform.a, transform.b)
  if (!(side > 0)) {
    throw new FacewiseError('INVALID_ARGUMENT', 'The landmarks of this face have no extent: leave them out.')
  }
  const [cx, cy] = applySimilarity(transform, [ASPECT / 2, 0.5])
  return { x: cx - (ASPECT / 2) * side, y: cy - side / 2, width: ASPECT * side, height: side }
}

/** The share of a box that lies outside the picture, 0 to 1. */
export function shareOutside({ x, y, width, height }: Box, picture: Pick<Picture, 'width' | 'height'>): number {
  const across = Math.min(x + width, picture.width) - Math.max(x, 0)
  const down = Math.min(y + height, picture.height) - Math.max(y, 0)
  const inside = (Math.max(0, across) * Math.max(0, down)) / (width * height)
  // Rounding must not say that a whole face is cut.
  return inside > 1 - 1e-9 ? 0 : 1 - inside
}

/** Draws the region of a face into the grid: the mean of what each cell covers, so that nothing aliases. */
export function faceGrid(picture: Picture, region: Box): FaceGrid {
  const { width, height } = GRID
  const rgb = new Float32Array(width * height * 3)
  cropBox(picture, region, 'repeat', { width, height, out: rgb, offset: 0, scale: 1 / 255, shift: 0 })
  const luma = new Float32Array(width * height)
  const mask = new Uint8Array(width * height)
  let count = 0
  for (let row = 0, i = 0; row < height; row++) {
    const v = (row + 0.5) / height
    const y = region.y + v * region.height
    for (let column = 0; column < width; column++, i++) {
      luma[i] = 0.2126 * rgb[3 * i] + 0.7152 * rgb[3 * i + 1] + 0.0722 * rgb[3 * i + 2]
      const u = (column + 0.5) / width
      const x = region.x + u * region.width
      const inFace = (2 * u - 1) ** 2 + (2 * v - 1) ** 2 <= 1
      if (inFace && x >= 0 && y >= 0 && x < picture.width && y < picture.height) {
        mask[i] = 1
        count++
      }
    }
  }
  return { luma, mask, count }
}
