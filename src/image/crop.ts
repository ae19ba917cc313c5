import type { Picture } from './picture.ts'
import { spans } from './resize.ts'
import { type Shift, shiftOf } from './shift.ts'

/** Where a crop goes: `width` x `height` pixels into `out` from float `offset` on, without gaps, each value as `value * scale + shift`. */
export interface CropTarget {
  readonly width: number
  readonly height: number
  readonly out: Float32Array
  readonly offset: number
  readonly scale: number
  readonly shift: Shift
}

/**
 * Crops the rectangle from (`x1`, `y1`) to (`x2`, `y2`), whole pixels, right and lower edge not included, and resizes it by area
 * averaging (each output pixel is the mean of all input pixels that it touches). What lies outside the picture counts as black
 * (zero), as in the reference cascade.
 */
export function cropArea(picture: Picture, x1: number, y1: number, x2: number, y2: number, target: CropTarget): void {
  const { width, height, out, offset, scale } = target
  const [shiftRed, shiftGreen, shiftBlue] = shiftOf(target.shift)
  const columns = spans(x2 - x1, width)
  const rows = spans(y2 - y1, height)
  const left = Math.max(x1, 0)
  const right = Math.min(x2, picture.width)
  // The rows of one output row, summed; zero where the crop leaves the picture.
  const line = new Int32Array((x2 - x1) * 3)
  const lineFrom = (left - x1) * 3
  const lineTo = (right - x1) * 3
  const { data } = picture
  let write = offset
  for (let i = 0; i < height; i++) {
    line.fill(0)
    const top = Math.max(y1 + rows.start[i], 0)
    const bottom = Math.min(y1 + rows.end[i], picture.height)
    for (let y = top; y < bottom; y++) {
      let from = (y * picture.width + left) * 3
      for (let k = lineFrom; k < lineTo; k++) line[k] += data[from++]
    }
    const rowFactor = scale / (rows.end[i] - rows.start[i])
    for (let j = 0; j < width; j++) {
      let red = 0
      let green = 0
      let blue = 0
      for (let k = columns.start[j] * 3; k < columns.end[j] * 3; k += 3) {
        red += line[k]
        green += line[k + 1]
        blue += line[k + 2]
      }
      const factor = rowFactor / (columns.end[j] - columns.start[j])
      out[write++] = red * factor + shiftRed
      out[write++] = green * factor + shiftGreen
      out[write++] = blue * factor + shiftBlue
    }
  }
}
