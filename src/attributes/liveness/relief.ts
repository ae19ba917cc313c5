import { FacewiseError } from '../../errors.ts'
import type { FivePoints } from '../../models/manifest.ts'
import { estimatePose, FACE_TEMPLATE } from '../pose.ts'

/** What {@link estimateRelief} finds. */
export interface Relief {
  /** By how many degrees a head of mean depth must have turned for what was seen; over 0 to the right of the picture. */
  readonly yaw: number
  /** The same of nodding; over 0 up. */
  readonly pitch: number
  /**
   * The least factor by which the plane of the face is foreshortened against its greatest, from 0 to 1: the cosine of the tilt of a
   * flat picture.
   */
  readonly foreshortening: number
}

const DEGREES = 180 / Math.PI

/**
 * How far the face stands out of its plane, from two views. A flat picture seen from elsewhere is an affine map of itself (scaled
 * orthographic projection; a camera at arm's length adds little). Of a real head the nose moves besides: two affine views of a scene
 * differ by an affine map and by a shift of each point in proportion to its depth (Koenderink and van Doorn, "Affine structure from motion",
 * JOSA A 8(2), 1991). So the landmarks are fitted by an affine map of the frontal ones and a shift that is proportional to the depths
 * of the mean face; the shift, as the angle by which that face would have turned, is the relief.
 *
 * @param frontal landmarks of the person looking ahead, better the mean of some frames.
 * @param seen landmarks of the same person at another time, in the same unit.
 * @throws FacewiseError `INVALID_ARGUMENT` for landmarks that are not five finite points or lie on one line.
 */
export function estimateRelief(frontal: FivePoints, seen: FivePoints): Relief {
  const { yaw } = estimatePose(frontal)
  const from = centred(frontal)
  const to = centred(seen)
  const depths = FACE_TEMPLATE.map(([, , z]) => z)
  const middle = depths.reduce((sum, z) => sum + z, 0) / 5
  const moments = secondMoments(from)
  // What of the depths no affine map of the frontal points explains.
  const slope = solvePair(
    moments,
    [0, 1].map(k => from.reduce((sum, point, i) => sum + point[k] * (depths[i] - middle), 0)),
  )
  const own = depths.map((z, i) => z - middle - slope[0] * from[i][0] - slope[1] * from[i][1])
  const power = own.reduce((sum, z) => sum + z * z, 0)
  const rows = [0, 1].map(k =>
    solvePair(
      moments,
      [0, 1].map(j => from.reduce((sum, point, i) => sum + point[j] * to[i][k], 0)),
    ),
  )
  const [[a, b], [c, d]] = rows
  const squares = a * a + b * b + c * c + d * d
  const area = Math.abs(a * d - b * c)
  const large = Math.sqrt((squares + Math.sqrt(Math.max(0, squares * squares - 4 * area * area))) / 2)
  if (!(large > 0 && area > 0)) {
    throw new FacewiseError('INVALID_ARGUMENT', 'The landmarks lie on one line, and are those of no face.')
  }
  // One unit of the template, in the unit of the landmarks: the eyes of the frontal face, as far apart as they are in space, now seen.
  const eyes = Math.hypot(from[1][0] - from[0][0], from[1][1] - from[0][1]) / Math.cos(yaw / DEGREES)
  const shift = [0, 1].map(k => own.reduce((sum, z, i) => sum + z * to[i][k], 0) / (power * eyes * large))
  const angle = (sine: number): number => Math.asin(Math.max(-1, Math.min(1, sine))) * DEGREES
  // Points nearer to the camera have lower z: they move to the right in a turn to the right, and up in a nod upwards.
  return { yaw: angle(-shift[0]), pitch: angle(shift[1]), foreshortening: area / (large * large) }
}

function centred(points: FivePoints): number[][] {
  if (points?.length !== 5 || !points.flat().every(Number.isFinite)) {
    throw new FacewiseError('INVALID_ARGUMENT', 'Relief needs five finite landmarks of each view.')
  }
  const mean = [0, 1].map(k => points.reduce((sum, point) => sum + point[k], 0) / 5)
  return points.map(point => [point[0] - mean[0], point[1] - mean[1]])
}

function secondMoments(points: readonly number[][]): [xx: number, xy: number, yy: number] {
  let [xx, xy, yy] = [0, 0, 0]
  for (const [x, y] of points) {
    xx += x * x
    xy += x * y
    yy += y * y
  }
  return [xx, xy, yy]
}

/** The solution of a symmetric system of two; `estimatePose` has refused points on one line before. */
function solvePair([xx, xy, yy]: readonly [number, number, number], [u, v]: readonly number[]): [number, number] {
  const determinant = xx * yy - xy * xy
  return [(u * yy - v * xy) / determinant, (v * xx - u * xy) / determinant]
}
