import type { Manifest } from './manifest.ts'
import type { ModelSource } from './source.ts'

/** A model that is there: what it is, and where its files are read from. */
export interface FoundModel {
  readonly manifest: Manifest
  readonly source: ModelSource
}
