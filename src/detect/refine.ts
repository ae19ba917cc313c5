import { NO_CANDIDATES, pick, reclassify, regress, square } from './candidates.ts'
import { runOnCrops } from './crops.ts'
import { nms } from './nms.ts'
import { checkShare, type Stage } from './stage.ts'

/** Options of {@link refine} and {@link output}. */
export interface RefineOptions {
  /** Lowest probability, 0 to 1; 0.7 by default. */
  readonly threshold?: number
  /** Overlap above which the worse of two boxes goes; 0.7 by default. */
  readonly nms?: number
}

/**
 * The second stage: R-Net looks at each proposal, 24x24. Pad; R-Net; drop; non-maximum suppression; regression; square.
 */
export function refine({ threshold = 0.7, nms: overlap = 0.7 }: RefineOptions = {}): Stage {
  checkShare('threshold', threshold)
  checkShare('nms', overlap)
  return {
    name: 'refine',
    async run(candidates, context) {
      if (candidates.count === 0) return NO_CANDIDATES
      const rows = await runOnCrops(candidates, context.network('rnet'), 24, 5, threshold, context)
      const started = performance.now()
      const kept = reclassify(candidates, rows, 5, threshold)
      const boxes = square(regress(pick(kept, nms(kept, overlap))))
      context.time('select', performance.now() - started)
      return boxes
    },
  }
}
