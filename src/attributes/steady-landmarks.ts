import { type AlignableFace, mirror } from '../alignment.ts'
import { FacewiseError } from '../errors.ts'
import type { Picture } from '../image/picture.ts'
import { applySimilarity, estimateSimilarity, type Point, type Similarity, warpSimilarity } from '../image/warp.ts'
import type { FivePoints } from '../models/manifest.ts'
import { FACE_TEMPLATE } from './pose.ts'

/** Finds faces in a small picture: `picture => detector.detect(picture)` does. */
export type LocateFaces = (picture: Picture) => Promise<readonly AlignableFace[]>

/** Options of {@link steadyLandmarks}. */
export interface SteadyOptions {
  /** How often the face is cut out and looked at again, each time by what was found before, in the last round in four sizes; 2 by default. */
  readonly rounds?: number
}

/** Side of the crop in pixels, and the distance between the eyes in it: the face is some 70 pixels high, with room for its detector. */
const SIDE = 144
const EYES = 32
/** In the last round it is cut out in each of these sizes: what a detector makes of its own grid differs from one to the next. */
const LAST_EYES = [26, 30, 34, 38] as const
/** The middle of the face lies this many distances between the eyes under them. */
const MIDDLE = 0.55

function layout(eyes: number): readonly Point[] {
  return FACE_TEMPLATE.map(([x, y]): Point => [SIDE / 2 + x * eyes, SIDE / 2 + (y - MIDDLE) * eyes])
}

/**
 * Finds a face's landmarks anew in upright crops of it and in the crops' mirror images, and gives the mean of all. A detector's
 * landmarks depend on how the face lies in its grid and on which side it is seen from; the mean does so less. It is worth its time
 * where the pose of one picture counts: a round takes two detections in a picture of 144 x 144 pixels, the last one eight, in four sizes.
 *
 * ```ts
 * const steady = await steadyLandmarks(picture, face.landmarks, crop => detector.detect(crop))
 * ```
 *
 * @param landmarks in pixels of the picture, as the detector gave them.
 * @returns landmarks in pixels of the picture; those of the last round in which the face was found in both pictures, or else `landmarks`.
 * @throws FacewiseError `INVALID_ARGUMENT` for rounds that are no whole number above 0 and landmarks that are not finite or all
 * coincide; whatever `locate` throws.
 */
export async function steadyLandmarks(
  picture: Picture,
  landmarks: FivePoints,
  locate: LocateFaces,
  options: SteadyOptions = {},
): Promise<FivePoints> {
  const { rounds = 2 } = options
  if (!(Number.isInteger(rounds) && rounds > 0)) {
    throw new FacewiseError('INVALID_ARGUMENT', `'rounds' is a whole number above 0; got ${rounds}.`)
  }
  if (landmarks?.length !== 5 || !landmarks.flat().every(Number.isFinite)) {
    throw new FacewiseError('INVALID_ARGUMENT', 'Steady landmarks start from five finite ones: those of a detector.')
  }
  let best = landmarks
  for (let round = 1; round <= rounds; round++) {
    const found: Point[][] = []
    for (const eyes of round < rounds ? [EYES] : LAST_EYES) {
      const points = await lookAgain(picture, best, eyes, locate)
      if (points) found.push(points)
    }
    if (found.length === 0) break
    best = best.map((_, i) => meanOf(found.map(points => points[i]))) as unknown as FivePoints
  }
  return best
}

/** The landmarks in one upright crop and its mirror image, in pixels of the picture; nothing if the face is not found in both. */
async function lookAgain(
  picture: Picture,
  landmarks: FivePoints,
  eyes: number,
  locate: LocateFaces,
): Promise<Point[] | undefined> {
  const upright = estimateSimilarity(landmarks, layout(eyes))
  const pixels = new Float32Array(SIDE * SIDE * 3)
  warpSimilarity(picture, upright, { width: SIDE, height: SIDE, out: pixels, offset: 0, scale: 1, shift: 0 })
  const seen = await central(locate, pixels)
  const seenMirrored = await central(locate, mirror(pixels, { width: SIDE, height: SIDE }))
  if (!seen || !seenMirrored) return undefined
  const [leftEye, rightEye, nose, leftMouth, rightMouth] = seenMirrored.map(([x, y]): Point => [SIDE - x, y])
  const other = [rightEye, leftEye, nose, rightMouth, leftMouth]
  const back = inverse(upright)
  return seen.map((point, i) => applySimilarity(back, meanOf([point, other[i]])))
}

function meanOf(points: readonly Point[]): Point {
  const sum = (axis: 0 | 1): number => points.reduce((total, point) => total + point[axis], 0)
  return [sum(0) / points.length, sum(1) / points.length]
}

/** The landmarks of the face nearest to the middle of the crop, where one covers it. */
async function central(locate: LocateFaces, pixels: Float32Array): Promise<FivePoints | undefined> {
  const faces = await locate({ data: Uint8Array.from(pixels, Math.round), width: SIDE, height: SIDE })
  const off = ({ box }: AlignableFace): number =>
    Math.hypot(box.x + (box.width - SIDE) / 2, box.y + (box.height - SIDE) / 2)
  const [nearest] = faces.filter(({ landmarks }) => landmarks?.length === 5).sort((a, b) => off(a) - off(b))
  // A face whose middle is farther off than that is another one.
  return nearest && off(nearest) < EYES ? nearest.landmarks : undefined
}

function inverse({ a, b, tx, ty }: Similarity): Similarity {
  const norm = a * a + b * b
  return { a: a / norm, b: -b / norm, tx: -(a * tx + b * ty) / norm, ty: (b * tx - a * ty) / norm }
}
