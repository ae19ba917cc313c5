import { FacewiseError } from '../errors.ts'
import type { FivePoints } from '../models/manifest.ts'

/**
 * How a head is turned, in degrees; all zero for a frontal upright face. The directions are those of the picture:
 * - `yaw` over 0: the nose points to the right of the picture, which is the person's left;
 * - `pitch` over 0: the nose points up;
 * - `roll` over 0: the head is turned clockwise as seen in the picture, so that the line from the left to the right eye falls.
 *
 * The head is turned by pitch first, then yaw, then roll: so that roll is the angle of the line through the eyes.
 */
export interface HeadPose {
  /** From -90 to 90. */
  readonly yaw: number
  /** From -180 to 180; of a face that looks into the camera within 90 of 0. */
  readonly pitch: number
  /** From -180 to 180. */
  readonly roll: number
}

/** A point `[x, y, z]` of a face: x to the right of the picture, y down, z away from the camera. */
export type SpacePoint = readonly [x: number, y: number, z: number]

/** Five points of a frontal face in space, in the order of {@link FivePoints}; any unit, any origin. */
export type FaceTemplate = readonly [
  leftEye: SpacePoint,
  rightEye: SpacePoint,
  nose: SpacePoint,
  leftMouth: SpacePoint,
  rightMouth: SpacePoint,
]

/** Options of {@link estimatePose}. */
export interface PoseOptions {
  /** Another face than the mean one, such as one measured of the person. {@link FACE_TEMPLATE} by default. */
  readonly template?: FaceTemplate
}

/**
 * The mean face that {@link estimatePose} fits, in units of the distance between the eyes.
 *
 * Across and down: the mean of what MTCNN finds on 98 pictures of LFW (the training list of View 1, deep-funneled) and their mirror images
 * in which the face looks ahead. So pitch is 0 where people look on average when a photo is taken of them. Depths: the mean of
 * the Basel Face Model (Paysan, Knothe, Amberg, Romdhani, Vetter: "A 3D Face Model for Pose and Illumination Invariant Face Recognition",
 * AVSS 2009) at the five points by which Deng, Yang, Xu, Chen, Jia and Tong align faces ("Accurate 3D Face Reconstruction with
 * Weakly-Supervised Learning", CVPRW 2019): with 62 mm between the eyes, the tip of the nose lies 42 mm and the corners of the
 * mouth 9 mm before them.
 */
export const FACE_TEMPLATE: FaceTemplate = [
  [-0.5, 0, 0],
  [0.5, 0, 0],
  [0, 0.585, -0.676],
  [-0.447, 1.055, -0.146],
  [0.447, 1.055, -0.146],
]

/** Steps end at this many radians, far under a billionth of a degree. */
const SMALLEST_STEP = 1e-12
/** Of the sum of squares of a face, whose landmarks' own sum is 5. */
const ROUNDING = 1e-14
/** From the closed form it takes some fifteen to the last digit; noise and a face seen from the side take more. */
const MOST_STEPS = 50
/** Points whose spread across a line is under this share of that along it lie on the line. */
const FLAT = 1e-6

const DEGREES = 180 / Math.PI

/**
 * The pose of a head from the five landmarks of its face: that turn of a mean face which, seen from far away (scaled orthographic
 * projection), lies nearest to the landmarks by the sum of squared distances. A closed form gives the start (the affine fit made a turn,
 * as the first step of POSIT: DeMenthon and Davis, "Model-Based Object Pose in 25 Lines of Code", IJCV 15, 1995); Levenberg-Marquardt steps
 * the rest. It takes well under a millisecond.
 *
 * What five points cannot tell: yaw and roll are near zero for a frontal face of anyone, because faces are symmetric. Pitch is not: a person
 * with a short nose seems to look up. Compare pitch with that of the same person looking straight ahead, as the active challenge
 * does; figures are in the guide on liveness. Turns are in proportion to how far the nose stands out of the face, which differs
 * between people, too. A camera at arm's length adds a few degrees, since the projection there is not orthographic. Over some 60 degrees of
 * yaw detectors guess the hidden eye, and the pose is theirs.
 *
 * The landmarks' own noise is the larger part of the error. With those of MTCNN, the yaw of a mirrored picture differs from the
 * mirrored yaw by 1.7 degrees in the median of 256 faces, and by 8.4 in one of twenty; `steadyLandmarks` brings that to 0.4 and 1.7.
 *
 * @param landmarks in pixels or any other unit, left and right as seen in the picture.
 * @throws FacewiseError `INVALID_ARGUMENT` for landmarks that are not five finite points, that coincide or lie on one line, and for a
 * template that is flat or not finite.
 */
export function estimatePose(landmarks: FivePoints, options: PoseOptions = {}): HeadPose {
  const { template = FACE_TEMPLATE } = options
  const face = centred(template, 3, 'A template has five finite points [x, y, z].')
  const seen = centred(
    landmarks,
    2,
    'A pose needs five finite landmarks [x, y]: use a detector that gives them (MTCNN does).',
  )
  checkSpread(seen)
  // In units of the face, so that steps and limits mean the same for a small and a large one.
  const unit = Math.sqrt(sumOfSquares(seen) / 5)
  for (const point of seen) for (let k = 0; k < 2; k++) point[k] /= unit
  const { yaw, pitch, roll, scale } = refine(face, seen, closedForm(face, seen))
  if (![yaw, pitch, roll, scale].every(Number.isFinite)) throw notAFace()
  // The same turn has two names; this is the one with the yaw between -90 and 90. A negative size is half a turn in the picture.
  const over = Math.cos(yaw) < 0 ? -1 : 1
  const upside = over * Math.sign(scale)
  return {
    yaw: Math.asin(Math.sin(yaw)) * DEGREES,
    pitch: Math.atan2(over * Math.sin(pitch), over * Math.cos(pitch)) * DEGREES,
    roll: Math.atan2(upside * Math.sin(roll), upside * Math.cos(roll)) * DEGREES,
  }
}

/** A turn in radians, and the size of the face. */
interface Fit {
  readonly yaw: number
  readonly pitch: number
  readonly roll: number
  readonly scale: number
}

/** The affine map from space to the picture by least squares, and the turn nearest to it. */
function closedForm(face: readonly number[][], seen: readonly number[][]): Fit {
  const moments = [0, 1, 2].map(i => [0, 1, 2].map(j => face.reduce((sum, p) => sum + p[i] * p[j], 0)))
  const [right, down] = [0, 1].map(k => {
    const product = [0, 1, 2].map(i => face.reduce((sum, p, n) => sum + p[i] * seen[n][k], 0))
    const row = solve(moments, product)
    if (!row) throw new FacewiseError('INVALID_ARGUMENT', 'The points of a template must not lie in one plane.')
    return row
  })
  // Both rows are made orthogonal to equal parts, so that a mirrored face gives the mirrored turn.
  const lengths = [Math.hypot(...right), Math.hypot(...down)]
  const x = right.map(value => value / lengths[0])
  const y = down.map(value => value / lengths[1])
  const sum = unitOf(x.map((value, i) => value + y[i]))
  const difference = unitOf(x.map((value, i) => value - y[i]))
  const first = sum.map((value, i) => (value + difference[i]) * Math.SQRT1_2)
  const second = sum.map((value, i) => (value - difference[i]) * Math.SQRT1_2)
  const third = [
    first[1] * second[2] - first[2] * second[1],
    first[2] * second[0] - first[0] * second[2],
    first[0] * second[1] - first[1] * second[0],
  ]
  return {
    yaw: Math.asin(Math.max(-1, Math.min(1, third[0]))),
    pitch: Math.atan2(-third[1], third[2]),
    roll: Math.atan2(second[0], first[0]),
    scale: (lengths[0] + lengths[1]) / 2,
  }
}

/** Levenberg-Marquardt over the turn and the size; both lists of points have their mean at zero, so that the place needs none. */
function refine(face: readonly number[][], seen: readonly number[][], start: Fit): Fit {
  let fit = start
  let error = errorOf(face, seen, fit)
  let damping = 1e-6
  for (let n = 0; n < MOST_STEPS; n++) {
    const { normal, gradient } = equations(face, seen, fit)
    const step = solve(
      normal.map((row, i) => row.map((value, j) => (i === j ? value * (1 + damping) : value))),
      gradient,
    )
    if (!step) break
    const next: Fit = {
      yaw: fit.yaw + step[0],
      pitch: fit.pitch + step[1],
      roll: fit.roll + step[2],
      scale: fit.scale + step[3],
    }
    const nextError = errorOf(face, seen, next)
    // The error is flat at its least: the last digits of the turn are found by steps over which the error cannot be told from before.
    if (nextError <= error + ROUNDING) {
      fit = next
      error = Math.min(error, nextError)
      damping /= 10
      if (Math.max(...step.map(Math.abs)) < SMALLEST_STEP) break
    } else {
      damping = Math.max(damping * 10, 1e-6)
    }
  }
  return fit
}

/** The normal equations of the fit at a turn: J'J and J'r for the unknowns yaw, pitch, roll and scale. */
function equations(
  face: readonly number[][],
  seen: readonly number[][],
  { yaw, pitch, roll, scale }: Fit,
): { normal: number[][]; gradient: number[] } {
  const [sy, cy, sp, cp] = [Math.sin(yaw), Math.cos(yaw), Math.sin(pitch), Math.cos(pitch)]
  const [sr, cr] = [Math.sin(roll), Math.cos(roll)]
  const normal = [0, 1, 2, 3].map(() => [0, 0, 0, 0])
  const gradient = [0, 0, 0, 0]
  face.forEach(([x, y, z], n) => {
    // Before the roll: where the point lies, and where it goes as yaw and pitch grow.
    const across = cy * x + sy * (sp * y - cp * z)
    const down = cp * y + sp * z
    const rolled = (u: number, v: number): [number, number] => [cr * u - sr * v, sr * u + cr * v]
    const [px, py] = rolled(across, down)
    const [yx, yy] = rolled(cy * (sp * y - cp * z) - sy * x, 0)
    const [qx, qy] = rolled(sy * (cp * y + sp * z), cp * z - sp * y)
    const columns = [
      [scale * yx, scale * yy],
      [scale * qx, scale * qy],
      [-scale * py, scale * px],
      [px, py],
    ]
    const rest = [seen[n][0] - scale * px, seen[n][1] - scale * py]
    for (let i = 0; i < 4; i++) {
      gradient[i] += columns[i][0] * rest[0] + columns[i][1] * rest[1]
      for (let j = 0; j < 4; j++) normal[i][j] += columns[i][0] * columns[j][0] + columns[i][1] * columns[j][1]
    }
  })
  return { normal, gradient }
}

function errorOf(face: readonly number[][], seen: readonly number[][], { yaw, pitch, roll, scale }: Fit): number {
  const [sy, cy, sp, cp] = [Math.sin(yaw), Math.cos(yaw), Math.sin(pitch), Math.cos(pitch)]
  const [sr, cr] = [Math.sin(roll), Math.cos(roll)]
  let sum = 0
  face.forEach(([x, y, z], n) => {
    const across = scale * (cy * x + sy * (sp * y - cp * z))
    const down = scale * (cp * y + sp * z)
    sum += (cr * across - sr * down - seen[n][0]) ** 2 + (sr * across + cr * down - seen[n][1]) ** 2
  })
  return sum
}

/** Copies of five points, moved so that their mean is zero. */
function centred(points: readonly (readonly number[])[], dimension: number, message: string): number[][] {
  if (points?.length !== 5 || points.some(point => point?.length !== dimension || !point.every(Number.isFinite))) {
    throw new FacewiseError('INVALID_ARGUMENT', message)
  }
  const mean = points[0].map((_, k) => points.reduce((sum, point) => sum + point[k], 0) / 5)
  return points.map(point => point.map((value, k) => value - mean[k]))
}

/** The lesser of the two principal spreads is the root of the smaller eigenvalue of the second moments. */
function checkSpread(seen: readonly number[][]): void {
  let [xx, xy, yy] = [0, 0, 0]
  for (const [x, y] of seen) {
    xx += x * x
    xy += x * y
    yy += y * y
  }
  const middle = (xx + yy) / 2
  const least = (xx * yy - xy * xy) / (middle + Math.hypot((xx - yy) / 2, xy))
  if (!(least > FLAT * FLAT * middle)) throw notAFace()
}

function notAFace(): FacewiseError {
  return new FacewiseError(
    'INVALID_ARGUMENT',
    'The landmarks coincide or lie on one line, and are those of no face: detect the face again.',
  )
}

/** Gaussian elimination with pivots; undefined where the matrix is singular. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] | undefined {
  const n = right.length
  const rows = matrix.map((row, i) => [...row, right[i]])
  const largest = Math.max(...matrix.flat().map(Math.abs))
  for (let i = 0; i < n; i++) {
    let pivot = i
    for (let r = i + 1; r < n; r++) if (Math.abs(rows[r][i]) > Math.abs(rows[pivot][i])) pivot = r
    if (!(Math.abs(rows[pivot][i]) > largest * 1e-12)) return undefined
    const swapped = rows[i]
    rows[i] = rows[pivot]
    rows[pivot] = swapped
    for (let r = i + 1; r < n; r++) {
      const factor = rows[r][i] / rows[i][i]
      for (let k = i; k <= n; k++) rows[r][k] -= factor * rows[i][k]
    }
  }
  const solution = new Array<number>(n).fill(0)
  for (let i = n - 1; i >= 0; i--) {
    let rest = rows[i][n]
    for (let k = i + 1; k < n; k++) rest -= rows[i][k] * solution[k]
    solution[i] = rest / rows[i][i]
  }
  return solution
}

function sumOfSquares(points: readonly number[][]): number {
  return points.reduce((sum, point) => sum + point.reduce((s, value) => s + value * value, 0), 0)
}

function unitOf(vector: readonly number[]): number[] {
  const length = Math.hypot(...vector)
  return vector.map(value => value / length)
}
