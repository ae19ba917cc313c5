import { type Classifier, type ClassifierOptions, createClassifier, requireLabels } from './classifier.ts'

/** Whether a picture looks like one of a living face, rather than of a photo or a screen, by its texture. */
export interface PassiveLiveness {
  /** From 0 (surely a picture of a picture) to 1 (surely a living face). No probability: measure your own threshold. */
  readonly score: number
}

/** The passive liveness classifiers that come with the package. */
export const SPOOF_MODELS = ['antispoof', 'livenessnet'] as const

/** The one of {@link SPOOF_MODELS} that is taken where none is named. */
export const DEFAULT_SPOOF_MODEL = 'antispoof'

/**
 * Loads a passive liveness classifier.
 *
 * ```ts
 * const texture = await createSpoofClassifier()
 * const [{ score }] = await texture.classify(picture, faces)
 * ```
 *
 * It is not certified and, with the packaged weights, hardly tested: one sign among several, never a gate by itself.
 *
 * @param name a model whose manifest names `live` among its outputs.
 * @throws FacewiseError as `createClassifier`.
 */
export function createSpoofClassifier(
  name: string = DEFAULT_SPOOF_MODEL,
  options: ClassifierOptions = {},
): Promise<Classifier<PassiveLiveness>> {
  return createClassifier(name, decodeSpoof, options, (labels, manifest) =>
    requireLabels(labels, ['live'], 'living faces from pictures', manifest),
  )
}

/** The output `live`. */
export function decodeSpoof(output: Float32Array, labels: readonly string[]): PassiveLiveness {
  return { score: output[labels.indexOf('live')] }
}
