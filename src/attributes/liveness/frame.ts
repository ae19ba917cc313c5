import type { AlignableFace } from '../../alignment.ts'
import type { Vector } from '../../metrics.ts'
import type { FivePoints } from '../../models/manifest.ts'
import { estimatePose, type HeadPose } from '../pose.ts'
import type { ChallengeLimits } from './limits.ts'

/** What is known of one picture of a run. */
export interface ChallengeFrame {
  /** The id of the challenge that it answers. */
  readonly challengeId: string
  /** When it was taken, in milliseconds since 1970, by the clock that issued the challenge. */
  readonly time: number
  /** Of the picture, in pixels. */
  readonly width: number
  readonly height: number
  /** All faces that were found, with landmarks in pixels; the score, where there is one, from 0 to 1. */
  readonly faces: readonly (AlignableFace & { readonly score?: number })[]
  /** The embedding of the largest face. Not every frame needs one: see `identity`. */
  readonly embedding?: Vector
  /** The scores of an emotion classifier for the largest face; `smile` needs `happy`, from 0 to 1. */
  readonly emotion?: { readonly happy: number }
}

/** The one face of a frame. */
export interface Sighting {
  readonly time: number
  readonly landmarks: FivePoints
  readonly pose: HeadPose
  /** The mean of the landmarks. */
  readonly middle: readonly [x: number, y: number]
  /** Between the eyes, and from the middle of the eyes to that of the mouth: a turn shortens one, a nod the other. */
  readonly across: number
  readonly down: number
  readonly embedding?: Vector
  readonly happy?: number
}

/** A second face counts from this score and this share of the largest face's width on; under it, it is a mistake or a passer-by. */
const SURE = 0.9
const BESIDE = 0.4

/** The face of a frame, or why it does not count. Landmarks of which no pose can be found are no face. */
export function sightingOf(
  frame: ChallengeFrame,
  limits: ChallengeLimits,
): Sighting | 'no-face' | 'several-faces' | 'too-far' {
  const faces = [...frame.faces].sort((a, b) => b.box.width - a.box.width)
  const [face] = faces
  if (!face?.landmarks) return 'no-face'
  const rivals = faces.filter(({ box, score = 1 }) => score >= SURE && box.width >= BESIDE * face.box.width)
  if (rivals.length > 1) return 'several-faces'
  const { landmarks } = face
  const [leftEye, rightEye, , leftMouth, rightMouth] = landmarks
  const middle = [mean(landmarks, 0), mean(landmarks, 1)] as const
  const inside = middle[0] >= 0 && middle[1] >= 0 && middle[0] <= frame.width && middle[1] <= frame.height
  if (!inside) return 'no-face'
  let pose: HeadPose
  try {
    pose = estimatePose(landmarks)
  } catch {
    return 'no-face'
  }
  const across = Math.hypot(rightEye[0] - leftEye[0], rightEye[1] - leftEye[1])
  const down = Math.hypot(
    (leftEye[0] + rightEye[0] - leftMouth[0] - rightMouth[0]) / 2,
    (leftEye[1] + rightEye[1] - leftMouth[1] - rightMouth[1]) / 2,
  )
  if (across < limits.eyes) return 'too-far'
  const { time, embedding, emotion } = frame
  return { time, landmarks, pose, middle, across, down, embedding, happy: emotion?.happy }
}

function mean(points: FivePoints, k: 0 | 1): number {
  return points.reduce((sum, point) => sum + point[k], 0) / 5
}
