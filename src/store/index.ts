/**
 * Remembering faces: one interface for stores of embeddings, the store in memory, and what every adapter is made of.
 *
 * @module
 */
export { readSnapshot, saveSnapshot } from '#platform/store'
export { FacewiseError, type FacewiseErrorCode, isFacewiseError } from '../errors.ts'
export type { Metric } from '../metrics.ts'
export { type CachedOptions, type CachedStore, cached } from './cached.ts'
export { type CopyOptions, type CopyProgress, copyStore } from './copy.ts'
export { createStore } from './create.ts'
export type { Candidate, NearestQuery, StoreDriver } from './driver.ts'
export {
  type EncryptedOptions,
  type EncryptedStore,
  encrypted,
  type RotateOptions,
  type RotateProgress,
} from './encrypted.ts'
export { type EncryptionKey, type EncryptionKeys, generateKey } from './encryption/keys.ts'
export { type MemoryStore, type MemoryStoreOptions, memoryStore } from './memory.ts'
export type { Metadata, Scalar } from './metadata.ts'
export { nearestOf } from './nearest.ts'
export { type Observer, observed, type StoreCall } from './observed.ts'
export { openStore } from './open.ts'
export { compareIds } from './records.ts'
export { redactUrl } from './redact.ts'
export { ResidentIndex } from './resident.ts'
export type {
  EmbeddingStore,
  FaceRecord,
  Identity,
  ListOptions,
  Match,
  NewFaceRecord,
  SearchOptions,
  Signal,
  StoreCapabilities,
  StoreOptions,
} from './store.ts'
export { type Clause, type Condition, clausesOf, fulfils, type Where } from './where.ts'
