/**
 * Finding faces: the MTCNN cascade, whole or stage by stage.
 *
 * @module
 */
export { FacewiseError, type FacewiseErrorCode, isFacewiseError } from '../errors.ts'
export type { DecodeOptions, ImageInput } from '../image/input.ts'
export type { Box, Picture } from '../image/picture.ts'
export { type Candidates, concat, NO_CANDIDATES, pick, probability, reclassify, regress, square } from './candidates.ts'
export {
  byCentrality,
  type DetectOptions,
  type Detector,
  type Face,
  type FaceRule,
  type Landmarks,
  oneFace,
  type RefineFacesOptions,
  selectFaces,
} from './detector.ts'
export {
  createMtcnn,
  type Mtcnn,
  type MtcnnDetectOptions,
  type MtcnnOptions,
  type MtcnnSettings,
  type StageReport,
} from './mtcnn.ts'
export { nms, type OverlapKind } from './nms.ts'
export { output, pointsToPicture } from './output.ts'
export { cellsToBoxes, type ProposalOptions, proposals } from './proposals.ts'
export { type Level, type PackOptions, type Placement, packLevels, pyramidLevels, type Sheet } from './pyramid.ts'
export { type RefineOptions, refine } from './refine.ts'
export type { Stage, StageContext } from './stage.ts'
