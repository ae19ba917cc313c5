import { FacewiseError } from '../errors.ts'
import { packVectors, type Vector } from '../metrics.ts'
import { type Random, randomFrom, shuffle } from './random.ts'

/** What is learned from: numbers of one shape, and whose they are. */
export interface Samples {
  /** The person of each sample. */
  readonly people: readonly string[]
  /** Of one sample: `[128]` for embeddings, `[64, 64, 3]` for pictures. */
  readonly shape: readonly number[]
  /** The numbers of some samples, one after the other. `random` is for augmentation; absent where nothing may be changed. */
  read(indices: readonly number[], random?: Random): Float32Array
}

/**
 * Embeddings as samples.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` for lists of different lengths, or vectors of several dimensions or with numbers that are not
 *   finite.
 */
export function vectorSamples(vectors: readonly Vector[], people: readonly string[]): Samples {
  if (vectors.length !== people.length) {
    throw new FacewiseError('INVALID_ARGUMENT', `There are ${vectors.length} vectors and ${people.length} people.`)
  }
  const { data, dimension } = packVectors(vectors)
  return {
    people,
    shape: [dimension],
    read(indices) {
      const out = new Float32Array(indices.length * dimension)
      indices.forEach((index, i) => {
        out.set(data.subarray(index * dimension, (index + 1) * dimension), i * dimension)
      })
      return out
    },
  }
}

/** Some of the samples, in the order of `indices`. */
export function pickSamples(samples: Samples, indices: readonly number[]): Samples {
  return {
    people: indices.map(index => samples.people[index]),
    shape: samples.shape,
    read: (chosen, random) =>
      samples.read(
        chosen.map(i => indices[i]),
        random,
      ),
  }
}

/** Two groups of samples that have no person in common. */
export interface PeopleSplit {
  readonly train: number[]
  readonly heldOut: number[]
}

/**
 * Splits samples by person: what is measured on people that were learned from says nothing of others.
 *
 * @param share of the people that is held out, above 0 and under 1; at least one person, and at most all but one.
 * @param seed Another one gives another split.
 * @throws FacewiseError `INVALID_ARGUMENT` for fewer than two people or a share outside its range.
 */
export function splitPeople(people: readonly string[], share: number, seed = 0): PeopleSplit {
  const names = [...new Set(people)].sort()
  if (names.length < 2 || !(share > 0 && share < 1)) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `A split needs two people and a share between 0 and 1; got ${names.length} and ${share}.`,
    )
  }
  const count = Math.min(names.length - 1, Math.max(1, Math.round(share * names.length)))
  const out = new Set(shuffle(names, randomFrom(seed, 0x5711)).slice(0, count))
  const indices = people.map((_, i) => i)
  return { train: indices.filter(i => !out.has(people[i])), heldOut: indices.filter(i => out.has(people[i])) }
}

/** The shape of a batch: see {@link peopleBatches}. */
export interface BatchShape {
  /** Different people of a batch; 32 by default. */
  readonly people?: number
  /** Pictures of each, or as many as there are; 4 by default. FaceNet's paper has about 40 in batches of 1,800. */
  readonly pictures?: number
}

/**
 * One epoch of batches of P people times K pictures (Hermans, Beyer and Leibe, "In defense of the triplet loss for person
 * re-identification", 2017, arXiv:1703.07737): every person comes once, with pictures chosen at random. People with a single picture
 * make no pair, but others are told from them.
 *
 * @returns indices of samples; a rest of a single person is left out, for it has nobody to be told from.
 */
export function peopleBatches(
  people: readonly string[],
  { people: width = 32, pictures = 4 }: BatchShape,
  random: Random,
): number[][] {
  const of = new Map<string, number[]>()
  people.forEach((name, i) => {
    const list = of.get(name)
    if (list) list.push(i)
    else of.set(name, [i])
  })
  const groups = shuffle([...of.values()], random)
  const batches: number[][] = []
  for (let from = 0; from < groups.length; from += width) {
    const group = groups.slice(from, from + width)
    if (group.length > 1) batches.push(group.flatMap(list => shuffle([...list], random).slice(0, pictures)))
  }
  return batches
}
