import { type Classifier, type ClassifierOptions, createClassifier, requireLabels } from './classifier.ts'

/** The seven emotions of FER2013: Ekman's six, and none. */
export const EMOTIONS = ['angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral'] as const

/** One of {@link EMOTIONS}. */
export type Emotion = (typeof EMOTIONS)[number]

/** How much of each emotion a face shows, from 0 to 1; together 1. */
export type EmotionScores = Readonly<Record<Emotion, number>>

/** The emotion classifier that comes with the package. */
export const DEFAULT_EMOTION_MODEL = 'emotion-mini-xception'

/**
 * Loads a classifier of emotions.
 *
 * ```ts
 * const emotions = await createEmotionClassifier()
 * const [scores] = await emotions.classify(picture, faces)      // { happy: 0.93, neutral: 0.05, ... }
 * ```
 *
 * What it reads is an expression: what the face shows, not what a person feels.
 *
 * @param name a model whose manifest names the seven emotions among its outputs, as scores that are not negative.
 * @throws FacewiseError as `createClassifier`.
 */
export function createEmotionClassifier(
  name: string = DEFAULT_EMOTION_MODEL,
  options: ClassifierOptions = {},
): Promise<Classifier<EmotionScores>> {
  return createClassifier(name, decodeEmotion, options, (labels, manifest) =>
    requireLabels(labels, EMOTIONS, 'emotions', manifest),
  )
}

/** The scores of a network that may name them in another order and have others besides; they sum to 1. */
export function decodeEmotion(output: Float32Array, labels: readonly string[]): EmotionScores {
  const values = EMOTIONS.map(emotion => output[labels.indexOf(emotion)])
  const sum = values.reduce((a, b) => a + b, 0)
  return Object.fromEntries(EMOTIONS.map((emotion, i) => [emotion, sum > 0 ? values[i] / sum : 1 / 7])) as EmotionScores
}

/** The emotion with the highest score. */
export function strongestEmotion(scores: EmotionScores): Emotion {
  return EMOTIONS.reduce((best, emotion) => (scores[emotion] > scores[best] ? emotion : best))
}
