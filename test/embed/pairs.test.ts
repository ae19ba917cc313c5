import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { allPairs, type Pair, pairDistances, parsePairs, scorePairs } from '../../src/embed/pairs.ts'
import { distance, packVectors } from '../../src/metrics.ts'
import { developmentData } from '../data.ts'
import { random } from '../random.ts'
import { facesOf } from './gaussian.ts'

const invalid = (message: RegExp) =>
  expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) })

describe('a list of pairs', () => {
  test('is read', () => {
    const expected = [
      { a: 'x/a.jpg', b: 'y b.jpg', same: true },
      { a: 'c.jpg', b: 'd.jpg', same: false },
    ]
    expect(parsePairs('path_a,path_b,same\nx/a.jpg,y b.jpg,1\nc.jpg,d.jpg,0\n')).toEqual(expected)
    expect(parsePairs('\uFEFFpath_a,path_b,same\r\n x/a.jpg , "y b.jpg",1\r\n\r\nc.jpg,d.jpg,0')).toEqual(expected)
    expect(parsePairs('path_a,path_b,same\n"Doe, J/1.jpg","the ""one"".jpg",0')).toEqual([
      { a: 'Doe, J/1.jpg', b: 'the "one".jpg', same: false },
    ])
    expect(parsePairs('path_a,path_b,same')).toEqual([])
  })

  test.each([
    ['', /Line 1.*header 'path_a,path_b,same'/],
    ['a.jpg,b.jpg,1', /Line 1.*header.*found 'a.jpg,b.jpg,1'/],
    ['path_a,path_b,same\na,b,1\n\na,b', /Line 4.*three fields, found 'a,b'/],
    ['path_a,path_b,same\na,b,c,1', /Line 2.*three fields/],
    ['path_a,path_b,same\na,"b,1', /Line 2.*three fields/],
    ['path_a,path_b,same\na"x",b,1', /Line 2.*three fields/],
    ['path_a,path_b,same\na,b,true', /Line 2.*1 \(one person\) or 0 \(two people\), found 'true'/],
    ['path_a,path_b,same\na,,1', /Line 2.*a path is empty/],
  ])('%j is refused with its line', (csv, message) => {
    expect(() => parsePairs(csv)).toThrow(invalid(message))
  })

  test.skipIf(!developmentData)('of the development data is read whole', () => {
    const pairs = parsePairs(readFileSync(join(developmentData as string, 'data/lfw-dev/pairs-test.csv'), 'utf8'))
    expect(pairs).toHaveLength(1000)
    expect(pairs.filter(({ same }) => same)).toHaveLength(500)
    for (const { a, b, same } of pairs) expect(a.split('/')[1] === b.split('/')[1]).toBe(same)
  })
})

describe('the distances of pairs', () => {
  const embeddings = new Map<string, number[] | undefined>([
    ['a', [1, 0]],
    ['b', [0, 1]],
    ['lost', undefined],
  ])
  const pair = (a: string, b: string): Pair => ({ a, b, same: true })

  test('are infinite where there was no face', () => {
    expect([
      ...pairDistances([pair('a', 'b'), pair('a', 'lost'), pair('lost', 'b'), pair('a', 'a')], embeddings),
    ]).toEqual([1, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 0])
    expect(pairDistances([pair('a', 'b')], embeddings, 'squared-euclidean')[0]).toBe(2)
  })

  test('need every picture', () => {
    expect(() => pairDistances([pair('a', 'forgotten')], embeddings)).toThrow(invalid(/'forgotten' has no embedding/))
  })
})

describe('the score of pairs', () => {
  const listed = (genuine: readonly number[], impostor: readonly number[]): [Pair[], number[]] => [
    [...genuine.map(() => ({ a: 'a', b: 'b', same: true })), ...impostor.map(() => ({ a: 'a', b: 'b', same: false }))],
    [...genuine, ...impostor],
  ]

  test('by hand', () => {
    const score = scorePairs(...listed([0.1, 0.2, 0.3, 0.7], [0.4, 0.8, 0.9, 1]), {
      threshold: 0.75,
      fars: [0.01, 0.25],
    })
    expect(score).toMatchObject({
      genuine: 4,
      impostor: 4,
      missedGenuine: 0,
      missedImpostor: 0,
      accuracy: { threshold: 0.75, count: 7, total: 8, rate: 7 / 8, falseMatches: 1, falseNonMatches: 0 },
      bestAccuracy: { count: 7 },
      auc: 15 / 16,
      eer: { rate: 0.25 },
      tarAtFar: [
        { far: 0.25, tar: { count: 4, total: 4, rate: 1 }, measured: { count: 1 } },
        { far: 0.01, tar: { count: 3, total: 4, rate: 0.75 }, measured: { count: 0 } },
      ],
    })
    expect(scorePairs(...listed([1], [2]))).not.toHaveProperty('accuracy')
    expect(scorePairs(...listed([1], [2])).tarAtFar.map(({ far }) => far)).toEqual([1e-2, 1e-3])
  })

  test('every pair counts: a missed face is an error of its pair, of either kind', () => {
    const missed = Number.POSITIVE_INFINITY
    const score = scorePairs(...listed([0.1, 0.2, missed], [0.8, 0.9, missed, missed]), { threshold: 0.5 })
    expect(score).toMatchObject({ genuine: 3, impostor: 4, missedGenuine: 1, missedImpostor: 2 })
    expect(score.accuracy).toMatchObject({ count: 4, total: 7, falseMatches: 0, falseNonMatches: 1 })
    expect(score.bestAccuracy).toMatchObject({ count: 4, total: 7, rate: 4 / 7 })
    expect(score.bestAccuracy.interval[1]).toBeLessThan(1)
    // A missed genuine pair is rejected; a missed impostor is no false match.
    expect(score.tarAtFar[0]).toMatchObject({ tar: { count: 2, total: 3 }, measured: { count: 0, total: 4 } })
  })

  test('needs one distance a pair, and both kinds', () => {
    const [pairs, distances] = listed([1], [2])
    expect(() => scorePairs(pairs, [1])).toThrow(invalid(/2 pairs and 1 distances/))
    expect(() => scorePairs(pairs, [1, Number.NaN])).toThrow(invalid(/NaN/))
    expect(() => scorePairs(pairs.slice(0, 1), distances.slice(0, 1))).toThrow(invalid(/no impostor/))
  })
})

describe('all pairs among pictures', () => {
  test('each once, with its people', () => {
    // More rows than are compared at a time, people mixed.
    const { vectors, subjects } = facesOf(random(3), { people: 30, pictures: 5, dimension: 7, noise: 1 })
    const order = vectors.map((_, i) => (i * 37) % vectors.length)
    const list = order.map(i => vectors[i])
    const names = order.map(i => subjects[i])
    const { genuine, impostor, subjects: count, names: people } = allPairs(packVectors(list), names, 'euclidean')
    expect(count).toBe(30)
    expect([...people].sort()).toEqual([...new Set(subjects)].sort())
    expect(genuine.distances).toHaveLength(30 * 10)
    expect(impostor.distances).toHaveLength((150 * 149) / 2 - 300)
    let g = 0
    let m = 0
    for (let i = 0; i < list.length; i++) {
      for (let j = i + 1; j < list.length; j++) {
        const expected = distance(list[i], list[j], 'euclidean')
        if (names[i] === names[j]) {
          expect(Math.abs(genuine.distances[g] - expected)).toBeLessThan(1e-6)
          expect(people[genuine.subject[g++]]).toBe(names[i])
        } else {
          expect(Math.abs(impostor.distances[m] - expected)).toBeLessThan(1e-6)
          expect(people[impostor.first[m]]).toBe(names[i])
          expect(people[impostor.second[m++]]).toBe(names[j])
        }
      }
    }
  })

  test('need a name each', () => {
    expect(() => allPairs([[1], [2]], ['a'])).toThrow(invalid(/2 embeddings and 1 subjects/))
    expect(allPairs([], [])).toMatchObject({ subjects: 0, names: [] })
  })
})
