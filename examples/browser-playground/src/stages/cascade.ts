/**
 * The cascade taken apart: the library's `proposals` is one stage, here it is four, so that what each step does can be seen. They are built of
 * the parts that `facewise/detect` exports, and find what `createMtcnn` finds.
 */
import {
  type Candidates,
  cellsToBoxes,
  concat,
  FacewiseError,
  nms,
  output,
  packLevels,
  pick,
  pyramidLevels,
  refine,
  regress,
  type Sheet,
  type Stage,
  type StageContext,
  square,
} from 'facewise/detect'
import { STEP_NAMES, type StepName } from './explain.ts'
import type { CascadeSettings } from './settings.ts'

/** A level of the pyramid, and how many windows P-Net proposed in it. */
export interface LevelReport {
  readonly scale: number
  readonly width: number
  readonly height: number
  readonly windows: number
}

/** The six stages for one detection, and what can be told of the levels afterwards. */
export interface TakenApart {
  readonly stages: readonly Stage[]
  levels(): readonly LevelReport[]
}

/** Larger pyramids take longer than anybody watches sliders for. */
const MAX_PIXELS = 30_000_000
const NOTHING = concat([])

/** Stages for one detection; the next one needs others, since they hold the levels' pictures between them. */
export function takeApart({ thresholds, nms: overlaps }: CascadeSettings): TakenApart {
  let sheets: Sheet[] = []
  let pixels: Float32Array[] = []
  let cells: Candidates[] = []

  const stages: Record<StepName, Stage['run']> = {
    /** Scaled copies of the picture, in which faces of every size come down to P-Net's 12 pixels. */
    async pyramid(_, context) {
      const { region, minFaceSize, maxFaceSize, scaleFactor, sampler } = context
      const started = performance.now()
      const levels = pyramidLevels(region.width, region.height, minFaceSize, maxFaceSize, scaleFactor)
      const total = levels.reduce((sum, { width, height }) => sum + width * height, 0)
      if (total > MAX_PIXELS) {
        throw new FacewiseError(
          'IMAGE_TOO_LARGE',
          `Faces of ${minFaceSize} pixels in a picture of ${region.width} x ${region.height} take too long to watch. ` +
            'Raise the smallest face, or give a smaller picture.',
        )
      }
      // A sheet for each level: P-Net answers for it alone. Even sides, since a window begins at every second pixel.
      sheets = levels.flatMap(level => packLevels([level], { aloneAbove: 0, roundTo: 2 }))
      pixels = context.sheets(sheets)
      const { scale, shift } = context.network('pnet').normalisation
      sampler.resizeAll(
        sheets.map(({ width, placements: [{ level }] }, i) => {
          return {
            width: level.width,
            height: level.height,
            out: pixels[i],
            offset: 0,
            stride: width * 3,
            scale,
            shift,
          }
        }),
      )
      sheets.forEach((sheet, i) => {
        repeatEdges(sheet, pixels[i])
      })
      context.time('prepare', performance.now() - started)
      return NOTHING
    },

    /** P-Net looks at every window; those that look like a face stay. */
    async windows(_, context) {
      const network = context.network('pnet')
      cells = []
      for (const [i, sheet] of sheets.entries()) {
        await nextTurn()
        const shape = [1, sheet.height, sheet.width, 3] as const
        const [rows] = await timed(context, 'network', () => network.run([{ data: pixels[i], shape }], context.signal))
        const perRow = (sheet.width - 12) / 2 + 1
        cells.push(cellsToBoxes(rows, perRow, sheet.placements[0], thresholds[0]))
      }
      pixels = []
      return concat(cells)
    },

    /** Of windows that overlap, the best: within each level, then over all. */
    suppressed(_, context) {
      return timed(context, 'select', async () => {
        const merged = concat(cells.map(level => pick(level, nms(level, overlaps[0]))))
        return pick(merged, nms(merged, overlaps[1]))
      })
    },

    /** Edges moved to where P-Net says that they are; then squares, as R-Net wants them. */
    regressed: (found, context) => timed(context, 'select', async () => square(regress(found))),

    refined: inTurn(refine({ threshold: thresholds[1], nms: overlaps[2] })),
    output: inTurn(output({ threshold: thresholds[2], nms: overlaps[3] })),
  }
  return {
    stages: STEP_NAMES.map(name => ({ name, run: stages[name] })),
    levels: () =>
      sheets.map(({ placements: [{ level }] }, i) => ({ ...level, windows: cells[i] ? cells[i].count : 0 })),
  }
}

/** A stage that begins in a turn of its own. */
function inTurn(stage: Stage): Stage['run'] {
  return async (candidates, context) => {
    await nextTurn()
    return stage.run(candidates, context)
  }
}

/** Lets messages in: networks on WebAssembly hold the thread, and the word to stop has to get through. */
function nextTurn(): Promise<void> {
  return new Promise(resolve => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(undefined)
  })
}

async function timed<T>(context: StageContext, part: 'network' | 'select', run: () => Promise<T>): Promise<T> {
  const started = performance.now()
  const result = await run()
  context.time(part, performance.now() - started)
  return result
}

/** Repeats the last column and row of a level with an odd side, over which its last windows look by a pixel. */
function repeatEdges({ width, height, placements: [{ level }] }: Sheet, pixels: Float32Array): void {
  const row = width * 3
  if (level.width < width) {
    for (let end = level.width * 3; end < level.height * row; end += row) pixels.copyWithin(end, end - 3, end)
  }
  if (level.height < height) pixels.copyWithin(level.height * row, (level.height - 1) * row, level.height * row)
}
