/**
 * What a face looks like: classifiers (emotion, age and gender, passive liveness), head pose, quality, the active liveness challenge,
 * and smoothing over the frames of a video.
 *
 * @module
 */
export type { AlignableFace } from '../alignment.ts'
export { FacewiseError, type FacewiseErrorCode, isFacewiseError } from '../errors.ts'
export type { Box, Picture } from '../image/picture.ts'
export type { Metric, Vector } from '../metrics.ts'
export type { Alignment, ClassificationManifest, ClassifierManifest, FivePoints, Point } from '../models/manifest.ts'
export {
  type AgeGender,
  createAgeGenderClassifier,
  DEFAULT_AGE_GENDER_MODEL,
  decodeAgeGender,
  type Gender,
} from './age-gender.ts'
export {
  type Classifier,
  type ClassifierOptions,
  type ClassifyOptions,
  createClassifier,
  type DecodeOutput,
} from './classifier.ts'
export {
  createEmotionClassifier,
  DEFAULT_EMOTION_MODEL,
  decodeEmotion,
  EMOTIONS,
  type Emotion,
  type EmotionScores,
  strongestEmotion,
} from './emotion.ts'
export {
  CHALLENGE_ACTIONS,
  type Challenge,
  type ChallengeAction,
  type ChallengeOptions,
  countChallenges,
  livenessChallenge,
  parseChallenge,
} from './liveness/challenge.ts'
export type { ChallengeFrame } from './liveness/frame.ts'
export { CHALLENGE_SENTENCES, type ChallengeFailure, type ChallengeHint } from './liveness/hints.ts'
export { type ChallengeLedger, challengeLedger } from './liveness/ledger.ts'
export { CHALLENGE_LIMITS, type ChallengeLimits } from './liveness/limits.ts'
export { estimateRelief, type Relief } from './liveness/relief.ts'
export {
  type ChallengeIdentity,
  type ChallengeState,
  type ChallengeWatch,
  type WatchOptions,
  watchChallenge,
} from './liveness/watch.ts'
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
export {
  createSpoofClassifier,
  DEFAULT_SPOOF_MODEL,
  decodeSpoof,
  type PassiveLiveness,
  SPOOF_MODELS,
} from './spoof.ts'
export { type LocateFaces, type SteadyOptions, steadyLandmarks } from './steady-landmarks.ts'
