import { applySimilarity, estimateSimilarity } from '../../image/warp.ts'
import type { FivePoints } from '../../models/manifest.ts'
import { estimatePose, type HeadPose } from '../pose.ts'
import type { Sighting } from './frame.ts'
import type { ChallengeLimits } from './limits.ts'

/** The person looking ahead: what all that follows is compared with. */
export interface Reference {
  readonly landmarks: FivePoints
  readonly pose: HeadPose
  readonly across: number
  readonly down: number
  /** The mean direction of the embeddings; absent where there was none. */
  readonly embedding?: Float64Array
  /** Absent where no frame had scores of emotions. */
  readonly happy?: number
}

/** A face looks ahead within these degrees; pitch says little, because it depends on the face and on where the camera stands. */
const AHEAD = { yaw: 12, pitch: 30, roll: 20 }
/** While it is measured it keeps within these degrees, and grows by no more than this factor. */
const STEADY = { degrees: 7, growth: 1.2 }
const FEWEST = 3

/** Whether a face looks about straight ahead, whoever it is. */
export function looksAhead({ pose }: Sighting): boolean {
  return Math.abs(pose.yaw) <= AHEAD.yaw && Math.abs(pose.pitch) <= AHEAD.pitch && Math.abs(pose.roll) <= AHEAD.roll
}

/** The last of the sightings that are steady together. */
export function steadyTail(sightings: readonly Sighting[]): Sighting[] {
  let from = sightings.length
  while (from > 0 && isSteady(sightings.slice(from - 1))) from--
  return sightings.slice(from)
}

/** The reference, once the sightings last long enough. */
export function referenceOf(
  sightings: readonly Sighting[],
  limits: ChallengeLimits,
  needsEmbedding: boolean,
): Reference | 'hold-still' | 'no-embedding' {
  if (sightings.length < FEWEST || sightings.at(-1)!.time - sightings[0].time < limits.reference) return 'hold-still'
  const embedded = sightings.flatMap(({ embedding }) => (embedding ? [embedding] : []))
  if (needsEmbedding && embedded.length === 0) return 'no-embedding'
  // Laid over each other before the mean is taken: the person may sway.
  const [{ landmarks: first }] = sightings
  const laid = sightings.map(({ landmarks }) => {
    const over = estimateSimilarity(landmarks, first)
    return landmarks.map(point => applySimilarity(over, point))
  })
  const landmarks = first.map((_, i) =>
    [0, 1].map(k => average(laid.map(points => points[i][k]))),
  ) as unknown as FivePoints
  const smiles = sightings.flatMap(({ happy }) => (happy === undefined ? [] : [happy]))
  return {
    landmarks,
    pose: estimatePose(landmarks),
    across: average(sightings.map(({ across }) => across)),
    down: average(sightings.map(({ down }) => down)),
    embedding: embedded.length > 0 ? meanDirection(embedded) : undefined,
    happy: smiles.length > 0 ? average(smiles) : undefined,
  }
}

function isSteady(sightings: readonly Sighting[]): boolean {
  const range = (values: readonly number[]): number => Math.max(...values) - Math.min(...values)
  const sizes = sightings.map(({ across, down }) => Math.log(across * down) / 2)
  return (
    range(sightings.map(({ pose }) => pose.yaw)) <= STEADY.degrees &&
    range(sightings.map(({ pose }) => pose.pitch)) <= STEADY.degrees &&
    range(sizes) <= Math.log(STEADY.growth)
  )
}

/** Embeddings count by their direction and length as they are: those of one model have the same scale. */
function meanDirection(embeddings: readonly ArrayLike<number>[]): Float64Array {
  const mean = new Float64Array(embeddings[0].length)
  for (const embedding of embeddings) for (let i = 0; i < mean.length; i++) mean[i] += embedding[i] / embeddings.length
  return mean
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
