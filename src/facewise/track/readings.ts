import {
  type AgeGender,
  createSmoother,
  type EmotionScores,
  estimatePose,
  type FaceQuality,
  type HeadPose,
  type PassiveLiveness,
} from '../../attributes/index.ts'
import type { Face } from '../../detect/index.ts'
import type { Picture } from '../../image/index.ts'
import type { AttributeName, DescribedFace } from '../facewise.ts'
import type { Track } from './tracks.ts'

/** How often faces are described, and how that is smoothed. */
export interface ReadingSettings {
  readonly attributes: ReadonlySet<AttributeName>
  readonly refreshMs: number
  readonly smoothing: number
}

/** Describes faces of a picture, as `Facewise.describe` does with faces that it has found. */
export type Describe = (
  picture: Picture,
  faces: readonly Face[],
  attributes: ReadonlySet<AttributeName>,
) => Promise<DescribedFace[]>

/** What is known of the faces that are followed. */
export interface Readings {
  /** Reads what is due of the tracks that are seen in this picture. */
  read(picture: Picture, time: number, tracks: readonly Track[]): Promise<void>
  /** What was read of a track so far, smoothed. */
  of(id: number): Partial<DescribedFace>
  forget(ids: readonly number[]): void
}

/** Faces that are described in one frame: a crowd that comes in together would hold up the video. */
const A_FRAME = 2

/** What networks tell. */
interface Slow extends Partial<AgeGender> {
  readonly emotion?: EmotionScores
  readonly liveness?: PassiveLiveness
}

interface Reading {
  readAt: number
  pose?: HeadPose
  slow?: Slow
  quality?: FaceQuality
}

/** Attributes by track: what networks tell now and then, head pose in every frame. */
export function createReadings({ attributes, refreshMs, smoothing }: ReadingSettings, describe: Describe): Readings {
  const readings = new Map<number, Reading>()
  // Tracks are forgotten when they end, not after a time.
  const forgetAfter = Number.POSITIVE_INFINITY
  const poses = smoothing > 0 ? createSmoother<HeadPose>({ timeConstant: smoothing, forgetAfter }) : undefined
  const slow =
    smoothing > 0 ? createSmoother<Slow>({ timeConstant: Math.max(smoothing, 2 * refreshMs), forgetAfter }) : undefined
  const rare = new Set([...attributes].filter(name => name !== 'pose'))
  const readingOf = (id: number): Reading => {
    const reading = readings.get(id) ?? { readAt: Number.NEGATIVE_INFINITY }
    readings.set(id, reading)
    return reading
  }

  return {
    async read(picture, time, tracks) {
      if (attributes.has('pose')) {
        for (const { id, face } of tracks) {
          if (!face.landmarks) continue
          const pose = estimatePose(face.landmarks)
          readingOf(id).pose = poses ? poses.update(id, time, pose) : pose
        }
      }
      if (rare.size === 0) return
      const due = tracks
        .filter(({ id }) => time - readingOf(id).readAt >= refreshMs)
        .sort((a, b) => readingOf(a.id).readAt - readingOf(b.id).readAt)
        .slice(0, A_FRAME)
      if (due.length === 0) return
      const described = await describe(
        picture,
        due.map(({ face }) => face),
        rare,
      )
      due.forEach(({ id }, i) => {
        const reading = readingOf(id)
        const { box: _, score: __, landmarks: ___, pose: ____, quality, ...told } = described[i]
        reading.readAt = time
        reading.quality = quality
        reading.slow = slow ? slow.update(id, time, told) : told
      })
    },
    of(id) {
      const reading = readings.get(id)
      if (!reading) return {}
      const { pose, quality } = reading
      return { ...reading.slow, ...(pose && { pose }), ...(quality && { quality }) }
    },
    forget(ids) {
      for (const id of ids) {
        readings.delete(id)
        poses?.forget(id)
        slow?.forget(id)
      }
    },
  }
}
