import { describe, expect, test } from 'vitest'
import {
  accuracyAt,
  areaUnderCurve,
  bestAccuracy,
  type Distributions,
  distributions,
  equalErrorRate,
  falseMatchRate,
  falseNonMatchRate,
  tarAtFar,
  thresholdAtFmr,
  thresholdTable,
} from '../../src/embed/rates.ts'
import { random } from '../random.ts'
import { gaussian } from './gaussian.ts'

/** Distances with many ties: whole numbers. */
function tied(seed: number, genuine: number, impostor: number): { genuine: number[]; impostor: number[] } {
  const { integer } = random(seed)
  return {
    genuine: Array.from({ length: genuine }, () => integer(0, 12)),
    impostor: Array.from({ length: impostor }, () => integer(6, 20)),
  }
}

const share = (values: readonly number[], of: (value: number) => boolean): number =>
  values.filter(of).length / values.length

describe('rates at a threshold', () => {
  test('at most the threshold matches', () => {
    const sets = distributions([0.3, 0.1, 0.2], new Float32Array([0.5, 0.25, 0.75, 0.5]))
    expect(falseMatchRate(sets, 0.5)).toMatchObject({ count: 3, total: 4, rate: 0.75 })
    expect(falseMatchRate(sets, 0.4999)).toMatchObject({ count: 1 })
    expect(falseNonMatchRate(sets, 0.2)).toMatchObject({ count: 1, total: 3 })
    expect(falseNonMatchRate(sets, 0.1999)).toMatchObject({ count: 2 })
    expect(falseMatchRate(sets, 0)).toMatchObject({ count: 0, interval: [0, expect.closeTo(0.6024, 4)] })
  })

  test('the input is not sorted in place', () => {
    const genuine = new Float32Array([3, 1, 2])
    distributions(genuine, [1])
    expect([...genuine]).toEqual([3, 1, 2])
  })

  test('a comparison that could not be made never matches', () => {
    const sets = distributions([0.1, Number.POSITIVE_INFINITY], [0.9, Number.POSITIVE_INFINITY])
    expect(falseNonMatchRate(sets, Number.POSITIVE_INFINITY).rate).toBe(0.5)
    expect(falseMatchRate(sets, Number.MAX_VALUE).rate).toBe(0.5)
    expect(thresholdAtFmr(sets, 0.5)).toBe(Number.MAX_VALUE)
    expect(tarAtFar(sets, 1).tar.rate).toBe(0.5)
    expect(bestAccuracy(sets)).toMatchObject({ count: 3, threshold: 0.5 })
  })

  test('what is missing is said', () => {
    expect(() => distributions([], [1])).toThrow(/no genuine distances/)
    expect(() => distributions([1], [])).toThrow(/no impostor distances/)
    expect(() => distributions([1, Number.NaN], [1])).toThrow(/genuine distances hold NaN/)
    expect(() => distributions([1], new Float32Array([Number.NaN, 1]))).toThrow(/impostor distances hold NaN/)
    const sets = distributions([1], [2])
    for (const fmr of [-0.1, 1.1, Number.NaN]) {
      expect(() => thresholdAtFmr(sets, fmr)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
    }
    expect(() => falseMatchRate(sets, Number.NaN)).toThrow(/not a number/)
  })
})

describe('the threshold at a false match rate', () => {
  test('is the largest that keeps it', () => {
    const { float } = random(3)
    for (let seed = 0; seed < 40; seed++) {
      const { genuine, impostor } = tied(seed, 5, 1 + seed * 3)
      const sets = distributions(genuine, impostor)
      for (const fmr of [0, 1e-3, 0.01, 0.1, 0.5, float()]) {
        const threshold = thresholdAtFmr(sets, fmr)
        expect(share(impostor, d => d <= threshold)).toBeLessThanOrEqual(fmr)
        // The next double is the next impostor.
        const next = Math.min(...impostor.filter(d => d > threshold))
        expect(share(impostor, d => d <= next)).toBeGreaterThan(fmr)
        expect(threshold + next * Number.EPSILON).toBeGreaterThanOrEqual(next)
        expect(share(impostor, d => d < threshold)).toBe(share(impostor, d => d <= threshold))
      }
      expect(thresholdAtFmr(sets, 1)).toBe(Number.MAX_VALUE)
    }
  })

  test('allows as many errors as the product says, though doubles do not', () => {
    const impostor = Array.from({ length: 100 }, (_, i) => i)
    expect(0.29 * 100).toBeLessThan(29)
    expect(
      falseMatchRate(
        distributions([0], impostor),
        thresholdAtFmr({ genuine: new Float32Array(1), impostor: Float64Array.from(impostor) }, 0.29),
      ).count,
    ).toBe(29)
  })

  test('stands under an impostor at 0 and under negative numbers', () => {
    expect(thresholdAtFmr(distributions([0], [0, 1]), 0)).toBe(-Number.MIN_VALUE)
    const threshold = thresholdAtFmr(distributions([0], [-1, 1]), 0)
    expect(threshold).toBeLessThan(-1)
    expect(threshold).toBeGreaterThan(-1 - 1e-15)
  })
})

describe('whole curves, against counting', () => {
  const cases = Array.from({ length: 30 }, (_, seed) => tied(seed, 1 + (seed % 17), 1 + ((seed * 7) % 23)))

  test('area: genuine under impostor, ties half', () => {
    for (const { genuine, impostor } of cases) {
      const wins = genuine.flatMap(g => impostor.map(i => (g < i ? 1 : g === i ? 0.5 : 0)) as number[])
      const expected = wins.reduce((a, b) => a + b, 0) / wins.length
      expect(areaUnderCurve(distributions(genuine, impostor))).toBeCloseTo(expected, 12)
    }
  })

  test('best accuracy: no threshold is better, and this one has it', () => {
    for (const { genuine, impostor } of cases) {
      const sets = distributions(genuine, impostor)
      const accuracy = (t: number): number => genuine.filter(d => d <= t).length + impostor.filter(d => d > t).length
      const best = bestAccuracy(sets)
      expect(best.count).toBe(Math.max(...Array.from({ length: 23 }, (_, t) => accuracy(t - 1))))
      expect(accuracy(best.threshold)).toBe(best.count)
      expect(accuracyAt(sets, best.threshold)).toEqual(best)
      expect(best.falseMatches + best.falseNonMatches).toBe(best.total - best.count)
    }
  })

  test('equal error rate: both rates are on either side of it', () => {
    for (const { genuine, impostor } of cases) {
      const sets = distributions(genuine, impostor)
      const { rate, threshold } = equalErrorRate(sets)
      const values = [-1, ...genuine, ...impostor].sort((a, b) => a - b)
      const points = values.map(t => [share(impostor, d => d <= t), share(genuine, d => d > t)])
      const over = points.find(([fmr, fnmr]) => fmr >= fnmr) ?? []
      const under = points.findLast(([fmr, fnmr]) => fmr < fnmr) ?? []
      expect(rate).toBeLessThanOrEqual(Math.max(over[0], under[1]) + 1e-12)
      expect(rate).toBeGreaterThanOrEqual(Math.min(over[1], under[0]) - 1e-12)
      const gap = (t: number): number => Math.abs(share(impostor, d => d <= t) - share(genuine, d => d > t))
      expect(gap(threshold)).toBeLessThanOrEqual(Math.min(...values.map(gap)) + 1e-12)
    }
  })
})

describe('by hand', () => {
  test('separate distances', () => {
    const sets = distributions([1, 2, 3], [7, 8, 9, 10])
    expect(areaUnderCurve(sets)).toBe(1)
    expect(equalErrorRate(sets)).toEqual({ rate: 0, threshold: 3 })
    expect(bestAccuracy(sets)).toMatchObject({ rate: 1, threshold: 5, falseMatches: 0, falseNonMatches: 0 })
    expect(tarAtFar(sets, 1e-3)).toMatchObject({ far: 1e-3, tar: { count: 3 }, measured: { count: 0, total: 4 } })
  })

  test('one error of each kind', () => {
    const sets = distributions([1, 2, 3, 7], [4, 8, 9, 10])
    expect(areaUnderCurve(sets)).toBe(15 / 16)
    expect(equalErrorRate(sets)).toEqual({ rate: 0.25, threshold: 4 })
    // From 3 to 4 and from 7 to 8 are as good and as wide: the first.
    expect(bestAccuracy(sets)).toMatchObject({ count: 7, threshold: 3.5 })
    expect(tarAtFar(sets, 0.25).tar.count).toBe(4)
    expect(tarAtFar(sets, 0.24).tar.count).toBe(3)
  })

  test('the equal error rate between two steps lies on the line', () => {
    // At 1: FMR 0, FNMR 1/2; at 2: FMR 1, FNMR 0. The lines cross at a third.
    expect(equalErrorRate(distributions([1, 2], [2]))).toEqual({ rate: expect.closeTo(1 / 3, 12), threshold: 1 })
  })

  test('distances that are all equal, and the wrong way round', () => {
    const equal = distributions([1, 1], [1, 1])
    expect(areaUnderCurve(equal)).toBe(0.5)
    expect(equalErrorRate(equal).rate).toBe(0.5)
    const reversed = distributions([5, 6], [1, 2])
    expect(areaUnderCurve(reversed)).toBe(0)
    expect(equalErrorRate(reversed).rate).toBe(1)
    expect(bestAccuracy(reversed).count).toBe(2)
  })
})

describe('normally distributed distances', () => {
  // Genuine N(0.3, 0.1), impostor N(0.7, 0.1): the rates cross at 0.5, two deviations from either.
  const normal = gaussian(random(5))
  const genuine = Float32Array.from({ length: 20_000 }, () => normal(0.3, 0.1))
  const impostor = Float32Array.from({ length: 1_000_000 }, () => normal(0.7, 0.1))
  const sets: Distributions = distributions(genuine, impostor)

  test('give the known rates', () => {
    expect(equalErrorRate(sets).rate).toBeCloseTo(0.02275, 2)
    expect(equalErrorRate(sets).threshold).toBeCloseTo(0.5, 2)
    // P(genuine < impostor) = Phi(0.4 / (0.1 sqrt 2)).
    expect(areaUnderCurve(sets)).toBeCloseTo(0.99766, 3)
    // Phi(-3.0902) = 1e-3.
    expect(thresholdAtFmr(sets, 1e-3)).toBeCloseTo(0.7 - 0.30902, 2)
    expect(tarAtFar(sets, 1e-3).measured.count).toBe(1000)
  })

  test('a table holds what the data can carry, and says what it stands on', () => {
    const table = thresholdTable(genuine, impostor, [1e-5, 1e-3, 1e-2, 1e-4, 3e-5], 'normal distributions')
    expect(table).toMatchObject({ measuredOn: 'normal distributions', genuine: 20_000, impostor: 1_000_000 })
    // At 1e-5 ten impostors would match: under thirty, so it is left out.
    expect(table.rates.map(({ fmr }) => fmr)).toEqual([1e-2, 1e-3, 1e-4, 3e-5])
    for (const { fmr, threshold, fmrInterval, fnmr, fnmrInterval } of table.rates) {
      expect(fmrInterval[0]).toBeLessThan(fmr)
      expect(fmrInterval[1]).toBeGreaterThan(fmr)
      expect(fnmr).toBe(falseNonMatchRate(sets, threshold).rate)
      expect(fnmrInterval[0]).toBeLessThan(fnmr)
      expect(fnmrInterval[1]).toBeGreaterThan(fnmr)
    }
    expect(JSON.parse(JSON.stringify(table))).toEqual(table)
    expect(thresholdTable([1], [2], [1e-2], 'one pair').rates).toEqual([])
  })
})
