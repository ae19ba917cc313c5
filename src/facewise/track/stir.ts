import type { Box, Picture } from '../../image/index.ts'

/** Cells across and down. */
const COLUMNS = 32
const ROWS = 24
/** Pixels that are looked at in each row and column of a cell: a mean of so many hardly shows a camera's noise. */
const SAMPLES = 4
/** Levels of 255 by which a cell's mean must change, and how many cells must: a face of 40 pixels in a picture of 640 covers four. */
const LEVELS = 16
const CELLS = 3

/** The brightness of a picture in coarse cells, row by row, 0 to 255. */
export interface Brightness {
  readonly cells: Float32Array
  readonly width: number
  readonly height: number
}

/** Reads it off a few pixels of each cell: the cost does not depend on the picture's size. */
export function brightnessOf({ data, width, height }: Picture): Brightness {
  const cells = new Float32Array(COLUMNS * ROWS)
  for (let j = 0; j < ROWS * SAMPLES; j++) {
    const row = Math.floor(((j + 0.5) * height) / (ROWS * SAMPLES)) * width
    const to = Math.floor(j / SAMPLES) * COLUMNS
    for (let i = 0; i < COLUMNS * SAMPLES; i++) {
      const at = (row + Math.floor(((i + 0.5) * width) / (COLUMNS * SAMPLES))) * 3
      // Green alone stands for brightness: it is most of it.
      cells[to + Math.floor(i / SAMPLES)] += data[at + 1]
    }
  }
  for (let i = 0; i < cells.length; i++) cells[i] /= SAMPLES * SAMPLES
  return { cells, width, height }
}

/**
 * Whether something has changed from one picture to another outside of `known`, where a new face could have come in. A change of the
 * whole picture's brightness alone, as by a camera that adjusts itself, is none.
 */
export function stirred(before: Brightness, now: Brightness, known: readonly Box[]): boolean {
  if (before.width !== now.width || before.height !== now.height) return true
  const changes = now.cells.map((value, i) => value - before.cells[i])
  const usual = changes.slice().sort()[changes.length >> 1]
  const width = now.width / COLUMNS
  const height = now.height / ROWS
  let count = 0
  for (let i = 0; i < changes.length; i++) {
    if (Math.abs(changes[i] - usual) < LEVELS) continue
    const x = ((i % COLUMNS) + 0.5) * width
    const y = (Math.floor(i / COLUMNS) + 0.5) * height
    if (!known.some(box => reaches(box, x, y)) && ++count >= CELLS) return true
  }
  return false
}

/** Whether a point belongs to the person whose face that is: half a face around it, and the body below. */
function reaches(box: Box, x: number, y: number): boolean {
  const margin = Math.max(box.width, box.height) / 2
  return x > box.x - margin && x < box.x + box.width + margin && y > box.y - margin
}
