import { describe, expect, test } from 'vitest'
import type { Picture } from '../../src/image/picture.ts'
import {
  applySimilarity,
  estimateSimilarity,
  type Point,
  type Similarity,
  warpSimilarity,
} from '../../src/image/warp.ts'
import { noise, random } from '../random.ts'
import { largestDifference, meanOf, picture, threeOf } from './mean.ts'

function warp(source: Picture, transform: Similarity, width: number, height: number): number[] {
  const out = new Float32Array(width * height * 3)
  warpSimilarity(source, transform, { width, height, out, offset: 0, scale: 1, shift: 0 })
  return [...out]
}

const identity: Similarity = { a: 1, b: 0, tx: 0, ty: 0 }

describe('warping', () => {
  test('the identity changes nothing', () => {
    const source = noise(7, 5, 1)
    expect(warp(source, identity, 7, 5)).toEqual([...source.data])
  })

  test('whole steps move; outside is black', () => {
    const source = picture(2, 2, [1, 2, 3, 4])
    expect(warp(source, { ...identity, tx: 1, ty: 0 }, 2, 2)).toEqual([
      0,
      0,
      0,
      ...threeOf([1]),
      0,
      0,
      0,
      ...threeOf([3]),
    ])
    expect(warp(source, { ...identity, tx: 50 }, 2, 2)).toEqual(Array(12).fill(0))
  })

  test('half a step is the mean of two neighbours', () => {
    const source = picture(3, 1, [10, 20, 40])
    expect(warp(source, { ...identity, tx: -0.5 }, 2, 1)).toEqual(threeOf([15, 30]))
  })

  test('a quarter turn', () => {
    // (x, y) goes to (-y, x), moved back into sight: what was on the left is on top.
    const source = picture(3, 2, [1, 2, 3, 4, 5, 6])
    const turned = warp(source, { a: 0, b: 1, tx: 2, ty: 0 }, 2, 3)
    // biome-ignore format: a picture
    expect(turned).toEqual(threeOf([
      4, 1,
      5, 2,
      6, 3,
    ]))
  })

  test('a whole-number reduction shows every pixel: close to the mean', () => {
    const source = noise(24, 24, 2)
    const actual = warp(source, { a: 0.25, b: 0, tx: 0, ty: 0 }, 6, 6)
    const expected = meanOf(source, { x: 0, y: 0, width: 24, height: 24 }, 6, 6)
    expect(largestDifference(actual, expected)).toBeLessThan(1e-3)
  })

  test('scale and shift, and only its own numbers', () => {
    const out = new Float32Array(9).fill(-7)
    warpSimilarity(picture(1, 1, [10]), identity, { width: 1, height: 1, out, offset: 3, scale: 0.5, shift: 1 })
    expect([...out]).toEqual([-7, -7, -7, 6, 31, 56, -7, -7, -7])
  })

  test('scale zero is refused', () => {
    const zero = { a: 0, b: 0, tx: 1, ty: 1 }
    expect(() => warp(noise(2, 2, 3), zero, 2, 2)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
    const broken = { ...identity, a: Number.NaN }
    expect(() => warp(noise(2, 2, 3), broken, 2, 2)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })
})

describe('estimating a similarity', () => {
  const { float, integer } = random(6)
  const point = (): Point => [float(-100, 100), float(-100, 100)]
  const some = (): Similarity => {
    const angle = float(-Math.PI, Math.PI)
    const scale = float(0.05, 20)
    return { a: scale * Math.cos(angle), b: scale * Math.sin(angle), tx: float(-500, 500), ty: float(-500, 500) }
  }
  const error = (s: Similarity, from: Point[], to: Point[]): number =>
    from.reduce((sum, p, i) => {
      const [x, y] = applySimilarity(s, p)
      return sum + (x - to[i][0]) ** 2 + (y - to[i][1]) ** 2
    }, 0)

  test('finds a similarity again from points that it moved', () => {
    for (let run = 0; run < 50; run++) {
      const truth = some()
      const from = Array.from({ length: integer(2, 8) }, point)
      const found = estimateSimilarity(
        from,
        from.map(p => applySimilarity(truth, p)),
      )
      for (const key of ['a', 'b', 'tx', 'ty'] as const) expect(found[key]).toBeCloseTo(truth[key], 6)
    }
  })

  test('no similarity near by has a smaller sum of squares', () => {
    for (let run = 0; run < 30; run++) {
      const from = Array.from({ length: 5 }, point)
      const to = Array.from({ length: 5 }, point)
      const best = estimateSimilarity(from, to)
      const least = error(best, from, to)
      for (const key of ['a', 'b', 'tx', 'ty'] as const) {
        for (const step of [-1e-2, 1e-2]) {
          expect(error({ ...best, [key]: best[key] + step }, from, to)).toBeGreaterThan(least)
        }
      }
    }
  })

  test('does not mirror', () => {
    const from: Point[] = [
      [0, 0],
      [2, 0],
      [0, 1],
    ]
    const mirrored = from.map(([x, y]): Point => [-x, y])
    const { a, b } = estimateSimilarity(from, mirrored)
    // The best turn of an L onto its mirror image still leaves an error.
    expect(error(estimateSimilarity(from, mirrored), from, mirrored)).toBeGreaterThan(0.1)
    expect(a * a + b * b).toBeGreaterThan(0)
  })

  test.each([
    ['one point', [[1, 1]], [[2, 2]]],
    ['no point', [], []],
    [
      'lists of different lengths',
      [
        [1, 1],
        [2, 2],
      ],
      [[1, 1]],
    ],
    [
      'points that coincide',
      [
        [1, 1],
        [1, 1],
      ],
      [
        [1, 1],
        [2, 2],
      ],
    ],
    [
      'not-a-number',
      [
        [Number.NaN, 1],
        [2, 2],
      ],
      [
        [1, 1],
        [2, 2],
      ],
    ],
  ] as [string, Point[], Point[]][])('refuses %s', (_, from, to) => {
    expect(() => estimateSimilarity(from, to)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })
})
