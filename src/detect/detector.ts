import { FacewiseError } from '../errors.ts'
import type { ImageInput } from '../image/input.ts'
import type { Box, Picture } from '../image/picture.ts'
import type { Point } from '../image/warp.ts'

/** Left eye, right eye, nose, left and right mouth corner in pixels of the picture; left and right as seen in the picture. */
export type Landmarks = readonly [leftEye: Point, rightEye: Point, nose: Point, leftMouth: Point, rightMouth: Point]

/** A face that was found. */
export interface Face {
  /** In pixels of the upright picture; a face at the edge may reach over it. */
  readonly box: Box
  /** How sure the detector is, from 0 to 1. */
  readonly score: number
  /** Absent where the detector gives none, or was told not to. */
  readonly landmarks?: Landmarks
}

/** What every detector understands. */
export interface DetectOptions {
  /** Stops the detection; it rejects with `ABORTED`. */
  readonly signal?: AbortSignal
  /** Look only inside this rectangle. Coordinates of the result are still those of the whole picture. */
  readonly roi?: Box
  /** At most this many faces. */
  readonly maxFaces?: number
  /** Which faces `maxFaces` keeps: those with the best score (the default) or the largest. */
  readonly keep?: 'best' | 'largest'
  /** A limit on the pixels of a picture, checked before it is decoded; 100 million by default. */
  readonly maxPixels?: number
}

/** Options of {@link Detector.refine}. */
export interface RefineFacesOptions {
  readonly signal?: AbortSignal
  /** As in {@link DetectOptions}. */
  readonly maxPixels?: number
}

/**
 * Finds faces. Anything with `detect` and `dispose` can stand where a detector is wanted; `createMtcnn` is the one that comes
 * with the library.
 */
export interface Detector {
  /** The faces of one picture, best score first; an empty list where there are none. */
  detect(input: ImageInput | Picture, options?: DetectOptions): Promise<Face[]>
  /**
   * Looks again where faces were a moment ago, without searching the rest of the picture: far cheaper than `detect`. A detector need not
   * have it; a video is then followed by whole detections.
   *
   * @param boxes in pixels of the picture. A face is found if it has not moved by more than some third of its size.
   * @returns for each box, in their order, the face there, however low its score: whoever calls decides what still is a face.
   */
  refine?(input: ImageInput | Picture, boxes: readonly Box[], options?: RefineFacesOptions): Promise<Face[]>
  /** Frees what the detector holds; it cannot be used afterwards. */
  dispose(): void
}

/** Applies `maxFaces` and `keep`; the result has the best score first. */
export function selectFaces(
  faces: readonly Face[],
  maxFaces = Number.POSITIVE_INFINITY,
  keep: 'best' | 'largest' = 'best',
): Face[] {
  const byScore = (a: Face, b: Face): number => b.score - a.score
  const area = ({ box }: Face): number => box.width * box.height
  const ranked = [...faces].sort(keep === 'largest' ? (a, b) => area(b) - area(a) : byScore)
  return ranked.slice(0, maxFaces).sort(byScore)
}

/** Which face of a picture is meant where one is needed. */
export type FaceRule = 'largest' | 'center' | 'best' | 'only'

/**
 * The one face that is meant: the `largest` (by area), the one nearest to the picture's `center`, the one with the `best` score, or
 * the `only` one.
 *
 * @throws FacewiseError `FACE_NOT_FOUND` if there is none; `FACE_AMBIGUOUS` if there are several and the rule is `only`.
 */
export function oneFace(faces: readonly Face[], picture: { width: number; height: number }, rule: FaceRule): Face {
  if (faces.length === 0) {
    throw new FacewiseError(
      'FACE_NOT_FOUND',
      'No face was found. Is it smaller than `minFaceSize`, turned away or covered?',
    )
  }
  if (rule === 'only' && faces.length > 1) {
    throw new FacewiseError(
      'FACE_AMBIGUOUS',
      `There are ${faces.length} faces where one alone is wanted. Crop the picture, or say which counts: the largest, or the most central.`,
    )
  }
  if (rule === 'center') return byCentrality(faces, picture)[0]
  return selectFaces(faces, 1, rule === 'largest' ? 'largest' : 'best')[0]
}

/** Faces by the distance of their middle from that of the picture, nearest first. */
export function byCentrality(faces: readonly Face[], { width, height }: { width: number; height: number }): Face[] {
  const distance = ({ box }: Face): number =>
    Math.hypot(box.x + (box.width - width) / 2, box.y + (box.height - height) / 2)
  return [...faces].sort((a, b) => distance(a) - distance(b))
}
