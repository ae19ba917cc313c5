import { beforeAll, describe, expect, it } from 'vitest'
import type { Engine } from '../../src/backends/index.ts'
import {
  type Checkpoint,
  chooseStart,
  embedSamples,
  head,
  heldOutScore,
  isFacewiseError,
  train,
  vectorSamples,
  whitenWithin,
} from '../../src/train/index.ts'
import { random } from '../random.ts'
import { toyPeople, wasm } from './backend.ts'

const DIMENSION = 6
const SHRINKAGE = 0.7

/** People with 1 to 4 pictures each, anywhere. */
function anyPeople(): { vectors: number[][]; people: string[] } {
  const numbers = random(5)
  const people = Array.from({ length: 8 }, (_, person) =>
    Array.from({ length: 1 + (person % 4) }, () => `person ${person}`),
  ).flat()
  return { people, vectors: people.map(() => Array.from({ length: DIMENSION }, () => numbers.float() - 0.5)) }
}

/** The covariance within people, as its definition reads. */
function covarianceOf(vectors: readonly number[][], people: readonly string[]): number[][] {
  const means = new Map(
    people.map(person => {
      const own = vectors.filter((_, i) => people[i] === person)
      return [person, own[0].map((_, k) => own.reduce((sum, vector) => sum + vector[k], 0) / own.length)]
    }),
  )
  const off = vectors.map((vector, i) => vector.map((value, k) => value - means.get(people[i])![k]))
  return square((i, j) => off.reduce((sum, row) => sum + row[i] * row[j], 0) / (vectors.length - means.size))
}

const square = (at: (i: number, j: number) => number): number[][] =>
  Array.from({ length: DIMENSION }, (_, i) => Array.from({ length: DIMENSION }, (_, j) => at(i, j)))

const product = (a: readonly number[][], b: readonly number[][]): number[][] =>
  square((i, j) => a[i].reduce((sum, value, k) => sum + value * b[k][j], 0))

describe('whitening within people', () => {
  const { vectors, people } = anyPeople()
  const samples = vectorSamples(vectors, people)

  it("makes W W' the inverse of the mixed covariance", () => {
    const [{ values }] = whitenWithin(samples, { shrinkage: SHRINKAGE })
    const W = square((i, j) => values[i * DIMENSION + j])
    const covariance = covarianceOf(vectors, people)
    const mean = covariance.reduce((sum, row, i) => sum + row[i], 0) / DIMENSION
    const mixed = square((i, j) => (covariance[i][j] / mean + (i === j ? SHRINKAGE : 0)) / (1 + SHRINKAGE))
    const identity = product(
      product(
        W,
        square((i, j) => W[j][i]),
      ),
      mixed,
    )
    identity.forEach((row, i) => {
      for (const [j, value] of row.entries()) expect(value).toBeCloseTo(i === j ? 1 : 0, 5)
    })
  })

  it('takes the mean over before it whitens', () => {
    const centre = Array.from({ length: DIMENSION }, (_, i) => 0.1 * i - 0.2)
    const [W, b] = whitenWithin(samples, { centre })
    for (let j = 0; j < DIMENSION; j++) {
      const moved = centre.reduce((sum, value, i) => sum - value * W.values[i * DIMENSION + j], 0)
      expect(b.values[j]).toBeCloseTo(moved, 5)
    }
  })

  it('is nearly the identity with much shrinkage', () => {
    const [{ values }] = whitenWithin(samples, { shrinkage: 1e6 })
    values.forEach((value, i) => {
      expect(value).toBeCloseTo(i % (DIMENSION + 1) === 0 ? 1 : 0, 4)
    })
  })

  it.each([
    ['nobody with two pictures', () => whitenWithin(vectorSamples(vectors.slice(0, 2), ['a', 'b'])), /two different/],
    [
      'the same picture twice',
      () => whitenWithin(vectorSamples([vectors[0], vectors[0]], ['a', 'a'])),
      /two different/,
    ],
    ['no shrinkage', () => whitenWithin(samples, { shrinkage: 0 }), /over 0, like 1; got 0/],
    ['a mean of another length', () => whitenWithin(samples, { centre: [1] }), /a mean of 1 numbers/],
    ['pictures', () => whitenWithin({ ...samples, shape: [2, 2, 3] }), /shape \[2,2,3\]/],
  ])('refuses %s', (_, attempt, message) => {
    expect(attempt).toThrowError(message)
    try {
      attempt()
    } catch (error) {
      expect(isFacewiseError(error) && error.code).toBe('INVALID_ARGUMENT')
    }
  })
})

describe('a head that begins with a whitening', () => {
  let engine: Engine
  beforeAll(async () => {
    engine = await wasm()
  })
  const samples = toyPeople(24, 6, 1)
  const heldOut = toyPeople(16, 4, 2)
  const [dimension] = samples.shape
  const scoreOf = async (network: ReturnType<typeof head>): Promise<number> =>
    heldOutScore(await embedSamples(engine, network, network.start([dimension], 1), heldOut), heldOut.people)

  it('tells strangers apart before it learns anything', async () => {
    expect(await scoreOf(head({ dimension }))).toBeLessThan(0.8)
    for (const kind of ['linear', 'mlp'] as const) {
      const from = whitenWithin(samples, { shrinkage: 0.1 })
      expect(await scoreOf(head({ kind, dimension, from }))).toBeGreaterThan(0.95)
    }
  })

  it('is chosen by what it does on held-out people', async () => {
    const { from, shrinkage, score } = await chooseStart({ engine, samples, heldOut, shrinkages: [1000, 0.1, 10] })
    expect(shrinkage).toBe(0.1)
    expect(from).toEqual(whitenWithin(samples, { shrinkage: 0.1 }))
    expect(score).toBe(await scoreOf(head({ dimension, from })))
  })

  it('is not chosen where the people learned from differ in what tells the others apart', async () => {
    const turned = vectorSamples(
      samples.people.map((_, i) => [...samples.read([i])].reverse()),
      samples.people,
    )
    expect(await chooseStart({ engine, samples: turned, heldOut })).toEqual({
      score: await scoreOf(head({ dimension })),
    })
  })

  it('learns on from there, and a checkpoint of another start is refused', async () => {
    const from = whitenWithin(samples, { shrinkage: 3 })
    let kept: Checkpoint | undefined
    const run = {
      engine,
      samples,
      heldOut,
      learningRate: 0.1,
      epochs: 10,
      async onEpoch(_: unknown, checkpoint: () => Promise<Checkpoint>) {
        kept ??= await checkpoint()
      },
    }
    const network = head({ dimension, from, anchor: 0 })
    const { startScore, bestScore } = await train({ ...run, network })
    expect(startScore).toBe(await scoreOf(network))
    expect(bestScore).toBeGreaterThan(startScore!)
    await expect(train({ ...run, network: head({ dimension, anchor: 0 }), resume: kept })).rejects.toThrow(
      /checkpoint is of another run/,
    )
  })

  it('refuses weights that do not fit, and says what would', () => {
    const from = whitenWithin(toyPeople(4, 3, 1, 4))
    expect(() => head({ dimension, from }).start([dimension], 1)).toThrow(
      /cannot begin with W of \[4,4\]: it has W of \[8,8\], b of \[8\]/,
    )
  })
})
