/** One level of the image pyramid: a scaled copy in which P-Net's 12x12 window sees faces of `12 / scale` pixels. */
export interface Level {
  readonly scale: number
  readonly width: number
  readonly height: number
}

/** P-Net's input window: it gives one cell for each 12x12 pixels, every 2 pixels. */
export const CELL_SIZE = 12
export const CELL_STRIDE = 2

/**
 * The levels for a picture (or region) of the given size, largest first: the first brings `minFaceSize` to 12 pixels, each next
 * one is smaller by `scaleFactor`, until the shorter side is under 12 pixels or faces would be larger than `maxFaceSize`.
 */
export function pyramidLevels(
  width: number,
  height: number,
  minFaceSize: number,
  maxFaceSize: number,
  scaleFactor: number,
): Level[] {
  const levels: Level[] = []
  let scale = CELL_SIZE / minFaceSize
  // In this order a picture of exactly `minFaceSize` gives exactly 12.
  let shorter = (Math.min(width, height) * CELL_SIZE) / minFaceSize
  while (shorter >= CELL_SIZE && CELL_SIZE / scale <= maxFaceSize) {
    levels.push({ scale, width: Math.ceil(width * scale), height: Math.ceil(height * scale) })
    scale *= scaleFactor
    shorter *= scaleFactor
  }
  return levels
}

/** One level's place on a sheet; `x` and `y` are multiples of 2, so that its cells are the sheet's cells. */
export interface Placement {
  readonly level: Level
  readonly x: number
  readonly y: number
}

/** A picture on which several levels lie side by side, so that one call of P-Net sees them all. */
export interface Sheet {
  readonly width: number
  readonly height: number
  readonly placements: readonly Placement[]
}

/** How {@link packLevels} trades empty space for fewer calls and fewer shapes. */
export interface PackOptions {
  /** A level with more pixels than this has a sheet to itself, which wastes nothing; `Infinity` puts all on one sheet. */
  readonly aloneAbove: number
  /** Sheet sizes are rounded up to a multiple of this: a GPU compiles a program for every shape that it meets. */
  readonly roundTo: number
}

/** Lays the levels out on as few sheets as the options allow, in rows ("shelves"), largest first. */
export function packLevels(levels: readonly Level[], { aloneAbove, roundTo }: PackOptions): Sheet[] {
  const sheets: Sheet[] = []
  const shared: Level[] = []
  const round = (size: number): number => Math.ceil(size / roundTo) * roundTo
  for (const level of levels) {
    if (level.width * level.height > aloneAbove) {
      sheets.push({ width: round(level.width), height: round(level.height), placements: [{ level, x: 0, y: 0 }] })
    } else {
      shared.push(level)
    }
  }
  if (shared.length > 0) {
    const sheet = packShelves(shared)
    sheets.push({ ...sheet, width: round(sheet.width), height: round(sheet.height) })
  }
  return sheets
}

function packShelves(levels: readonly Level[]): Sheet {
  const width = even(levels[0].width)
  const shelves: { y: number; height: number; columns: { x: number; width: number; used: number }[]; end: number }[] =
    []
  const placements: Placement[] = []
  let bottom = 0
  for (const level of levels) {
    const w = even(level.width)
    const h = even(level.height)
    let placed = false
    for (const shelf of shelves) {
      // Levels shrink, so a later one fits under an earlier one of the same shelf or beside it.
      const column = shelf.columns.find(c => c.width >= w && c.used + h <= shelf.height)
      if (column) {
        placements.push({ level, x: column.x, y: shelf.y + column.used })
        column.used += h
        placed = true
      } else if (shelf.end + w <= width && h <= shelf.height) {
        placements.push({ level, x: shelf.end, y: shelf.y })
        shelf.columns.push({ x: shelf.end, width: w, used: h })
        shelf.end += w
        placed = true
      }
      if (placed) break
    }
    if (!placed) {
      placements.push({ level, x: 0, y: bottom })
      shelves.push({ y: bottom, height: h, columns: [{ x: 0, width: w, used: h }], end: w })
      bottom += h
    }
  }
  return { width, height: bottom, placements }
}

const even = (size: number): number => size + (size % CELL_STRIDE)
