import type { PulledDtype } from './catalog.ts'
import type { Manifest } from './manifest.ts'

/** How far a pull is. */
export interface PullProgress {
  readonly model: string
  /** `wait`: another process pulls the same model. `convert`: all files are there and are made into a model. */
  readonly phase: 'wait' | 'download' | 'convert' | 'write'
  readonly loadedBytes: number
  /** An estimate until every file has begun: mirrors may hold shorter copies. */
  readonly totalBytes: number
  readonly loadedFiles: number
  readonly totalFiles: number
}

/** Options of `pullModel`. */
export interface PullOptions {
  /** A mirror: a folder, or an address below which the files lie under their published names. The public ones by default. */
  readonly from?: string | URL
  /** How the weights are stored: `float16` by default. Given, and other than that of a model that is there, it is pulled anew. */
  readonly store?: PulledDtype
  /** The model directory; `modelDirectory()` by default. */
  readonly directory?: string
  readonly onProgress?: (progress: PullProgress) => void
  readonly signal?: AbortSignal
}

/** A model in the model directory. */
export interface PulledModel {
  readonly manifest: Manifest
  /** Its folder. */
  readonly folder: string
  readonly store: PulledDtype | undefined
  /** Whether this call got it; otherwise it was there, whole. */
  readonly pulled: boolean
}
