import { describe, expect, test } from 'vitest'
import {
  condensedDistances,
  condensedIndex,
  convertDistance,
  distance,
  distanceBlock,
  type Metric,
  normalise,
  packVectors,
  rowsOf,
  similarity,
} from '../src/metrics.ts'
import { gaussian } from './embed/gaussian.ts'
import { random } from './random.ts'

const METRICS: readonly Metric[] = ['cosine', 'euclidean', 'squared-euclidean']

function vectors(count: number, dimension: number, seed: number): Float32Array[] {
  const normal = gaussian(random(seed))
  return Array.from({ length: count }, () => Float32Array.from({ length: dimension }, () => normal()))
}

const invalid = (message: RegExp) =>
  expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) })

describe('the distance of two vectors', () => {
  test('by hand', () => {
    expect(distance([3, 0], [0, 4], 'cosine')).toBe(1)
    expect(distance([3, 0], [0, 4], 'euclidean')).toBe(5)
    expect(distance([3, 0], [0, 4], 'squared-euclidean')).toBe(25)
    expect(distance([1, 1], [-2, -2])).toBe(2)
    expect(distance([1, 0], [1, 1])).toBeCloseTo(1 - Math.SQRT1_2, 15)
    expect(similarity([1, 0], [1, 1])).toBeCloseTo(Math.SQRT1_2, 15)
    expect(similarity([1, 0], [-5, 0])).toBe(-1)
  })

  test('of a vector with itself is 0 to the last bit, and with its multiple by cosine nearly so', () => {
    for (const vector of vectors(200, 128, 1)) {
      for (const metric of METRICS) expect(distance(vector, vector, metric)).toBe(0)
      expect(
        distance(
          vector,
          Float64Array.from(vector, v => v * 7.3),
        ),
      ).toBeLessThan(1e-14)
    }
  })

  test('is symmetric, and Euclidean keeps the triangle inequality', () => {
    const [a, b, c] = vectors(3, 64, 2)
    for (const metric of METRICS) expect(distance(a, b, metric)).toBe(distance(b, a, metric))
    expect(distance(a, c, 'euclidean')).toBeLessThan(distance(a, b, 'euclidean') + distance(b, c, 'euclidean'))
  })

  test('one metric is another for unit vectors', () => {
    const units = vectors(20, 32, 3).map(vector => Float64Array.from(vector, v => v / Math.hypot(...vector)))
    for (const from of METRICS) {
      for (const to of METRICS) {
        const [a, b] = [units[0], units[7]]
        expect(convertDistance(distance(a, b, from), from, to)).toBeCloseTo(distance(a, b, to), 14)
        expect(convertDistance(convertDistance(0.4, from, to), to, from)).toBeCloseTo(0.4, 15)
        expect(convertDistance(0, from, to)).toBe(0)
      }
    }
    expect(convertDistance(0.4, 'cosine', 'squared-euclidean')).toBe(0.8)
    expect(convertDistance(0.402, 'cosine', 'euclidean')).toBeCloseTo(0.8967, 4)
    expect(convertDistance(0.1234567890123, 'euclidean', 'euclidean')).toBe(0.1234567890123)
  })

  test('what cannot be compared is named', () => {
    expect(() => distance([1, 2], [1, 2, 3])).toThrow(invalid(/2 and 3 numbers.*one model/))
    expect(() => distance([], [])).toThrow(invalid(/one number or more/))
    for (const metric of METRICS) {
      expect(() => distance([1, Number.NaN], [1, 2], metric)).toThrow(invalid(/first vector.*not finite/))
      expect(() => distance([1, 1], [1, Number.POSITIVE_INFINITY], metric)).toThrow(
        invalid(/second vector.*not finite/),
      )
    }
    expect(() => distance([1, 1], [0, 0])).toThrow(invalid(/second vector is all zeros/))
    expect(distance([3, 4], [0, 0], 'euclidean')).toBe(5)
    expect(() => distance([1], [1], 'manhattan' as Metric)).toThrow(invalid(/no metric 'manhattan'/))
    expect(() => convertDistance(-0.1, 'cosine', 'euclidean')).toThrow(invalid(/0 or more; got -0.1/))
    expect(() => convertDistance(Number.NaN, 'cosine', 'cosine')).toThrow(invalid(/NaN/))
  })
})

describe('normalising', () => {
  test('gives length one and keeps the direction', () => {
    expect([...normalise([3, 0, -4])]).toEqual([Math.fround(0.6), 0, Math.fround(-0.8)])
    for (const vector of vectors(20, 512, 4)) {
      expect(Math.hypot(...normalise(vector))).toBeCloseTo(1, 6)
      expect(distance(normalise(vector), vector)).toBeLessThan(1e-12)
    }
  })

  test('refuses what has no direction', () => {
    expect(() => normalise([0, 0])).toThrow(invalid(/all zeros/))
    expect(() => normalise([1, Number.NaN])).toThrow(invalid(/not finite/))
    expect(() => normalise([])).toThrow(invalid(/one number or more/))
  })
})

describe('many distances', () => {
  // Counts around the four that are compared at a time.
  test.each(METRICS)('blocks by %s hold what single comparisons give', metric => {
    for (const [m, n] of [
      [1, 1],
      [3, 4],
      [5, 7],
      [2, 13],
    ]) {
      const a = vectors(m, 33, m)
      const b = vectors(n, 33, 100 + n)
      const block = distanceBlock(packVectors(a), packVectors(b), metric)
      expect(block).toHaveLength(m * n)
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) expect(block[i * n + j]).toBeCloseTo(distance(a[i], b[j], metric), 4)
      }
    }
  })

  test.each(METRICS)('all pairs by %s, each once, equal ones exactly 0', metric => {
    const list = vectors(9, 17, 5)
    list.push(list[3].slice())
    const condensed = condensedDistances(packVectors(list), metric)
    expect(condensed).toHaveLength(45)
    let at = 0
    for (let i = 0; i < 10; i++) {
      for (let j = i + 1; j < 10; j++) {
        expect(condensedIndex(i, j, 10)).toBe(at)
        expect(condensedIndex(j, i, 10)).toBe(at)
        expect(condensed[at++]).toBeCloseTo(distance(list[i], list[j], metric), 4)
      }
    }
    expect(condensed[condensedIndex(3, 9, 10)]).toBe(0)
  })

  test('rows of a matrix are compared without a copy, into room that is there', () => {
    const all = packVectors(vectors(10, 8, 6))
    const part = rowsOf(all, 4, 7)
    expect(part.count).toBe(3)
    expect(part.data.buffer).toBe(all.data.buffer)
    const out = new Float32Array(40)
    expect(distanceBlock(part, all, 'cosine', out)).toBe(out)
    expect([...out.subarray(0, 30)]).toEqual([...distanceBlock(all, all)].slice(40, 70))
    expect([...out.subarray(30)]).toEqual(Array(10).fill(0))
    expect(rowsOf(all, 8, 99).count).toBe(2)
    expect(distanceBlock(rowsOf(all, 5, 5), all)).toHaveLength(0)
  })

  test('the embedding that is wrong is named', () => {
    expect(() => packVectors([[1, 2], [1]])).toThrow(invalid(/Embedding 1 has 1 numbers, embedding 0 has 2/))
    expect(() =>
      packVectors([
        [1, 2],
        [3, Number.NaN],
      ]),
    ).toThrow(invalid(/Embedding 1 holds a number that is not finite/))
    expect(() => packVectors([[], []])).toThrow(invalid(/embedding 0 has none/))
    expect(() =>
      condensedDistances(
        packVectors([
          [1, 2],
          [3, 4],
          [0, 0],
        ]),
      ),
    ).toThrow(invalid(/Embedding 2 is all zeros/))
    expect(() => distanceBlock(packVectors([[1, 2]]), packVectors([[1, 2, 3]]))).toThrow(invalid(/2 and 3/))
    const two = packVectors([[1], [2]])
    expect(() => distanceBlock(two, two, 'cosine', new Float32Array(3))).toThrow(invalid(/2 x 2 distances do not fit/))
    expect(packVectors([])).toEqual({ data: new Float32Array(0), count: 0, dimension: 0 })
  })
})
