import type { Candidates } from '../../src/detect/candidates.ts'
import type { Box } from '../../src/image/picture.ts'
import type { Random } from '../random.ts'

/** A box `[x1, y1, x2, y2]` with its score. */
export type ScoredBox = readonly [x1: number, y1: number, x2: number, y2: number, score: number]

/** Candidates from boxes; offsets are zero unless given. */
export function candidatesOf(rows: readonly ScoredBox[], offsets?: readonly number[]): Candidates {
  return {
    count: rows.length,
    boxes: Float64Array.from(rows.flatMap(row => row.slice(0, 4))),
    scores: Float64Array.from(rows, row => row[4]),
    offsets: Float64Array.from(offsets ?? Array<number>(rows.length * 4).fill(0)),
    points: new Float64Array(0),
  }
}

/** Boxes crowded enough to overlap; few different scores, so that some are equal. */
export function crowd({ integer }: Random, count: number): ScoredBox[] {
  return Array.from({ length: count }, (): ScoredBox => {
    const x = integer(-5, 30)
    const y = integer(-5, 30)
    return [x, y, x + integer(0, 20), y + integer(0, 20), integer(1, 9) / 10]
  })
}

/** Intersection over union of two boxes, by areas. */
export function intersectionOverUnion(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x)
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y)
  if (width <= 0 || height <= 0) return 0
  return (width * height) / (a.width * a.height + b.width * b.height - width * height)
}
