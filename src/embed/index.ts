/**
 * Faces to embeddings, and what their distances are worth: alignment, FaceNet and its peers, verification at a measured false match
 * rate, clusters of people.
 *
 * @module
 */

export {
  type AlignableFace,
  alignCrops,
  alignedBox,
  type InputSize,
  mirror,
  type Normalisation,
} from '../alignment.ts'
export { FacewiseError, type FacewiseErrorCode, isFacewiseError } from '../errors.ts'
export {
  condensedDistances,
  condensedIndex,
  convertDistance,
  distance,
  distanceBlock,
  type Metric,
  normalise,
  packVectors,
  rowsOf,
  similarity,
  type Vector,
  type VectorMatrix,
} from '../metrics.ts'
export type {
  Alignment,
  BoxAlignment,
  EmbedderManifest,
  FivePoints,
  Point,
  PointAlignment,
} from '../models/manifest.ts'
export { type BootstrapOptions, type BootstrapRates, bootstrapRates, type SubjectComparisons } from './bootstrap.ts'
export { type Calibration, confidence, fitCalibration } from './calibration.ts'
export {
  type ClusterOptions,
  type Clusters,
  cluster,
  type Linkage,
  MAX_CLUSTERED,
  type PairwiseF,
  pairwiseF,
} from './clusters.ts'
export {
  createEmbedder,
  DEFAULT_EMBEDDER,
  type Embedder,
  type EmbedderOptions,
  type EmbedOptions,
} from './embedder.ts'
export type { Embedding } from './embedding.ts'
export { clopperPearson, type Interval, type Proportion, proportion } from './intervals.ts'
export {
  type AllPairs,
  allPairs,
  type Pair,
  type PairScore,
  pairDistances,
  parsePairs,
  type ScoreOptions,
  scorePairs,
} from './pairs.ts'
export {
  type Accuracy,
  accuracyAt,
  areaUnderCurve,
  bestAccuracy,
  type Distributions,
  distributions,
  equalErrorRate,
  falseMatchRate,
  falseNonMatchRate,
  type RateAtThreshold,
  RULE_OF_30,
  type TarAtFar,
  type ThresholdRate,
  type ThresholdTable,
  tarAtFar,
  thresholdAtFmr,
  thresholdTable,
} from './rates.ts'
export { ARCFACE_SIDE, ARCFACE_TEMPLATE, scaleTemplate } from './templates.ts'
export { DEFAULT_FMR, rateFor, type Verification, type VerifyOptions } from './verification.ts'
