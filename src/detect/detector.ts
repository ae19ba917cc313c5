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

/**
 * Finds faces. Anything with these two methods can stand where a detector is wanted; `createMtcnn` is the one that comes
 * with the library.
 */
export interface Detector {
  /** The faces of one picture, best score first; an empty list where there are none. */
  detect(input: ImageInput | Picture, options?: DetectOptions): Promise<Face[]>
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
