import type { AgeGender, Classifier, EmotionScores, PassiveLiveness } from '../attributes/index.ts'
import type { BackendOptions, Engine } from '../backends/index.ts'
import type { Detector, MtcnnOptions } from '../detect/index.ts'
import type { Embedder } from '../embed/index.ts'
import { FacewiseError } from '../errors.ts'
import type { LoadModelOptions } from '../models/index.ts'
import type { EmbeddingStore } from '../store/index.ts'
import type { AttributeName } from './facewise.ts'

/** Options of {@link createFacewise}: every part can be set, or replaced by one's own. */
export interface FacewiseOptions {
  /** A started backend, or how to choose one. */
  readonly backend?: Engine | BackendOptions
  /**
   * Where models are: the address or (in Node) folder below which each lies in a folder of its name, or what to load by name. The
   * package's own files and the model directory by default.
   */
  readonly models?: string | URL | Readonly<Record<string, LoadModelOptions>>
  /** Settings of MTCNN, or another detector. */
  readonly detector?: Omit<MtcnnOptions, 'backend' | 'model'> | Detector
  /** The name of a model, or another embedder; the one in the package by default. */
  readonly embedder?: string | Embedder
  /** What `describe` tells: emotion, age and gender, pose, quality by default. */
  readonly attributes?: readonly AttributeName[]
  /** Names of other models, or other classifiers. */
  readonly classifiers?: {
    readonly emotion?: string | Classifier<EmotionScores>
    readonly ageGender?: string | Classifier<AgeGender>
    readonly liveness?: string | Classifier<PassiveLiveness>
  }
  /** Where faces are remembered: a store, or its URL (`openStore`); in memory by default. */
  readonly store?: string | EmbeddingStore
  /** Hears how far loading is, of all models together. */
  readonly onProgress?: (progress: FacewiseProgress) => void
}

/** How far the loading of models is. */
export interface FacewiseProgress {
  /** The model that came further. */
  readonly model: string
  /** Of all models whose loading has begun. */
  readonly loadedBytes: number
  readonly totalBytes: number
}

/** All attributes, and those that are told where nothing else is said. */
export const ATTRIBUTES: readonly AttributeName[] = ['emotion', 'age-gender', 'pose', 'quality', 'liveness']
export const DEFAULT_ATTRIBUTES: readonly AttributeName[] = ['emotion', 'age-gender', 'pose', 'quality']

/** @throws FacewiseError `INVALID_ARGUMENT` that names what is unknown. */
export function checkAttributes(names: readonly AttributeName[]): readonly AttributeName[] {
  const strange = names.find(name => !ATTRIBUTES.includes(name))
  if (strange === undefined) return names
  throw new FacewiseError('INVALID_ARGUMENT', `"${strange}" is none of the attributes ${ATTRIBUTES.join(', ')}.`)
}

/** Where the model of that name is to be loaded from, as `models` says. */
export function placeOfModel(models: FacewiseOptions['models'], name: string): LoadModelOptions {
  if (models === undefined) return {}
  if (typeof models === 'string' || models instanceof URL) {
    const base = String(models)
    return { source: `${base.endsWith('/') ? base : `${base}/`}${name}/` }
  }
  return models[name] ?? {}
}
