import { type Candidates, NO_CANDIDATES, pick, reclassify, regress } from './candidates.ts'
import { runOnCrops } from './crops.ts'
import { nms } from './nms.ts'
import type { RefineOptions } from './refine.ts'
import { checkShare, type Stage } from './stage.ts'

/**
 * The last stage: O-Net looks at each remaining box, 48x48, and gives the five landmarks. Pad; O-Net; drop; boxes and landmarks to
 * picture coordinates; non-maximum suppression by the smaller area.
 */
export function output({ threshold = 0.7, nms: overlap = 0.7 }: RefineOptions = {}): Stage {
  checkShare('threshold', threshold)
  checkShare('nms', overlap)
  return {
    name: 'output',
    async run(candidates, context) {
      if (candidates.count === 0) return NO_CANDIDATES
      const rows = await runOnCrops(candidates, context.network('onet'), 48, 15, threshold, context)
      const started = performance.now()
      const kept = regress(pointsToPicture(reclassify(candidates, rows, 15, threshold)))
      const boxes = pick(kept, nms(kept, overlap, 'min'))
      context.time('select', performance.now() - started)
      return boxes
    },
  }
}

/** Landmarks from shares of the box (before its regression) to zero-based picture coordinates: x = w p + x1 - 1. */
export function pointsToPicture(candidates: Candidates): Candidates {
  const { boxes } = candidates
  const points = new Float64Array(candidates.points.length)
  for (let i = 0; i < candidates.count; i++) {
    const x1 = boxes[i * 4]
    const y1 = boxes[i * 4 + 1]
    const width = boxes[i * 4 + 2] - x1 + 1
    const height = boxes[i * 4 + 3] - y1 + 1
    for (let k = 0; k < 5; k++) {
      points[i * 10 + k] = width * candidates.points[i * 10 + k] + x1 - 1
      points[i * 10 + 5 + k] = height * candidates.points[i * 10 + 5 + k] + y1 - 1
    }
  }
  return { ...candidates, points }
}
