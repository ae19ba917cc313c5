import { FacewiseError } from '../errors.ts'
import type { Region, ResizeTarget } from '../image/resize.ts'
import type { Network, NetworkInput } from '../models/network.ts'
import { MTCNN_CHANNELS } from '../models/networks/mtcnn.ts'
import { type Candidates, concat, logit, NO_CANDIDATES, pick, probability, regress, square } from './candidates.ts'
import { type Doubtful, makeExact } from './exact.ts'
import { nms } from './nms.ts'
import {
  CELL_SIZE,
  CELL_STRIDE,
  type Level,
  type PackOptions,
  type Placement,
  packLevels,
  pyramidLevels,
  type Sheet,
} from './pyramid.ts'
import { checkShare, type Stage, type StageContext } from './stage.ts'
import { cutTile, joinTiles, planTiles } from './tiles.ts'

/** Options of {@link proposals}. */
export interface ProposalOptions {
  /** Lowest probability of a cell, 0 to 1; 0.6 by default. */
  readonly threshold?: number
  /** Overlap (intersection over union) above which the worse of two cells goes: within a level, then over all levels. */
  readonly nms?: { readonly level?: number; readonly all?: number }
}

/**
 * The first stage: P-Net over every level of the pyramid proposes windows. Scaled copies; P-Net; drop low confidence; 12x12 cells
 * back to picture coordinates; non-maximum suppression within each level, then over all; box regression; square.
 */
export function proposals({ threshold = 0.6, nms: { level = 0.5, all = 0.7 } = {} }: ProposalOptions = {}): Stage {
  checkShare('threshold', threshold)
  checkShare('nms.level', level)
  checkShare('nms.all', all)
  return {
    name: 'proposals',
    async run(_, context) {
      const { region, minFaceSize, maxFaceSize, scaleFactor, signal } = context
      const network = context.network('pnet')
      const started = performance.now()
      const levels = pyramidLevels(region.width, region.height, minFaceSize, maxFaceSize, scaleFactor)
      if (levels.length === 0) return NO_CANDIDATES
      checkSize(levels, region, minFaceSize)
      const sheets = packLevels(levels, packFor(network))
      const inputs = drawSheets(sheets, network, context)
      const prepared = performance.now()
      const outputs =
        network.gpu || network.parallel ? await network.run(inputs, signal) : await runInTiles(network, inputs, signal)
      if (network.approximates) {
        const { network: exact, within } = network.approximates
        const doubtful = doubtfulCells(outputs, inputs, logit(threshold) - within)
        await makeExact(doubtful, CELL_SIZE, MTCNN_CHANNELS.pnet, exact, signal)
      }
      const ran = performance.now()
      const found = sheets.flatMap((sheet, i) => {
        const cellsPerRow = cellCount(sheet.width)
        return sheet.placements.map(placement => {
          const cells = cellsToBoxes(outputs[i], cellsPerRow, placement, threshold)
          return pick(cells, nms(cells, level))
        })
      })
      const merged = concat(found)
      const boxes = square(regress(pick(merged, nms(merged, all))))
      for (let k = 0; k < boxes.boxes.length; k += 4) {
        boxes.boxes[k] += region.x
        boxes.boxes[k + 1] += region.y
        boxes.boxes[k + 2] += region.x
        boxes.boxes[k + 3] += region.y
      }
      context.time('prepare', prepared - started)
      context.time('network', ran - prepared)
      context.time('select', performance.now() - ran)
      return boxes
    },
  }
}

/**
 * On a GPU every call and every new shape is dear, so all levels share one sheet of rounded size; elsewhere empty space is what
 * costs, so only levels that are too small to fill a call share one.
 */
function packFor(network: Network): PackOptions {
  return network.gpu
    ? { aloneAbove: Number.POSITIVE_INFINITY, roundTo: 64 }
    : { aloneAbove: 8192, roundTo: CELL_STRIDE }
}

/** Twelve bytes each, and a feature map of forty: more would not fit in the memory of many a process. */
const MAX_PYRAMID_PIXELS = 100_000_000

function checkSize(levels: readonly Level[], region: Region, minFaceSize: number): void {
  const pixels = levels.reduce((sum, { width, height }) => sum + width * height, 0)
  if (pixels <= MAX_PYRAMID_PIXELS) return
  throw new FacewiseError(
    'IMAGE_TOO_LARGE',
    `Faces of ${minFaceSize} pixels in ${region.width} x ${region.height} pixels need a pyramid of ${Math.round(pixels / 1e6)} ` +
      'million pixels, 100 at most. Raise `minFaceSize`, scale the picture down, or search it part by part with `roi`.',
  )
}

/** Pixels of a tile, found by measuring: its largest feature map, ten numbers a pixel, then takes 1 MB. */
const TILE_PIXELS = 24_576

async function runInTiles(
  network: Network,
  sheets: readonly NetworkInput[],
  signal: AbortSignal | undefined,
): Promise<Float32Array[]> {
  const plans = sheets.map(({ shape: [, height, width] }) => planTiles(width, height, TILE_PIXELS))
  const inputs = sheets.flatMap(({ data, shape: [, , width] }, i) =>
    plans[i].length === 1
      ? [sheets[i]]
      : plans[i].map(
          (tile): NetworkInput => ({
            data: cutTile(data, width, tile),
            shape: [1, tile.height, tile.width, 3],
          }),
        ),
  )
  const outputs = await network.run(inputs, signal)
  let next = 0
  return sheets.map(({ shape: [, height, width] }, i) => {
    const own = outputs.slice(next, next + plans[i].length)
    next += own.length
    return own.length === 1 ? own[0] : joinTiles(own, plans[i], width, height, MTCNN_CHANNELS.pnet)
  })
}

function drawSheets(sheets: readonly Sheet[], network: Network, context: StageContext): NetworkInput[] {
  const { scale, shift } = network.normalisation
  const targets: ResizeTarget[] = []
  const pixels = context.sheets(sheets)
  const inputs = sheets.map((sheet, i): NetworkInput => {
    const stride = sheet.width * 3
    for (const { level, x, y } of sheet.placements) {
      const place = { out: pixels[i], offset: y * stride + x * 3, stride }
      targets.push({ width: level.width, height: level.height, ...place, scale, shift })
    }
    return { data: pixels[i], shape: [1, sheet.height, sheet.width, 3] }
  })
  context.sampler.resizeAll(targets)
  for (const target of targets) repeatEdges(target)
  return inputs
}

/** How many cells P-Net gives along a side of `size` pixels: one every two pixels, a last odd pixel included. */
export function cellCount(size: number): number {
  return Math.max(0, Math.ceil((size - CELL_SIZE) / CELL_STRIDE) + 1)
}

/** Repeats the last column and row of a level with an odd side: its last cells look one pixel over the edge. */
function repeatEdges({ out, offset, stride, width, height }: ResizeTarget): void {
  if (width % CELL_STRIDE === 1) {
    for (let y = 0; y < height; y++) {
      const last = offset + y * stride + (width - 1) * 3
      out.copyWithin(last + 3, last, last + 3)
    }
  }
  if (height % CELL_STRIDE === 1) {
    const last = offset + (height - 1) * stride
    out.copyWithin(last + stride, last, last + (width + (width % CELL_STRIDE)) * 3)
  }
}

/** The cells whose logit reaches `lowest`, to be looked at again. */
function doubtfulCells(outputs: readonly Float32Array[], inputs: readonly NetworkInput[], lowest: number): Doubtful[] {
  return inputs.flatMap(({ data, shape: [, , width] }, i) => {
    const columns = cellCount(width)
    const output = outputs[i]
    const found: Doubtful[] = []
    for (let at = 0; at < output.length; at += MTCNN_CHANNELS.pnet) {
      if (output[at] < lowest) continue
      const cell = at / MTCNN_CHANNELS.pnet
      const from = (Math.floor(cell / columns) * width + (cell % columns)) * CELL_STRIDE * 3
      found.push({
        output,
        at,
        copy(to, offset) {
          for (let y = 0; y < CELL_SIZE; y++) {
            const start = from + y * width * 3
            to.set(data.subarray(start, start + CELL_SIZE * 3), offset + y * CELL_SIZE * 3)
          }
        },
      })
    }
    return found
  })
}

/**
 * The cells of one level whose probability is at least `threshold`, as boxes in picture coordinates: cell i of a level with scale s
 * spans floor((2 i + 1) / s) to floor((2 i + 12) / s).
 *
 * @param output P-Net's output for the whole sheet: rows of `cellsPerRow` cells of five numbers (face logit, four offsets).
 */
export function cellsToBoxes(
  output: Float32Array,
  cellsPerRow: number,
  placement: Placement,
  threshold: number,
): Candidates {
  const { level, x, y } = placement
  const columns = cellCount(level.width)
  const rows = cellCount(level.height)
  const lowest = logit(threshold)
  const hits: number[] = []
  for (let row = 0; row < rows; row++) {
    let at = ((y / CELL_STRIDE + row) * cellsPerRow + x / CELL_STRIDE) * 5
    for (let column = 0; column < columns; column++, at += 5) {
      if (output[at] >= lowest) hits.push(at, column, row)
    }
  }
  const count = hits.length / 3
  const boxes = new Float64Array(count * 4)
  const scores = new Float64Array(count)
  const offsets = new Float64Array(count * 4)
  for (let i = 0; i < count; i++) {
    const at = hits[i * 3]
    const left = CELL_STRIDE * hits[i * 3 + 1]
    const top = CELL_STRIDE * hits[i * 3 + 2]
    boxes[i * 4] = Math.floor((left + 1) / level.scale)
    boxes[i * 4 + 1] = Math.floor((top + 1) / level.scale)
    boxes[i * 4 + 2] = Math.floor((left + CELL_SIZE) / level.scale)
    boxes[i * 4 + 3] = Math.floor((top + CELL_SIZE) / level.scale)
    scores[i] = probability(output[at])
    for (let k = 0; k < 4; k++) offsets[i * 4 + k] = output[at + 1 + k]
  }
  return { count, boxes, scores, offsets, points: new Float64Array(0) }
}
