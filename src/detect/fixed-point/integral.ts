import type { IntegralImage } from '../../image/integral.ts'
import type { Picture } from '../../image/picture.ts'
import type { Region } from '../../image/resize.ts'
import { shiftOf } from '../../image/shift.ts'
import type { KernelMemory } from './memory.ts'

/** Columns of a grid that are handed to the kernel at a time. */
const COLUMNS = 2048

/** Bytes of the pixels that are handed over at a time. */
const STRIP = 1 << 20

/** Room that every integral image uses in turn. */
export interface IntegralRoom {
  readonly left: number
  readonly right: number
  readonly widths: number
  readonly row: number
}

/** Takes that room. */
export function integralRoom(memory: KernelMemory): IntegralRoom {
  return {
    left: memory.take(COLUMNS * 4),
    right: memory.take(COLUMNS * 4),
    widths: memory.take(COLUMNS * 8),
    row: memory.take(COLUMNS * 12),
  }
}

/** The integral image of `src/image/integral.ts`, with the same sums, in the kernel's memory. */
export function integrateInKernel(
  memory: KernelMemory,
  room: IntegralRoom,
  picture: Picture,
  { x, y, width, height }: Region,
): IntegralImage {
  const { kernel } = memory
  const entryRow = (width + 1) * 12
  const sums = memory.take(entryRow * (height + 1))
  const stripRows = Math.max(1, Math.floor(STRIP / (width * 3)))
  const strip = memory.take(stripRows * width * 3)
  const bytes = new Uint8Array(memory.buffer)
  bytes.fill(0, sums, sums + entryRow)
  for (let first = 0; first < height; first += stripRows) {
    const rows = Math.min(stripRows, height - first)
    for (let i = 0; i < rows; i++) {
      const from = ((y + first + i) * picture.width + x) * 3
      bytes.set(picture.data.subarray(from, from + width * 3), strip + i * width * 3)
    }
    kernel.integrate(strip, width, rows, sums + first * entryRow)
  }
  memory.giveBack(strip)
  return {
    means(grid, { width: columns, height: rows, out, offset, stride, scale, shift }) {
      const inPlace = out.buffer === memory.buffer
      const floats = new Float32Array(memory.buffer)
      const shifts = shiftOf(shift)
      for (let first = 0; first < columns; first += COLUMNS) {
        const count = Math.min(COLUMNS, columns - first)
        writeColumns(new Int32Array(memory.buffer, room.left, count), grid.left, first)
        writeColumns(new Int32Array(memory.buffer, room.right, count), grid.right, first)
        new Float64Array(memory.buffer, room.widths, count).set(grid.widths.subarray(first, first + count))
        for (let i = 0; i < rows; i++) {
          const at = offset + i * stride + first * 3
          kernel.sampleRow(
            sums + grid.top[i] * 4,
            sums + grid.bottom[i] * 4,
            room.left,
            room.right,
            room.widths,
            count,
            scale * grid.heights[i],
            ...shifts,
            inPlace ? out.byteOffset + at * 4 : room.row,
          )
          if (!inPlace) out.set(floats.subarray(room.row / 4, room.row / 4 + count * 3), at)
        }
      }
    },
  }
}

/** Positions in numbers of 32 bits to positions in bytes. */
function writeColumns(to: Int32Array, positions: Int32Array, first: number): void {
  for (let j = 0; j < to.length; j++) to[j] = positions[first + j] * 4
}
