/**
 * Models: manifests, sources, loading, and the builder that turns named weights into TensorFlow.js graph models.
 *
 * @module
 */
export { findModel, pullModel } from '#platform/find-model'
export { directorySource, packagedSource } from '#platform/models'
export { FacewiseError, type FacewiseErrorCode, isFacewiseError } from '../errors.ts'
export type { PulledDtype } from './catalog.ts'
export { type DownloadableName, downloadableNames } from './downloadable.ts'
export type { FoundModel } from './find.ts'
export {
  type Activation,
  type Conv2dOptions,
  type DenseOptions,
  type DepthwiseConv2dOptions,
  GraphBuilder,
  type GraphModelFiles,
  type GraphModelJson,
  type GraphNode,
  type KernelOptions,
  type NodeRef,
  type QuantisedWeight,
  type StoredDtype,
  type Weight,
  type WeightMap,
  type WeightSpec,
} from './graph.ts'
export { type LoadModelOptions, type LoadProgress, loadModel, type Model } from './load.ts'
export {
  type Alignment,
  type ClassificationManifest,
  type ClassifierManifest,
  type DetectorManifest,
  type EmbedderManifest,
  type EmbeddingManifest,
  type Manifest,
  ManifestSchema,
  type ModelFile,
  type NetworkManifest,
  parseManifest,
  type ThresholdRate,
  type ThresholdTable,
} from './manifest.ts'
export type { Network, NetworkInput, Normalisation } from './network.ts'
export { buildDlibResnet } from './networks/dlib-resnet.ts'
export { buildInceptionResnetV1 } from './networks/inception-resnet-v1.ts'
export { buildMtcnn, MTCNN_CHANNELS, MTCNN_NETWORKS, type MtcnnNetwork, swapSpatialAxes } from './networks/mtcnn.ts'
export { type PackagedName, packagedManifests } from './packaged.ts'
export type { PulledModel, PullOptions, PullProgress } from './pull.ts'
export { addressSource, type ModelSource, memorySource, type ReadOptions, urlSource } from './source.ts'
export { sha256, verify } from './verify.ts'
export type { WeightFile } from './weight-file.ts'
export { fromNpyFolder } from './weights/facenet-npy.ts'
export { fromFacenetPytorch } from './weights/facenet-pytorch.ts'
export { readNpy } from './weights/npy.ts'
export { readStateDict } from './weights/torch.ts'
