/**
 * What a face looks like: classifiers (emotion, age and gender, passive liveness), head pose, quality, the active liveness challenge,
 * and smoothing over the frames of a video.
 *
 * @module
 */
export type { AlignableFace } from '../alignment.ts'
export { FacewiseError, type FacewiseErrorCode, isFacewiseError } from '../errors.ts'
export type { Box, Picture } from '../image/picture.ts'
export type { FivePoints, Point } from '../models/manifest.ts'
export {
  estimatePose,
  FACE_TEMPLATE,
  type FaceTemplate,
  type HeadPose,
  type PoseOptions,
  type SpacePoint,
} from './pose.ts'
export {
  type AssessableFace,
  assessQuality,
  type FaceQuality,
  QUALITY_LIMITS,
  QUALITY_WEIGHTS,
  type QualityLimit,
  type QualityLimits,
  type QualityMeasure,
  type QualityMeasureName,
  type QualityMeasures,
  type QualityOptions,
  type QualityReason,
  type QualityReasonCode,
  type QualityWeights,
} from './quality.ts'
export { createSmoother, type Smoothable, type Smoother, type SmootherOptions } from './smoothing.ts'
