/**
 * Facewise: faces in photos and video, typed, for the browser and Node.
 *
 * This entry holds the whole library as one object, `createFacewise`, the types that all parts share and the class of error; the parts by
 * themselves are `facewise/detect`, `facewise/embed`, `facewise/attributes`, `facewise/store`, `facewise/image`, `facewise/models` and
 * `facewise/backends`.
 *
 * @module
 */
export type {
  AgeGender,
  Classifier,
  EmotionScores,
  FaceQuality,
  HeadPose,
  PassiveLiveness,
} from './attributes/index.ts'
export type { BackendName, BackendOptions, BackendReport, Engine } from './backends/index.ts'
export type { DetectOptions, Detector, Face, FaceRule, Landmarks, MtcnnOptions } from './detect/index.ts'
export type { Embedder, Embedding, Verification, VerifyOptions } from './embed/index.ts'
export { FacewiseError, type FacewiseErrorCode, isFacewiseError } from './errors.ts'
export {
  ATTRIBUTES,
  type AttributeName,
  createFacewise,
  DEFAULT_ATTRIBUTES,
  DEFAULT_FPIR,
  DEFAULT_MIN_QUALITY,
  type DescribedFace,
  type DescribeOptions,
  type EnrolledFrame,
  type EnrollOptions,
  type Enrolment,
  type Facewise,
  type FacewiseOptions,
  type FacewiseProgress,
  type FrameReason,
  fmrForGallery,
  fpirOfGallery,
  type GalleryLimit,
  galleryLimit,
  type IdentifiedFace,
  type IdentifyOptions,
  type MatchOptions,
  type PictureOptions,
  type PictureVerification,
  type RepresentedFace,
  type SubjectMatch,
  type TimedPicture,
  type TrackedFace,
  type TrackedFrame,
  type TrackOptions,
  type TrackSource,
  type VerifyPicturesOptions,
} from './facewise/index.ts'
export type { DecodeOptions, ImageInput } from './image/input.ts'
export type { Box, Picture, RawPixels } from './image/picture.ts'
export type {
  ClassifierManifest,
  EmbedderManifest,
  LoadModelOptions,
  LoadProgress,
  Manifest,
  ModelSource,
} from './models/index.ts'
export type { EmbeddingStore, FaceRecord, Metadata, Where } from './store/index.ts'
