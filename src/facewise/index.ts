export { createFacewise } from './create.ts'
export { DEFAULT_MIN_QUALITY } from './enrolment.ts'
export type {
  AttributeName,
  DescribedFace,
  DescribeOptions,
  EnrolledFrame,
  EnrollOptions,
  Enrolment,
  Facewise,
  FrameReason,
  IdentifiedFace,
  IdentifyOptions,
  MatchOptions,
  PictureOptions,
  PictureVerification,
  RepresentedFace,
  SubjectMatch,
  TimedPicture,
  TrackedFace,
  TrackedFrame,
  TrackOptions,
  TrackSource,
  VerifyPicturesOptions,
} from './facewise.ts'
export { DEFAULT_FPIR, fmrForGallery, fpirOfGallery, type GalleryLimit, galleryLimit } from './gallery.ts'
export { ATTRIBUTES, DEFAULT_ATTRIBUTES, type FacewiseOptions, type FacewiseProgress } from './options.ts'
