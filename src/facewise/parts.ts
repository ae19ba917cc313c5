import {
  type AgeGender,
  type Classifier,
  createAgeGenderClassifier,
  createEmotionClassifier,
  createSpoofClassifier,
  DEFAULT_AGE_GENDER_MODEL,
  DEFAULT_EMOTION_MODEL,
  DEFAULT_SPOOF_MODEL,
  type EmotionScores,
  type PassiveLiveness,
} from '../attributes/index.ts'
import { type Engine, startBackend } from '../backends/index.ts'
import { createMtcnn, type Detector } from '../detect/index.ts'
import { createEmbedder, DEFAULT_EMBEDDER, type Embedder } from '../embed/index.ts'
import type { LoadModelOptions } from '../models/index.ts'
import type { AttributeName } from './facewise.ts'
import { given, type Lazy, lazy } from './lazy.ts'
import { type FacewiseOptions, placeOfModel } from './options.ts'

/** What the composed object is made of; each is loaded when it is first needed. */
export interface Parts {
  readonly engine: Lazy<Engine>
  readonly detector: Lazy<Detector>
  /** Whether the detector is the library's own, whose settings of a call are known. */
  readonly ownDetector: boolean
  readonly embedder: Lazy<Embedder>
  readonly emotion: Lazy<Classifier<EmotionScores>>
  readonly ageGender: Lazy<Classifier<AgeGender>>
  readonly liveness: Lazy<Classifier<PassiveLiveness>>
  /** Loads all that a first call with these attributes would load. */
  load(attributes: readonly AttributeName[]): Promise<void>
  /** Frees what was loaded here; what was given stays. */
  dispose(): Promise<void>
}

type Create<T> = (name: string, settings: { backend: Engine; model: LoadModelOptions }) => Promise<T>

/** The parts as the options say. Here alone is it decided what stands where nothing is said. */
export function partsOf(options: FacewiseOptions): Parts {
  const { backend, classifiers = {} } = options
  const progress = progressOf(options)
  const engine = lazy<Engine>(
    async () => (backend && 'tf' in backend ? backend : startBackend(backend)),
    // Other parts of the program may use it.
    () => {},
  )
  const placeOf = (name: string): LoadModelOptions => ({
    onProgress: progress,
    ...placeOfModel(options.models, name),
  })
  const named = <T extends { dispose(): void }>(name: string, create: Create<T>): Lazy<T> =>
    lazy(
      async () => create(name, { backend: await engine.get(), model: placeOf(name) }),
      part => part.dispose(),
    )
  const classifier = <T>(
    choice: string | Classifier<T> | undefined,
    standard: string,
    create: Create<Classifier<T>>,
  ): Lazy<Classifier<T>> => (typeof choice === 'object' ? given(choice) : named(choice ?? standard, create))

  const settings = options.detector
  const detector: Lazy<Detector> = isDetector(settings)
    ? given(settings)
    : lazy(
        async () => createMtcnn({ ...settings, backend: await engine.get(), model: placeOf('mtcnn') }),
        part => part.dispose(),
      )
  const embedder: Lazy<Embedder> =
    typeof options.embedder === 'object'
      ? given(options.embedder)
      : named(options.embedder ?? DEFAULT_EMBEDDER, createEmbedder)
  const emotion = classifier(classifiers.emotion, DEFAULT_EMOTION_MODEL, createEmotionClassifier)
  const ageGender = classifier(classifiers.ageGender, DEFAULT_AGE_GENDER_MODEL, createAgeGenderClassifier)
  const liveness = classifier(classifiers.liveness, DEFAULT_SPOOF_MODEL, createSpoofClassifier)
  const networks: Partial<Record<AttributeName, Lazy<unknown>>> = { emotion, 'age-gender': ageGender, liveness }

  return {
    engine,
    detector,
    ownDetector: !isDetector(settings),
    embedder,
    emotion,
    ageGender,
    liveness,
    async load(attributes) {
      await Promise.all([detector, embedder, ...attributes.map(name => networks[name])].map(part => part?.get()))
    },
    async dispose() {
      await Promise.all([detector, embedder, emotion, ageGender, liveness, engine].map(part => part.dispose()))
    },
  }
}

function isDetector(value: FacewiseOptions['detector']): value is Detector {
  return value !== undefined && typeof (value as Partial<Detector>).detect === 'function'
}

/** One stream of all models' progress. */
function progressOf({ onProgress }: FacewiseOptions): LoadModelOptions['onProgress'] {
  if (!onProgress) return undefined
  const models = new Map<string, { loadedBytes: number; totalBytes: number }>()
  return ({ model, loadedBytes, totalBytes }) => {
    models.set(model, { loadedBytes, totalBytes })
    const all = [...models.values()]
    onProgress({
      model,
      loadedBytes: all.reduce((sum, each) => sum + each.loadedBytes, 0),
      totalBytes: all.reduce((sum, each) => sum + each.totalBytes, 0),
    })
  }
}
