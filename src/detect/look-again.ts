import type { Box } from '../image/picture.ts'
import { type Candidates, NO_CANDIDATES, reclassify, regress, square } from './candidates.ts'
import { runOnCrops } from './crops.ts'
import { pointsToPicture } from './output.ts'
import type { StageContext } from './stage.ts'

/**
 * O-Net on boxes that are known, without the stages before it: each is made a square with its longer side, as the cascade does, and gets a
 * score, its box regressed, and landmarks.
 *
 * @param boxes in zero-based pixels of the picture; they may reach over its edge.
 * @returns one candidate a box, in the order of `boxes`, however low its score: nothing is dropped or suppressed.
 */
export async function lookAgain(boxes: readonly Box[], context: StageContext): Promise<Candidates> {
  if (boxes.length === 0) return NO_CANDIDATES
  const candidates = square(candidatesOf(boxes))
  // With a threshold of 0 every row has to be exact, and none is dropped.
  const rows = await runOnCrops(candidates, context.network('onet'), 48, 15, 0, context)
  return regress(pointsToPicture(reclassify(candidates, rows, 15, 0)))
}

function candidatesOf(boxes: readonly Box[]): Candidates {
  return {
    count: boxes.length,
    // As a detection gives its boxes, with the numbers of the cascade: a box that goes round comes back as it was.
    boxes: Float64Array.from(boxes.flatMap(({ x, y, width, height }) => [x, y, x + width, y + height])),
    scores: new Float64Array(boxes.length),
    offsets: new Float64Array(boxes.length * 4),
    points: new Float64Array(0),
  }
}
