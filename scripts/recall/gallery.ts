/**
 * A gallery of made-up embeddings that lie as the default embedder's do: in a cone, so that strangers are 0.14 to 0.30 apart by cosine and
 * pictures of one subject 0.02 to 0.09; some directions vary much more than others.
 */
import { Random } from '../../src/store/conformance/random.ts'

export interface Gallery {
  /** Unit vectors, `perSubject` of each subject, one subject after the other. */
  readonly vectors: readonly Float32Array[]
  /** One more picture of each of some subjects: what is searched for. */
  readonly queries: readonly Float32Array[]
}

/** Squared lengths of what a person and what a picture adds to the direction that all faces share. */
const PERSON = 0.218
const PICTURE = 0.064

export function makeGallery({
  subjects = 10_000,
  perSubject = 5,
  queries = 1_000,
  dimension = 128,
  seed = 1,
} = {}): Gallery {
  const random = new Random(seed)
  const spread = Float64Array.from({ length: dimension }, (_, i) => 1 / Math.sqrt(i + 1))
  const length = Math.sqrt(spread.reduce((sum, value) => sum + value * value, 0))
  const direction = (squared: number): Float64Array =>
    spread.map(value => (value / length) * Math.sqrt(squared) * normal(random))
  // What all share has the same part in every direction.
  const shared = 1 / Math.sqrt(dimension)
  const picture = (person: Float64Array): Float32Array => {
    const noise = direction(PICTURE * (0.5 + random.next()))
    return unit(person.map((value, i) => shared + value + noise[i]))
  }
  const persons = Array.from({ length: subjects }, () => direction(PERSON))
  const vectors = persons.flatMap(person => Array.from({ length: perSubject }, () => picture(person)))
  const step = Math.max(1, Math.floor(subjects / queries))
  const asked = persons.filter((_, i) => i % step === 0).slice(0, queries)
  return { vectors, queries: asked.map(picture) }
}

/** Box and Muller's normal number. */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next())
}

function unit(vector: Float64Array): Float32Array {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0))
  return Float32Array.from(vector, value => value / length)
}
