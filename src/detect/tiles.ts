import { CELL_SIZE, CELL_STRIDE } from './pyramid.ts'

/** A part of a sheet, in pixels; even, so that its cells are cells of the sheet. */
export interface Tile {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** Neighbouring tiles share this many pixels: a cell sees 12, and begins every 2. */
const OVERLAP = CELL_SIZE - CELL_STRIDE

/** How many cells lie along `size` (even) pixels. */
export const cellsAlong = (size: number): number => Math.max(0, (size - OVERLAP) / CELL_STRIDE)

/**
 * Cuts a sheet of even size into overlapping tiles of about `pixels` each whose cells, put together, are exactly those of the sheet.
 * On a CPU the feature maps of a whole sheet do not stay in its cache, and those of a tile do.
 */
export function planTiles(width: number, height: number, pixels: number): Tile[] {
  const side = Math.sqrt(pixels)
  const columns = cut(width, side)
  return cut(height, side).flatMap(row =>
    columns.map(column => ({ x: column.start, y: row.start, width: column.size, height: row.size })),
  )
}

function cut(size: number, wanted: number): { start: number; size: number }[] {
  const cells = cellsAlong(size)
  const parts = Math.max(1, Math.round((size - OVERLAP) / (wanted - OVERLAP)))
  return Array.from({ length: parts }, (_, i) => {
    const from = Math.floor((i * cells) / parts)
    const to = Math.floor(((i + 1) * cells) / parts)
    return { start: from * CELL_STRIDE, size: (to - from) * CELL_STRIDE + OVERLAP }
  })
}

/** The pixels of a tile, from a sheet with rows of `width` pixels of three numbers. */
export function cutTile(sheet: Float32Array, width: number, tile: Tile): Float32Array {
  const out = new Float32Array(tile.width * tile.height * 3)
  const length = tile.width * 3
  for (let row = 0; row < tile.height; row++) {
    const from = ((tile.y + row) * width + tile.x) * 3
    out.set(sheet.subarray(from, from + length), row * length)
  }
  return out
}

/** Puts the outputs of tiles together to that of the sheet: rows of cells of `channels` numbers. */
export function joinTiles(
  outputs: readonly Float32Array[],
  tiles: readonly Tile[],
  width: number,
  height: number,
  channels: number,
): Float32Array {
  const cellsPerRow = cellsAlong(width)
  const out = new Float32Array(cellsPerRow * cellsAlong(height) * channels)
  tiles.forEach((tile, i) => {
    const length = cellsAlong(tile.width) * channels
    for (let row = 0; row < cellsAlong(tile.height); row++) {
      const to = ((tile.y / CELL_STRIDE + row) * cellsPerRow + tile.x / CELL_STRIDE) * channels
      out.set(outputs[i].subarray(row * length, (row + 1) * length), to)
    }
  })
  return out
}
