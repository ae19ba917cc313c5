import type { Box } from '../image/picture.ts'
import type { Face, Landmarks } from './detector.ts'

/** A face as somebody labelled it. */
export interface LabelledFace {
  readonly box: Box
  /** Neither to be found nor wrong to find: too blurred to judge, for one. */
  readonly ignore?: boolean
  readonly landmarks?: Landmarks
}

/** One picture: what is in it, and what a detector found. */
export interface EvaluatedPicture {
  readonly labelled: readonly LabelledFace[]
  readonly found: readonly Face[]
}

/** Rules of the comparison. */
export interface EvaluationOptions {
  /** Labelled faces with a shorter side under this many pixels are neither right nor wrong; 20 by default. */
  readonly minFaceSize?: number
  /** Least intersection over union of a match; 0.4 by default. */
  readonly overlap?: number
}

/** How good a detector is at one threshold. */
export interface DetectionScore {
  /** Lowest score of the faces that were taken into account. */
  readonly threshold: number
  readonly pictures: number
  /** Labelled faces that count, and how many of them were found. */
  readonly counted: number
  readonly matched: number
  /** Share of the counted faces that were found. */
  readonly recall: number
  /** The same for faces of {@link LARGE_FACE} pixels and more. */
  readonly countedLarge: number
  readonly matchedLarge: number
  readonly recallLarge: number
  readonly falsePositives: number
  readonly falsePositivesPerPicture: number
  /** Share of the findings that are right. */
  readonly precision: number
  /**
   * Mean distance between found and labelled landmarks as a share of the distance between the labelled eyes, over the matched faces
   * with labelled landmarks; not-a-number where there are none.
   */
  readonly landmarkError: number
  readonly landmarkFaces: number
}

/** Shorter side, in pixels, from which a face is reported as large. */
export const LARGE_FACE = 40

/** Intersection over union of two boxes, 0 to 1. */
export function intersectionOverUnion(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x)
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y)
  if (width <= 0 || height <= 0) return 0
  const intersection = width * height
  return intersection / (a.width * a.height + b.width * b.height - intersection)
}

/** What became of each finding and each labelled face of one picture. */
export interface Matching {
  readonly matches: readonly { readonly face: Face; readonly labelled: LabelledFace }[]
  readonly falsePositives: readonly Face[]
  /** The labelled faces that count, found or not. */
  readonly counted: readonly LabelledFace[]
}

/**
 * Pairs findings with labelled faces: the best score chooses first, takes the free face that it overlaps most, and each face is taken
 * once. A finding that gets none is a false positive, unless it lies on a face that does not count.
 */
export function matchFaces({ labelled, found }: EvaluatedPicture, options: EvaluationOptions = {}): Matching {
  const { minFaceSize = 20, overlap = 0.4 } = options
  const counted = labelled.filter(({ box, ignore }) => !ignore && shorterSide(box) >= minFaceSize)
  const ignored = labelled.filter(face => !counted.includes(face))
  const free = new Set(counted)
  const matches: { face: Face; labelled: LabelledFace }[] = []
  const falsePositives: Face[] = []
  for (const face of [...found].sort((a, b) => b.score - a.score)) {
    const match = bestOverlap(face, free, overlap)
    if (match) {
      free.delete(match)
      matches.push({ face, labelled: match })
    } else if (!bestOverlap(face, ignored, overlap)) {
      falsePositives.push(face)
    }
  }
  return { matches, falsePositives, counted }
}

function bestOverlap({ box }: Face, candidates: Iterable<LabelledFace>, least: number): LabelledFace | undefined {
  let best: LabelledFace | undefined
  let bestValue = least
  for (const candidate of candidates) {
    const value = intersectionOverUnion(box, candidate.box)
    if (value >= bestValue && (best === undefined || value > bestValue)) {
      best = candidate
      bestValue = value
    }
  }
  return best
}

/**
 * Scores a detector's findings on labelled pictures at one threshold.
 *
 * The findings may come from a run with a lower last threshold: those under `threshold` are left out here. For MTCNN that is the same as
 * a run with `threshold` itself, since its last non-maximum suppression goes from the best score down, so that a box is never
 * suppressed by one with a lower score.
 */
export function scoreDetections(
  pictures: readonly EvaluatedPicture[],
  threshold: number,
  options: EvaluationOptions = {},
): DetectionScore {
  let counted = 0
  let matched = 0
  let countedLarge = 0
  let matchedLarge = 0
  let falsePositives = 0
  const landmarkErrors: number[] = []
  for (const { labelled, found } of pictures) {
    const result = matchFaces({ labelled, found: found.filter(({ score }) => score >= threshold) }, options)
    counted += result.counted.length
    countedLarge += result.counted.filter(isLarge).length
    matched += result.matches.length
    matchedLarge += result.matches.filter(match => isLarge(match.labelled)).length
    falsePositives += result.falsePositives.length
    for (const { face, labelled } of result.matches) {
      if (face.landmarks && labelled.landmarks) landmarkErrors.push(landmarkError(face.landmarks, labelled.landmarks))
    }
  }
  return {
    threshold,
    pictures: pictures.length,
    counted,
    matched,
    recall: matched / counted,
    countedLarge,
    matchedLarge,
    recallLarge: matchedLarge / countedLarge,
    falsePositives,
    falsePositivesPerPicture: falsePositives / pictures.length,
    precision: matched / (matched + falsePositives),
    landmarkError: landmarkErrors.reduce((a, b) => a + b, 0) / landmarkErrors.length,
    landmarkFaces: landmarkErrors.length,
  }
}

/** Mean distance of five landmarks to the labelled ones, as a share of the distance between the labelled eyes. */
export function landmarkError(found: Landmarks, labelled: Landmarks): number {
  const distance = ([ax, ay]: readonly number[], [bx, by]: readonly number[]): number => Math.hypot(ax - bx, ay - by)
  const sum = found.reduce((total, point, i) => total + distance(point, labelled[i]), 0)
  return sum / found.length / distance(labelled[0], labelled[1])
}

const shorterSide = ({ width, height }: Box): number => Math.min(width, height)
const isLarge = ({ box }: LabelledFace): boolean => shorterSide(box) >= LARGE_FACE
