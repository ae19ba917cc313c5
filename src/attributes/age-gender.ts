import { type Classifier, type ClassifierOptions, createClassifier, requireLabels } from './classifier.ts'

/** What age and gender a face looks like. */
export interface AgeGender {
  /** In years. */
  readonly age: number
  /** Standard deviation of the age in years, where the model gives a distribution. The packaged one gives none. */
  readonly ageSpread?: number
  readonly gender: Gender
}

/** As the data sets name it: two labels, by appearance. */
export interface Gender {
  readonly label: 'female' | 'male'
  /** How sure the model is of the label, from 0.5 to 1. */
  readonly score: number
}

/** The classifier of age and gender that comes with the package. */
export const DEFAULT_AGE_GENDER_MODEL = 'age-gender-tiny-xception'

/** The name of an output that is the probability of an age in years. */
const AGE_BIN = /^age-(\d+)$/

/**
 * Loads a classifier of age and gender.
 *
 * ```ts
 * const describe = await createAgeGenderClassifier()
 * const [{ age, gender }] = await describe.classify(picture, faces)      // 34.2, { label: 'female', score: 0.98 }
 * ```
 *
 * @param name a model whose manifest names among its outputs `male` (a probability; `female` too, or it is the rest), and `age` in years or
 * the probabilities `age-0`, `age-1`, ... of a distribution.
 * @throws FacewiseError as `createClassifier`.
 */
export function createAgeGenderClassifier(
  name: string = DEFAULT_AGE_GENDER_MODEL,
  options: ClassifierOptions = {},
): Promise<Classifier<AgeGender>> {
  return createClassifier(name, decodeAgeGender, options, (labels, manifest) => {
    const binned = labels.some(label => AGE_BIN.test(label))
    requireLabels(labels, binned ? ['male'] : ['age', 'male'], 'age and gender', manifest)
  })
}

/** Age (the mean of the distribution, where there is one, and its spread) and gender of a network's numbers. */
export function decodeAgeGender(output: Float32Array, labels: readonly string[]): AgeGender {
  const at = (label: string): number | undefined => output[labels.indexOf(label)]
  const male = at('male') ?? 0
  const female = at('female') ?? 1 - male
  const share = male + female > 0 ? male / (male + female) : 0.5
  const gender: Gender = share > 0.5 ? { label: 'male', score: share } : { label: 'female', score: 1 - share }
  const age = at('age')
  return age === undefined ? { ...distributionOf(output, labels), gender } : { age: Math.max(0, age), gender }
}

function distributionOf(output: Float32Array, labels: readonly string[]): { age: number; ageSpread: number } {
  let weight = 0
  let sum = 0
  let squares = 0
  labels.forEach((label, i) => {
    const year = AGE_BIN.exec(label)?.[1]
    if (year === undefined) return
    weight += output[i]
    sum += output[i] * Number(year)
    squares += output[i] * Number(year) ** 2
  })
  const age = weight > 0 ? sum / weight : 0
  return { age, ageSpread: weight > 0 ? Math.sqrt(Math.max(0, squares / weight - age * age)) : 0 }
}
