import type { BackendOptions, Engine } from '../backends/index.ts'
import { recovering } from '../backends/recovery.ts'
import { FacewiseError, throwIfAborted } from '../errors.ts'
import { cropArea } from '../image/crop.ts'
import { decode } from '../image/decode.ts'
import type { ImageInput } from '../image/input.ts'
import { areaSampler } from '../image/integral.ts'
import type { Box, Picture } from '../image/picture.ts'
import { type Region, resizeAreaAll } from '../image/resize.ts'
import { type LoadModelOptions, loadModel, type Model } from '../models/load.ts'
import { type Candidates, NO_CANDIDATES } from './candidates.ts'
import {
  type DetectOptions,
  type Detector,
  type Face,
  type Landmarks,
  type RefineFacesOptions,
  selectFaces,
} from './detector.ts'
import { createFixedPoint, type FixedPoint } from './fixed-point/index.ts'
import { lookAgain } from './look-again.ts'
import { output } from './output.ts'
import { proposals } from './proposals.ts'
import { refine } from './refine.ts'
import type { Stage } from './stage.ts'

/** What can be set for the cascade once, and again for each call of `detect`. */
export interface MtcnnSettings {
  /** The shorter side, in pixels, of the smallest face to find; 40 by default. Half the size takes four times as long. */
  readonly minFaceSize?: number
  /** The largest face to find; no limit by default. */
  readonly maxFaceSize?: number
  /** Step from one level of the pyramid to the next, between 0 and 1; 0.709 (the square root of a half) by default. */
  readonly scaleFactor?: number
  /** `false` leaves the landmarks out of the result. */
  readonly landmarks?: boolean
  /** Called after each stage with its boxes: for teaching, debugging and measuring. */
  readonly onStage?: (report: StageReport) => void
}

/** What one stage found, and how long its parts took. */
export interface StageReport {
  readonly name: string
  readonly boxes: readonly (Box & { readonly score: number })[]
  /** Milliseconds: pictures for the network, the network itself, and choosing among its answers. */
  readonly time: { readonly prepare: number; readonly network: number; readonly select: number }
}

/** Options of {@link createMtcnn}. */
export interface MtcnnOptions extends MtcnnSettings {
  /**
   * Lowest probability of a face in P-Net, R-Net and O-Net. [0.6, 0.7, 0.7] by default, the published ones; the model card
   * prints what a higher last one costs and gains.
   */
  readonly thresholds?: readonly [proposal: number, refine: number, output: number]
  /** Overlaps of non-maximum suppression: within a level, over all levels, in R-Net, in O-Net. [0.5, 0.7, 0.7, 0.7] by default. */
  readonly nms?: readonly [level: number, all: number, refine: number, output: number]
  /** The cascade itself. Takes the place of `thresholds` and `nms`. */
  readonly stages?: readonly Stage[]
  /**
   * Whether the networks look first in 16-bit fixed point where they can (WebAssembly with SIMD), and in float32 only at what may be a
   * face: twice as fast, with the same result. `true` by default.
   */
  readonly fixedPoint?: boolean
  /** A started backend, or how to choose one. */
  readonly backend?: Engine | BackendOptions
  /** Where the model comes from; the one in the package by default. */
  readonly model?: LoadModelOptions
}

/** Options of one call of {@link Mtcnn.detect}. */
export interface MtcnnDetectOptions extends DetectOptions, MtcnnSettings {}

/** The MTCNN cascade as a {@link Detector}. */
export interface Mtcnn extends Detector {
  detect(input: ImageInput, options?: MtcnnDetectOptions): Promise<Face[]>
  /**
   * Looks with O-Net alone at boxes of the frame before: one face a box, in their order, however low its score.
   *
   * @throws FacewiseError `INVALID_ARGUMENT` for a box that is not finite or has no area; as `detect`.
   */
  refine(input: ImageInput, boxes: readonly Box[], options?: RefineFacesOptions): Promise<Face[]>
  /** The backend that it runs on; another one after a lost GPU context. */
  readonly engine: Engine
  [Symbol.dispose](): void
}

const DEFAULTS = {
  minFaceSize: 40,
  maxFaceSize: Number.POSITIVE_INFINITY,
  scaleFactor: 0.709,
  landmarks: true,
} as const

/**
 * Loads MTCNN and gets it ready: the cascade of Zhang et al. 2016 with the authors' weights.
 *
 * ```ts
 * const mtcnn = await createMtcnn({ minFaceSize: 32 })
 * const faces = await mtcnn.detect('photo.jpg')
 * ```
 *
 * Calls of `detect` may overlap. If the GPU context is lost, the detector goes on with the next backend.
 *
 * @throws FacewiseError `INVALID_ARGUMENT`, `BACKEND_UNAVAILABLE`, `MODEL_NOT_FOUND`, `MODEL_CORRUPT`.
 */
export async function createMtcnn(options: MtcnnOptions = {}): Promise<Mtcnn> {
  checkSettings({ ...DEFAULTS, ...defined(options) })
  const stages = options.stages ?? defaultStages(options)
  const running = await recovering(
    options.backend,
    async (engine): Promise<Running> => {
      const model = await loadModel('mtcnn', { ...options.model, engine })
      const fixedPoint = options.fixedPoint === false ? undefined : await createFixedPoint(engine, model)
      return { model, fixedPoint, dispose: () => model.dispose() }
    },
    'This detector was disposed; create another with createMtcnn().',
  )

  async function detect(input: ImageInput, call: MtcnnDetectOptions = {}): Promise<Face[]> {
    checkSettings({ ...DEFAULTS, ...defined(options), ...defined(call) })
    const { use } = running
    // A disposed detector says so before it reads a picture.
    const picture = await use(() => decode(input, call))
    return use(loaded => cascade(picture, call, loaded))
  }

  async function cascade(picture: Picture, call: MtcnnDetectOptions, { model, fixedPoint }: Running): Promise<Face[]> {
    const settings = { ...DEFAULTS, ...defined(options), ...defined(call) }
    const region = regionOf(picture, call.roi)
    if (!region) return []
    const { minFaceSize, maxFaceSize, scaleFactor, onStage } = settings
    const lease = await fixedPoint?.lease(picture, region)
    const sampler = lease?.sampler ?? areaSampler(picture, region)
    let candidates: Candidates = NO_CANDIDATES
    try {
      for (const stage of stages) {
        throwIfAborted(call.signal)
        const time = { prepare: 0, network: 0, select: 0 }
        candidates = await stage.run(candidates, {
          picture,
          sampler,
          sheets: sizes => lease?.sheets(sizes) ?? plainSheets(sizes),
          region,
          minFaceSize,
          maxFaceSize,
          scaleFactor,
          network: name => lease?.network(name) ?? model.network(name),
          signal: call.signal,
          time: (part, ms) => {
            time[part] += ms
          },
        })
        onStage?.({ name: stage.name, boxes: toBoxes(candidates), time })
      }
    } finally {
      lease?.release()
    }
    return selectFaces(toFaces(candidates, settings.landmarks), call.maxFaces, call.keep)
  }

  async function refineFaces(input: ImageInput, boxes: readonly Box[], call: RefineFacesOptions = {}): Promise<Face[]> {
    checkBoxes(boxes)
    const { use } = running
    const picture = await use(() => decode(input, call))
    const region = { x: 0, y: 0, width: picture.width, height: picture.height }
    const settings = { ...DEFAULTS, ...defined(options) }
    return use(async ({ model }) => {
      throwIfAborted(call.signal)
      const candidates = await lookAgain(boxes, {
        ...settings,
        picture,
        region,
        // Sums over the whole picture would cost more than the few crops that are needed.
        sampler: {
          resizeAll: targets => resizeAreaAll(picture, region, targets),
          crop: (...of) => cropArea(picture, ...of),
        },
        sheets: plainSheets,
        network: name => model.network(name),
        signal: call.signal,
        time: () => {},
      })
      return toFaces(candidates, settings.landmarks)
    })
  }

  const { dispose } = running
  return {
    detect,
    refine: refineFaces,
    dispose,
    [Symbol.dispose]: dispose,
    get engine() {
      return running.engine
    },
  }
}

function plainSheets(sizes: readonly { readonly width: number; readonly height: number }[]): Float32Array[] {
  return sizes.map(({ width, height }) => new Float32Array(width * height * 3))
}

/** What a detection uses. */
interface Running {
  readonly model: Model
  readonly fixedPoint: FixedPoint | undefined
  dispose(): void
}

function defaultStages({ thresholds = [0.6, 0.7, 0.7], nms = [0.5, 0.7, 0.7, 0.7] }: MtcnnOptions): Stage[] {
  return [
    proposals({ threshold: thresholds[0], nms: { level: nms[0], all: nms[1] } }),
    refine({ threshold: thresholds[1], nms: nms[2] }),
    output({ threshold: thresholds[2], nms: nms[3] }),
  ]
}

/** The entries of an object that are not undefined, so that `{ minFaceSize: undefined }` leaves the default. */
function defined<T extends object>(object: T): Partial<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Partial<T>
}

function checkSettings(options: MtcnnOptions & MtcnnDetectOptions): void {
  const check = (ok: boolean, message: string): void => {
    if (!ok) throw new FacewiseError('INVALID_ARGUMENT', message)
  }
  const { minFaceSize, maxFaceSize, scaleFactor, thresholds, nms, maxFaces, keep, roi, stages } = options
  check(
    minFaceSize === undefined || minFaceSize >= 1,
    `minFaceSize is a size in pixels, 1 or more; got ${minFaceSize}.`,
  )
  check(
    maxFaceSize === undefined || maxFaceSize >= (minFaceSize ?? 1),
    `maxFaceSize is a size in pixels, not under minFaceSize; got ${maxFaceSize}.`,
  )
  check(
    scaleFactor === undefined || (scaleFactor > 0.1 && scaleFactor < 0.99),
    `scaleFactor lies between 0.1 and 0.99 (0.709 is usual); got ${scaleFactor}.`,
  )
  for (const [name, values, length] of [
    ['thresholds', thresholds, 3],
    ['nms', nms, 4],
  ] as const) {
    if (!values) continue
    check(
      values.length === length && values.every(v => v > 0 && v < 1),
      `${name} are ${length} numbers between 0 and 1; got [${values}].`,
    )
  }
  check(maxFaces === undefined || (maxFaces >= 1 && !Number.isNaN(maxFaces)), `maxFaces is 1 or more; got ${maxFaces}.`)
  check(keep === undefined || keep === 'best' || keep === 'largest', `keep is 'best' or 'largest'; got ${keep}.`)
  check(
    roi === undefined || (roi.width > 0 && roi.height > 0 && Number.isFinite(roi.x + roi.y)),
    'roi is a box { x, y, width, height } in pixels with a positive size.',
  )
  check(stages === undefined || stages.length > 0, 'stages needs at least one stage.')
}

function checkBoxes(boxes: readonly Box[]): void {
  const wrong = boxes.findIndex(
    ({ x, y, width, height }) => !(Number.isFinite(x + y) && width >= 1 && height >= 1 && width + height < 1e6),
  )
  if (wrong < 0) return
  throw new FacewiseError(
    'INVALID_ARGUMENT',
    `Box ${wrong} is no { x, y, width, height } in pixels of at least 1 x 1: ${JSON.stringify(boxes[wrong])}.`,
  )
}

/** The region of interest in whole pixels inside the picture; nothing if it lies outside. */
function regionOf(picture: Picture, roi: Box | undefined): Region | undefined {
  if (!roi) return { x: 0, y: 0, width: picture.width, height: picture.height }
  const x = Math.max(0, Math.floor(roi.x))
  const y = Math.max(0, Math.floor(roi.y))
  const width = Math.min(picture.width, Math.ceil(roi.x + roi.width)) - x
  const height = Math.min(picture.height, Math.ceil(roi.y + roi.height)) - y
  return width > 0 && height > 0 ? { x, y, width, height } : undefined
}

function toBoxes({ count, boxes, scores }: Candidates): (Box & { score: number })[] {
  return Array.from({ length: count }, (_, i) => {
    const [x1, y1, x2, y2] = boxes.subarray(i * 4, i * 4 + 4)
    return { x: x1, y: y1, width: x2 - x1, height: y2 - y1, score: scores[i] }
  })
}

function toFaces(candidates: Candidates, landmarks: boolean): Face[] {
  const { points } = candidates
  return toBoxes(candidates).map(({ score, ...box }, i) => {
    if (!landmarks || points.length === 0) return { box, score }
    const point = (k: number): readonly [number, number] => [points[i * 10 + k], points[i * 10 + 5 + k]]
    const marks: Landmarks = [point(0), point(1), point(2), point(3), point(4)]
    return { box, score, landmarks: marks }
  })
}
