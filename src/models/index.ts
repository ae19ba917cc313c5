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
  type Conv2dOptions,
  GraphBuilder,
  type GraphModelFiles,
  type GraphModelJson,
  type GraphNode,
  type NodeRef,
  type StoredDtype,
  type Weight,
  type WeightMap,
  type WeightSpec,
} from './graph.ts'
export { type LoadModelOptions, type LoadProgress, loadModel, type Model } from './load.ts'
export { type Manifest, ManifestSchema, type ModelFile, type NetworkManifest, parseManifest } from './manifest.ts'
export type { Network, NetworkInput } from './network.ts'
export { buildMtcnn, MTCNN_CHANNELS, MTCNN_NETWORKS, type MtcnnNetwork, swapSpatialAxes } from './networks/mtcnn.ts'
export { type PackagedName, packagedManifests } from './packaged.ts'
export type { PulledModel, PullOptions, PullProgress } from './pull.ts'
export { addressSource, type ModelSource, memorySource, type ReadOptions, urlSource } from './source.ts'
export { sha256, verify } from './verify.ts'
