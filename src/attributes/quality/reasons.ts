import type { HeadPose } from '../pose.ts'
import type { QualityLimits, QualityMeasureName } from './limits.ts'

/** What is wrong with a picture of a face. Codes are stable: programs may branch on them and translate; messages are for people. */
export type QualityReasonCode =
  | 'too-small'
  | 'blurred'
  | 'noisy'
  | 'too-dark'
  | 'too-bright'
  | 'burnt-out'
  | 'low-contrast'
  | 'uneven-light'
  | 'turned'
  | 'tilted'
  | 'cut-off'
  | 'uncertain'

/** Why a face is bad to recognise, and what to do about it. */
export interface QualityReason {
  readonly code: QualityReasonCode
  readonly measure: QualityMeasureName
  /** A plain sentence that says what to do, in English. */
  readonly message: string
}

/** The reason of a measure whose score is low. `pose` is there where the measure is. */
export function reasonOf(
  measure: QualityMeasureName,
  value: number,
  limits: QualityLimits,
  pose: HeadPose | undefined,
): QualityReason {
  const [code, message] = sentenceOf(measure, value, limits, pose)
  return { code, measure, message }
}

function sentenceOf(
  measure: QualityMeasureName,
  value: number,
  limits: QualityLimits,
  pose: HeadPose | undefined,
): [QualityReasonCode, string] {
  const percent = `${Math.round(value * 100)} %`
  switch (measure) {
    case 'size':
      return [
        'too-small',
        `Come closer: the face is ${Math.round(value)} pixels wide; ${Math.round(limits.size[1])} are enough.`,
      ]
    case 'sharpness':
      return ['blurred', 'Hold still and let the camera focus: the face is blurred.']
    case 'noise':
      return ['noisy', 'More light, or a camera with less noise: the face is full of grain.']
    case 'brightness':
      if (value < limits.brightness[1]) return ['too-dark', 'More light on the face: it is too dark.']
      return ['too-bright', 'Less light on the face, or a shorter exposure: it is too bright.']
    case 'exposure':
      return ['burnt-out', `Less light on the face, or a shorter exposure: ${percent} of it is burnt out.`]
    case 'contrast':
      return ['low-contrast', 'Wipe the lens, and no light into the camera: the face has hardly any contrast.']
    case 'evenness':
      return ['uneven-light', 'Turn to the light: one half of the face is much darker than the other.']
    case 'pose':
      return pose ? poseSentence(pose) : ['turned', 'Look into the camera: the head is turned away.']
    case 'edge':
      return ['cut-off', `Move to the middle: ${percent} of the face lies outside the picture.`]
    case 'confidence':
      return [
        'uncertain',
        `Show the whole face, uncovered: the detector is not sure that this is one (${value.toFixed(2)}).`,
      ]
  }
}

function poseSentence({ yaw, pitch }: HeadPose): [QualityReasonCode, string] {
  if (Math.abs(yaw) >= Math.abs(pitch)) {
    const side = yaw > 0 ? 'right' : 'left'
    return [
      'turned',
      `Look into the camera: the head is turned ${Math.round(Math.abs(yaw))} degrees to the ${side} of the picture.`,
    ]
  }
  const way = pitch > 0 ? 'up' : 'down'
  return ['tilted', `Hold the head level with the camera: it looks ${Math.round(Math.abs(pitch))} degrees ${way}.`]
}
