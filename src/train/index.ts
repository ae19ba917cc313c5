/**
 * Learning: the triplet loss with online selection, heads over finished embedders, small networks from scratch.
 *
 * @module
 */

export { saveModel } from '#platform/train'
export { FacewiseError, type FacewiseErrorCode, isFacewiseError } from '../errors.ts'
export { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from './checkpoint.ts'
export { type Spread, spreadOf } from './collapse.ts'
export { type CosFaceOptions, cosFaceLoss } from './cosface.ts'
export { embedSamples } from './embed.ts'
export { HEADS, type HeadKind, type HeadOptions, head } from './head.ts'
export type { EpochRecord } from './log.ts'
export type { EmbeddedBatch, Judgement, Loss, RunningLoss } from './loss.ts'
export {
  type Measured,
  type MeasuredThresholds,
  type MergeOptions,
  mergeHead,
  type PackOptions,
  packNetwork,
  type TrainedModel,
} from './merge.ts'
export { type SmallNetworkOptions, smallNetwork } from './network.ts'
export {
  constantRate,
  cosineDecay,
  LEARNING_RATES,
  OPTIMISERS,
  type OptimiserName,
  type OptimiserState,
  type Schedule,
  stepDecay,
} from './optimisers.ts'
export { type PlotOptions, plotLog } from './plot.ts'
export { type Random, randomFrom } from './random.ts'
export {
  type BatchShape,
  type PeopleSplit,
  peopleBatches,
  pickSamples,
  type Samples,
  splitPeople,
  vectorSamples,
} from './samples.ts'
export type { SaveModel } from './save.ts'
export { type DistanceMatrix, SELECTIONS, type Selection, selectTriplets, type Triplets } from './selection.ts'
export { type ChooseStartOptions, type ChosenStart, chooseStart } from './start.ts'
export { type TrainOptions, type TrainResult, train } from './train.ts'
export type { NamedWeight, Trainable } from './trainable.ts'
export { FACENET_MARGIN, type TripletOptions, type TripletTerms, tripletLoss, tripletTerms } from './triplet.ts'
export { heldOutScore } from './validation.ts'
export { type WhiteningOptions, whitenWithin } from './whitening.ts'
