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
  /** How often the face is cut out and looked at again, each time by what was found before; 2 by default. */
  readonly rounds?: number
}

/** Side of the crop in pixels, and the distance between the eyes in it: the face is some 70 pixels high, with room for its detector. */
const SIDE = 144
const EYES = 32
/** The middle of the face lies this many distances between the eyes under them. */
const MIDDLE = 0.55

const LAYOUT: readonly Point[] = FACE_TEMPLATE.map(([x, y]) => [SIDE / 2 + x * EYES, SIDE / 2 + (y - MIDDLE) * EYES])

/**
 * Finds a face's landmarks anew in an upright crop of it and in the crop's mirror image, and gives the mean of both. A detector's
 * landmarks depend on how the face lies in its grid and on which side it is seen from; the mean of both does so less. It is worth its time
 * where the pose of one picture counts: each round takes two detections in a picture of 144 x 144 pixels.
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
  for (let round = 0; round < rounds; round++) {
    const upright = estimateSimilarity(best, LAYOUT)
    const pixels = new Float32Array(SIDE * SIDE * 3)
    warpSimilarity(picture, upright, { width: SIDE, height: SIDE, out: pixels, offset: 0, scale: 1, shift: 0 })
    const seen = await central(locate, pixels)
    const seenMirrored = await central(locate, mirror(pixels, { width: SIDE, height: SIDE }))
    if (!seen || !seenMirrored) break
    const [leftEye, rightEye, nose, leftMouth, rightMouth] = seenMirrored.map(([x, y]): Point => [SIDE - x, y])
    const other = [rightEye, leftEye, nose, rightMouth, leftMouth]
    const back = inverse(upright)
    const found = seen.map(([x, y], i) => applySimilarity(back, [(x + other[i][0]) / 2, (y + other[i][1]) / 2]))
    best = found as unknown as FivePoints
  }
  return best
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
