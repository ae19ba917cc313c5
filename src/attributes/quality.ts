import type { AlignableFace } from '../alignment.ts'
import { FacewiseError } from '../errors.ts'
import type { Picture } from '../image/picture.ts'
import { estimatePose, type HeadPose } from './pose.ts'
import { detailOf } from './quality/detail.ts'
import { faceGrid, faceRegion, shareOutside } from './quality/grid.ts'
import {
  limitsOf,
  type QualityLimits,
  type QualityMeasureName,
  type QualityWeights,
  ramp,
  weightsOf,
} from './quality/limits.ts'
import { type QualityReason, reasonOf } from './quality/reasons.ts'
import { toneOf } from './quality/tone.ts'

export {
  QUALITY_LIMITS,
  QUALITY_WEIGHTS,
  type QualityLimit,
  type QualityLimits,
  type QualityMeasureName,
  type QualityWeights,
} from './quality/limits.ts'
export type { QualityReason, QualityReasonCode } from './quality/reasons.ts'

/** A face whose quality is asked: as a detector gives it. */
export interface AssessableFace extends AlignableFace {
  /** How sure the detector is, 0 to 1. */
  readonly score?: number
}

/** One property of a face. */
export interface QualityMeasure {
  /** In the unit of the measure. */
  readonly value: number
  /** From 0 (useless) to 1 (as good as it need be). */
  readonly score: number
}

/** What is measured. All but size, pose and edge are measured on the face scaled to 72 x 96 cells, whatever its size in pixels. */
export interface QualityMeasures {
  /** Width of the face in pixels: from its five points, or of its box where it has none. */
  readonly size: QualityMeasure
  /** Energy of fine edges over that of coarse features: 0.25 and more of a sharp face, low where it is blurred, was enlarged or is full of noise. */
  readonly sharpness: QualityMeasure
  /** Standard deviation of the noise over the contrast: 0 without noise, 0.05 where the face is full of grain. */
  readonly noise: QualityMeasure
  /** Mean luma, 0 to 1. */
  readonly brightness: QualityMeasure
  /** Share of the face that is burnt out (luma over 0.96), 0 to 1. */
  readonly exposure: QualityMeasure
  /** Range of luma from its 5th to its 95th percentile, 0 to 1. */
  readonly contrast: QualityMeasure
  /** Difference of the mean luma of the left and right half over their sum, 0 (even light) to 1. */
  readonly evenness: QualityMeasure
  /** Angle between where the head and where the camera points, in degrees, 0 to 180; absent without landmarks. Roll does not count. */
  readonly pose?: QualityMeasure
  /** Share of the face that lies outside the picture, 0 to 1. */
  readonly edge: QualityMeasure
  /** The detector's score, 0 to 1; absent where the face has none. */
  readonly confidence?: QualityMeasure
}

/** How well a face can be recognised in a picture. */
export interface FaceQuality {
  /**
   * From 0 to 1: the share of true matches, at a false match rate of 1e-3, that this picture keeps of those that a flawless one gives.
   * Fitted with the default embedder on pictures that were made worse; see `docs/quality.md` for how well it holds.
   */
  readonly score: number
  readonly measures: QualityMeasures
  /** What is bad, the worst first, also where it has no weight in the score; empty for a good picture. */
  readonly reasons: readonly QualityReason[]
}

/** Options of {@link assessQuality}. */
export interface QualityOptions {
  /** Where measures begin to be bad and where they are useless; each by default as in {@link QUALITY_LIMITS}. */
  readonly limits?: Partial<QualityLimits>
  /** How much measures count; each by default as in {@link QUALITY_WEIGHTS}. */
  readonly weights?: Partial<QualityWeights>
  /** A measure whose score is under this one has a reason; 0.5 by default. */
  readonly reasonBelow?: number
}

/** Of a face with less of it in the picture nothing is measured; the score is 0. */
const LEAST_SHARE = 0.01

/**
 * How well a face can be recognised in a picture, and what is wrong with it: for asking for another picture while the person is still
 * there, for choosing the best of many frames, for keeping bad pictures out of a store.
 *
 * The score is the product, over all measures, of 1 - weight * (1 - score of the measure). It foretells errors of recognition (ISO/IEC
 * 29794-1 calls that the utility of a sample), not beauty. What it cannot see: a covered or made-up face, age, closed eyes.
 *
 * ```ts
 * const { score, reasons } = assessQuality(picture, face)
 * if (score < 0.8) console.log(reasons[0]?.message)
 * ```
 *
 * @param face as a detector gives it; landmarks and score may be absent, and their measures are then.
 * @throws FacewiseError `INVALID_ARGUMENT` for a picture whose bytes do not fit its size, a box without an area, landmarks that are not five
 * finite points or that coincide, a score out of range, options that make no sense.
 */
export function assessQuality(picture: Picture, face: AssessableFace, options: QualityOptions = {}): FaceQuality {
  const { reasonBelow = 0.5 } = options
  const limits = limitsOf(options.limits)
  const weights = weightsOf(options.weights)
  if (!(reasonBelow >= 0 && reasonBelow <= 1)) {
    throw new FacewiseError('INVALID_ARGUMENT', `'reasonBelow' is a score, 0 to 1; got ${reasonBelow}.`)
  }
  checkInput(picture, face)
  const pose = face.landmarks && estimatePose(face.landmarks)
  const { values, seen } = measure(picture, face, pose)
  const scored = Object.entries(values).map(([key, value]) => {
    const name = key as QualityMeasureName
    return { name, value, score: seen || !ON_PIXELS.has(name) ? scoreOf(name, value, limits) : 0 }
  })
  const product = scored.reduce((left, { name, score }) => left * (1 - weights[name] * (1 - score)), 1)
  const low = scored.filter(({ score }) => score < reasonBelow)
  // Of a face outside the picture there is nothing to say but that.
  const told = seen ? low.sort((a, b) => a.score - b.score) : low.filter(({ name }) => name === 'edge')
  return {
    score: seen ? product : 0,
    measures: Object.fromEntries(
      scored.map(({ name, value, score }) => [name, { value, score }]),
    ) as unknown as QualityMeasures,
    reasons: told.map(({ name, value }) => reasonOf(name, value, limits, pose)),
  }
}

/** What is measured on the pixels of the face. */
const ON_PIXELS: ReadonlySet<QualityMeasureName> = new Set([
  'sharpness',
  'noise',
  'brightness',
  'exposure',
  'contrast',
  'evenness',
])

type Values = Partial<Record<QualityMeasureName, number>>

function measure(
  picture: Picture,
  face: AssessableFace,
  pose: HeadPose | undefined,
): { values: Record<string, number>; seen: boolean } {
  const region = faceRegion(face)
  const edge = shareOutside(region, picture)
  const grid = 1 - edge >= LEAST_SHARE ? faceGrid(picture, region) : undefined
  const seen = grid !== undefined && grid.count > 0
  const tone = seen ? toneOf(grid) : { mean: 0, burnt: 0, range: 0, unevenness: 0 }
  const detail = seen ? detailOf(grid) : { ratio: 0, noise: 0 }
  const values: Values = {
    size: region.width,
    sharpness: detail.ratio,
    // Of a face that is flat, noise is nothing to compare with: a hundredth of contrast is rounding of the bytes.
    noise: detail.noise / (tone.range + 0.01),
    brightness: tone.mean,
    exposure: tone.burnt,
    contrast: tone.range,
    evenness: tone.unevenness,
    ...(pose && { pose: offAxis(pose) }),
    edge,
    ...(face.score !== undefined && { confidence: face.score }),
  }
  return { values: values as Record<string, number>, seen }
}

function scoreOf(name: QualityMeasureName, value: number, limits: QualityLimits): number {
  if (name !== 'brightness') return ramp(value, limits[name])
  const [dark, lightEnough, darkEnough, bright] = limits.brightness
  return Math.min(ramp(value, [dark, lightEnough]), ramp(value, [bright, darkEnough]))
}

/** The angle between the direction of the nose and the camera's axis, in degrees. */
function offAxis({ yaw, pitch }: HeadPose): number {
  const cosine = (degrees: number): number => Math.cos((degrees * Math.PI) / 180)
  return (Math.acos(Math.min(1, cosine(yaw) * cosine(pitch))) * 180) / Math.PI
}

function checkInput({ data, width, height }: Picture, { score }: AssessableFace): void {
  if (!(width >= 1 && height >= 1) || data.length !== width * height * 3) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `A picture of ${width} x ${height} has three bytes a pixel; got ${data.length} bytes. Use decode() or fromRawPixels().`,
    )
  }
  if (score !== undefined && !(score >= 0 && score <= 1)) {
    throw new FacewiseError('INVALID_ARGUMENT', `The detector's score is from 0 to 1; got ${score}.`)
  }
}
