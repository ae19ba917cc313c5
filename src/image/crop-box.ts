import { FacewiseError } from '../errors.ts'
import type { CropTarget } from './crop.ts'
import type { Box, Picture } from './picture.ts'
import { shiftOf } from './shift.ts'

/** What a crop shows where it leaves the picture: black, or the picture's outermost pixels again. */
export type CropEdge = 'black' | 'repeat'

/**
 * Crops a box with edges anywhere between the pixels, and stretches it to the target's size. Each axis by itself: where it shrinks, an
 * output pixel is the mean of what it covers, pixels at its border counting by the part that it covers; where it enlarges, it is the
 * linear interpolation at its centre. At equal size both are the same, so a slowly growing box gives a slowly changing crop.
 * (Pixel (i, j) covers the square from (j, i) to (j + 1, i + 1).)
 *
 * @throws FacewiseError `INVALID_ARGUMENT` for a box without a width and height above 0 or with a number that is not finite.
 */
export function cropBox(picture: Picture, box: Box, edge: CropEdge, target: CropTarget): void {
  const { x, y } = box
  if (!(Number.isFinite(x + y + box.width + box.height) && box.width > 0 && box.height > 0)) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `A crop needs a box with a width and height above 0; got ${box.width} x ${box.height} at (${x}, ${y}).`,
    )
  }
  const { width, height, out, offset, scale } = target
  const [shiftRed, shiftGreen, shiftBlue] = shiftOf(target.shift)
  const columns = taps(x, box.width, width, picture.width, edge)
  const rows = taps(y, box.height, height, picture.height, edge)
  const left = columns.least
  const line = new Float64Array(Math.max(0, columns.most - left) * 3)
  const { data } = picture
  const { begin } = columns
  const weights = Float64Array.from(columns.weights)
  const places = Int32Array.from(columns.cells, cell => (cell - left) * 3)
  let write = offset
  for (let i = 0; i < height; i++) {
    line.fill(0)
    for (let t = rows.begin[i]; t < rows.begin[i + 1]; t++) {
      const weight = rows.weights[t]
      let from = (rows.cells[t] * picture.width + left) * 3
      // A pixel at a time: half the time of a number at a time.
      for (let k = 0; k < line.length; k += 3, from += 3) {
        line[k] += weight * data[from]
        line[k + 1] += weight * data[from + 1]
        line[k + 2] += weight * data[from + 2]
      }
    }
    for (let j = 0; j < width; j++) {
      let red = 0
      let green = 0
      let blue = 0
      const end = begin[j + 1]
      for (let t = begin[j]; t < end; t++) {
        const weight = weights[t]
        const k = places[t]
        red += weight * line[k]
        green += weight * line[k + 1]
        blue += weight * line[k + 2]
      }
      out[write++] = red * scale + shiftRed
      out[write++] = green * scale + shiftGreen
      out[write++] = blue * scale + shiftBlue
    }
  }
}

/** Along one axis: output pixel i is the sum of `weights[t] * input[cells[t]]` for t from `begin[i]` to before `begin[i + 1]`. */
interface Taps {
  readonly begin: Int32Array
  readonly cells: number[]
  readonly weights: number[]
  /** The smallest cell, and the one after the largest. */
  readonly least: number
  readonly most: number
}

function taps(start: number, length: number, output: number, limit: number, edge: CropEdge): Taps {
  const begin = new Int32Array(output + 1)
  const cells: number[] = []
  const weights: number[] = []
  let least = limit
  let most = 0
  let first = 0
  const add = (cell: number, weight: number): void => {
    if (weight <= 0 || (edge === 'black' && (cell < 0 || cell >= limit))) return
    const inside = Math.min(Math.max(cell, 0), limit - 1)
    least = Math.min(least, inside)
    most = Math.max(most, inside + 1)
    // Beyond an edge the outermost pixel is wanted many times: once, with all the weight.
    const last = cells.length - 1
    if (last >= first && cells[last] === inside) weights[last] += weight
    else {
      cells.push(inside)
      weights.push(weight)
    }
  }
  const step = length / output
  for (let i = 0; i < output; i++) {
    first = cells.length
    begin[i] = first
    if (step >= 1) {
      const from = start + (i * length) / output
      const to = start + ((i + 1) * length) / output
      for (let cell = Math.floor(from); cell < to; cell++) {
        add(cell, (Math.min(cell + 1, to) - Math.max(cell, from)) / (to - from))
      }
    } else {
      const centre = start + ((i + 0.5) * length) / output - 0.5
      const cell = Math.floor(centre)
      add(cell, 1 - (centre - cell))
      add(cell + 1, centre - cell)
    }
  }
  begin[output] = cells.length
  return { begin, cells, weights, least, most }
}
