import type { CropTarget } from './crop.ts'
import { cropArea } from './crop.ts'
import type { Picture } from './picture.ts'
import { type Region, type ResizeTarget, resizeAreaAll, spans } from './resize.ts'
import { shiftOf } from './shift.ts'

/** Above this many pixels an integral image costs too much memory (12 bytes each), and sums are made as they are needed. */
const MAX_INTEGRAL_PIXELS = 8_000_000

/**
 * Makes many resized copies and crops of one picture, by area averaging as {@link resizeAreaAll} and {@link cropArea} define it and
 * with the same results, from sums that are made once: a crop costs what its result has pixels, however large it was.
 */
export interface AreaSampler {
  /** Copies of the region that the sampler was made for. */
  resizeAll(targets: readonly ResizeTarget[]): void
  /** Any rectangle, in coordinates of the picture; what lies outside the picture is black. */
  crop(x1: number, y1: number, x2: number, y2: number, target: CropTarget): void
}

/**
 * A sampler for `region` of `picture`. Crops near the region are as fast as those in it.
 *
 * @param integrate makes the integral image; in JavaScript where not given.
 */
export function areaSampler(picture: Picture, region: Region, integrate: Integrate = integrateHere): AreaSampler {
  const around = grow(region, picture)
  if (around.width * around.height > MAX_INTEGRAL_PIXELS) {
    return {
      resizeAll: targets => resizeAreaAll(picture, region, targets),
      crop: (x1, y1, x2, y2, target) => cropArea(picture, x1, y1, x2, y2, target),
    }
  }
  const integral = integrate(picture, around)
  const right = around.x + around.width
  const bottom = around.y + around.height
  return {
    resizeAll(targets) {
      const x = region.x - around.x
      const y = region.y - around.y
      for (const target of targets) sample(integral, around, x, y, x + region.width, y + region.height, target)
    },
    crop(x1, y1, x2, y2, target) {
      // All of the crop that lies in the picture must lie in the part that was integrated.
      const known =
        Math.max(x1, 0) >= around.x &&
        Math.max(y1, 0) >= around.y &&
        Math.min(x2, picture.width) <= right &&
        Math.min(y2, picture.height) <= bottom
      if (!known) return cropArea(picture, x1, y1, x2, y2, target)
      const rows: ResizeTarget = { ...target, stride: target.width * 3 }
      sample(integral, around, x1 - around.x, y1 - around.y, x2 - around.x, y2 - around.y, rows)
    },
  }
}

/** The region with half its size more on each side, inside the picture. */
function grow(region: Region, picture: Picture): Region {
  const x = Math.max(0, region.x - (region.width >> 1))
  const y = Math.max(0, region.y - (region.height >> 1))
  const right = Math.min(picture.width, region.x + region.width + (region.width >> 1))
  const bottom = Math.min(picture.height, region.y + region.height + (region.height >> 1))
  return { x, y, width: right - x, height: bottom - y }
}

/**
 * Sums over all rectangles of a region that begin at its top left corner: entry (x, y) is the sum over x columns and y rows, for each
 * colour, so there is one more column and row than pixels. Sums may wrap around 32 bits; their differences over up to 8 megapixels do
 * not.
 */
export interface IntegralImage {
  /** Writes the means of a grid of rectangles into a target of as many pixels. */
  means(grid: Grid, target: ResizeTarget): void
}

/** Makes the integral image of a region inside a picture. */
export type Integrate = (picture: Picture, region: Region) => IntegralImage

/** Rectangles in rows and columns, which may overlap. Positions are numbers of 32 bits from the first entry, or from a row's first. */
export interface Grid {
  /** For each row: where the entries above it and those at its end lie, and one over its height. */
  readonly top: Int32Array
  readonly bottom: Int32Array
  readonly heights: Float64Array
  /** For each column: where its left and right entries lie in a row, and one over its width. */
  readonly left: Int32Array
  readonly right: Int32Array
  readonly widths: Float64Array
}

const integrateHere: Integrate = (picture, { x, y, width, height }) => {
  const { data } = picture
  const stride = (width + 1) * 3
  const sums = new Int32Array(stride * (height + 1))
  for (let row = 0; row < height; row++) {
    let red = 0
    let green = 0
    let blue = 0
    let from = ((y + row) * picture.width + x) * 3
    const end = stride * (row + 2)
    for (let to = stride * (row + 1) + 3; to < end; to += 3) {
      red = (red + data[from]) | 0
      green = (green + data[from + 1]) | 0
      blue = (blue + data[from + 2]) | 0
      from += 3
      const above = to - stride
      sums[to] = sums[above] + red
      sums[to + 1] = sums[above + 1] + green
      sums[to + 2] = sums[above + 2] + blue
    }
  }
  return {
    means(grid, target) {
      const shift = shiftOf(target.shift)
      for (let i = 0; i < target.height; i++) {
        const factor = target.scale * grid.heights[i]
        sampleRow(sums, grid.top[i], grid.bottom[i], grid, factor, shift, target.out, target.offset + i * target.stride)
      }
    },
  }
}

/** A rectangle in pixels of what was integrated, right and lower edge not included, resized into a target. */
function sample(
  integral: IntegralImage,
  { width, height }: Region,
  x1: number,
  y1: number,
  x2: number,
  y2: number,
  target: ResizeTarget,
): void {
  const columns = spans(x2 - x1, target.width)
  const rows = spans(y2 - y1, target.height)
  // Outside, where the picture is black, the sums do not grow: the corner moves to the edge, but the cell keeps its size.
  const inside = (at: number, limit: number): number => Math.min(Math.max(at, 0), limit)
  const stride = (width + 1) * 3
  integral.means(
    {
      top: rows.start.map(row => inside(y1 + row, height) * stride),
      bottom: rows.end.map(row => inside(y1 + row, height) * stride),
      heights: Float64Array.from(rows.start, (start, i) => 1 / (rows.end[i] - start)),
      left: columns.start.map(column => inside(x1 + column, width) * 3),
      right: columns.end.map(column => inside(x1 + column, width) * 3),
      widths: Float64Array.from(columns.start, (start, j) => 1 / (columns.end[j] - start)),
    },
    target,
  )
}

/** One row of means: `top` and `bottom` are where its rows of the integral begin. */
function sampleRow(
  sums: Int32Array,
  top: number,
  bottom: number,
  { left, right, widths }: Grid,
  factor: number,
  [red, green, blue]: readonly [red: number, green: number, blue: number],
  out: Float32Array,
  at: number,
): void {
  let to = at
  for (let j = 0; j < left.length; j++) {
    const topLeft = top + left[j]
    const topRight = top + right[j]
    const bottomLeft = bottom + left[j]
    const bottomRight = bottom + right[j]
    const scale = factor * widths[j]
    out[to] = ((sums[bottomRight] - sums[topRight] - sums[bottomLeft] + sums[topLeft]) | 0) * scale + red
    out[to + 1] =
      ((sums[bottomRight + 1] - sums[topRight + 1] - sums[bottomLeft + 1] + sums[topLeft + 1]) | 0) * scale + green
    out[to + 2] =
      ((sums[bottomRight + 2] - sums[topRight + 2] - sums[bottomLeft + 2] + sums[topLeft + 2]) | 0) * scale + blue
    to += 3
  }
}
