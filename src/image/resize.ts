import type { Picture } from './picture.ts'
import { type Shift, shiftOf } from './shift.ts'

/**
 * Where one resized copy of a picture goes: `width` x `height` pixels, written into `out` from float `offset` on, with `stride`
 * floats from one row to the next, each value as `value * scale + shift`.
 */
export interface ResizeTarget {
  readonly width: number
  readonly height: number
  readonly out: Float32Array
  readonly offset: number
  readonly stride: number
  readonly scale: number
  readonly shift: Shift
}

/** A region of a picture in whole pixels. */
export interface Region {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/**
 * The input cells that each output pixel along one axis averages: all that it touches, from `floor(i * input / output)` to before
 * `ceil((i + 1) * input / output)`. This is the rule of adaptive average pooling (PyTorch's `area`), which the reference cascade
 * uses: cells on a border belong whole to both neighbours. When enlarging, pixels repeat.
 */
export interface Spans {
  readonly start: Int32Array
  readonly end: Int32Array
}

/** @see Spans */
export function spans(input: number, output: number): Spans {
  const start = new Int32Array(output)
  const end = new Int32Array(output)
  for (let i = 0; i < output; i++) {
    start[i] = Math.floor((i * input) / output)
    end[i] = Math.ceil(((i + 1) * input) / output)
  }
  return { start, end }
}

/**
 * Resizes a picture (or a region inside it) to several sizes in one pass, each by area averaging: an output pixel is the mean of all
 * input pixels that it touches (see `spans`).
 *
 * The sum over a rectangle is a difference of the picture's integral at its four corners. So the pass keeps one row of the integral,
 * and every size reads it where its own rows begin and end: the picture is read once however many sizes are wanted, no copy is made
 * from another copy, and the sums are exact. (They may wrap around 32 bits where no single output pixel's sum reaches 2^32.)
 */
export function resizeAreaAll(picture: Picture, region: Region, targets: readonly ResizeTarget[]): void {
  const { data } = picture
  const { width, height } = region
  const length = width * 3
  // The integral over all rows above; entry 3 x is that left of column x, so there is one more than pixels.
  const largest = Math.max(
    0,
    ...targets.map(t => (Math.ceil(width / t.width) + 1) * (Math.ceil(height / t.height) + 1)),
  )
  const Sums = largest * 255 < 2 ** 32 ? Int32Array : Float64Array
  const above = new Sums(length + 3)
  const grids = targets.map(target => new Grid(target, width, height))
  for (const grid of grids) grid.edge(above, 0)
  for (let y = 0; y < height; y++) {
    let red = 0
    let green = 0
    let blue = 0
    let from = ((region.y + y) * picture.width + region.x) * 3
    for (let i = 3; i < above.length; i += 3) {
      red += data[from]
      green += data[from + 1]
      blue += data[from + 2]
      from += 3
      above[i] += red
      above[i + 1] += green
      above[i + 2] += blue
    }
    for (const grid of grids) grid.edge(above, y + 1)
  }
}

/** 32-bit integers, which are fast and may wrap around, or doubles, where one output pixel's sum would not fit. */
type Sums = Int32Array | Float64Array

/** A difference of two sums that wrapped around a different number of times. */
const unwrap = (difference: number): number => (difference < 0 ? difference + 2 ** 32 : difference)

/** One output size over the input: knows at which input rows its own rows begin and end. */
class Grid {
  private readonly rows: Spans
  private readonly columns: Spans
  /** The next output row to begin and to end. */
  private beginning = 0
  private ending = 0
  /** Sums of the integral over each column's span, at the rows where the output rows begin that have not ended. */
  private readonly begun: { at: number; sums: Sums }[] = []

  constructor(
    private readonly target: ResizeTarget,
    width: number,
    height: number,
  ) {
    this.rows = spans(height, target.height)
    this.columns = spans(width, target.width)
  }

  /** Hears that `above` is now the integral over the first `y` input rows. */
  edge(above: Sums, y: number): void {
    const { rows, target } = this
    const begins = this.beginning < target.height && rows.start[this.beginning] === y
    const ends = this.ending < target.height && rows.end[this.ending] === y
    if (!begins && !ends) return
    const sums = this.sumColumns(above)
    while (this.ending < target.height && rows.end[this.ending] === y) {
      const start = rows.start[this.ending]
      while (this.begun[0].at !== start) this.begun.shift()
      this.write(this.ending, this.begun[0].sums, sums, y - start)
      this.ending++
    }
    if (begins) {
      this.begun.push({ at: y, sums })
      while (this.beginning < target.height && rows.start[this.beginning] === y) this.beginning++
    }
  }

  private sumColumns(above: Sums): Sums {
    const { start, end } = this.columns
    const length = start.length * 3
    const sums = above instanceof Int32Array ? new Int32Array(length) : new Float64Array(length)
    for (let j = 0, k = 0; j < start.length; j++, k += 3) {
      const a = start[j] * 3
      const b = end[j] * 3
      sums[k] = above[b] - above[a]
      sums[k + 1] = above[b + 1] - above[a + 1]
      sums[k + 2] = above[b + 2] - above[a + 2]
    }
    return sums
  }

  private write(row: number, top: Sums, bottom: Sums, height: number): void {
    const { out, offset, stride, scale } = this.target
    const [red, green, blue] = shiftOf(this.target.shift)
    const { start, end } = this.columns
    let to = offset + row * stride
    for (let j = 0, k = 0; j < start.length; j++, k += 3) {
      const factor = scale / ((end[j] - start[j]) * height)
      out[to] = unwrap(bottom[k] - top[k]) * factor + red
      out[to + 1] = unwrap(bottom[k + 1] - top[k + 1]) * factor + green
      out[to + 2] = unwrap(bottom[k + 2] - top[k + 2]) * factor + blue
      to += 3
    }
  }
}

/** A copy of `picture` with the given size, by area averaging (see {@link resizeAreaAll}); values are rounded. */
export function resizeArea(picture: Picture, width: number, height: number): Picture {
  const out = new Float32Array(width * height * 3)
  const target: ResizeTarget = { width, height, out, offset: 0, stride: width * 3, scale: 1, shift: 0.5 }
  resizeAreaAll(picture, { x: 0, y: 0, width: picture.width, height: picture.height }, [target])
  return { data: Uint8Array.from(out), width, height }
}
