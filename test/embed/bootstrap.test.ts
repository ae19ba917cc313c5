import { describe, expect, test } from 'vitest'
import { bootstrapRates, type SubjectComparisons } from '../../src/embed/bootstrap.ts'
import { clopperPearson } from '../../src/embed/intervals.ts'
import { allPairs } from '../../src/embed/pairs.ts'
import { distributions, falseMatchRate, falseNonMatchRate, thresholdAtFmr } from '../../src/embed/rates.ts'
import { random } from '../random.ts'
import { facesOf } from './gaussian.ts'

/** Comparisons by hand: distance 0 matches, 1 does not, at 0.5. */
function comparisons(
  subjects: number,
  genuine: readonly (readonly [distance: number, subject: number])[],
  impostor: readonly (readonly [distance: number, first: number, second: number])[],
): SubjectComparisons {
  return {
    subjects,
    genuine: { distances: Float32Array.from(genuine, g => g[0]), subject: Int32Array.from(genuine, g => g[1]) },
    impostor: {
      distances: Float32Array.from(impostor, i => i[0]),
      first: Int32Array.from(impostor, i => i[1]),
      second: Int32Array.from(impostor, i => i[2]),
    },
  }
}

const width = ([lower, upper]: readonly [number, number]): number => upper - lower

describe('intervals over people', () => {
  const { vectors, subjects } = facesOf(random(1), { people: 60, pictures: 8, dimension: 16, noise: 0.9 })
  const pairs = allPairs(vectors, subjects)
  const sets = distributions(pairs.genuine.distances, pairs.impostor.distances)
  const threshold = thresholdAtFmr(sets, 1e-2)
  const intervals = bootstrapRates(pairs, threshold, { replicates: 400 })

  test('hold the measured rates, and are wider than those that take pairs for independent', () => {
    const fmr = falseMatchRate(sets, threshold)
    const fnmr = falseNonMatchRate(sets, threshold)
    for (const [interval, measured] of [
      [intervals.fmrInterval, fmr],
      [intervals.fnmrInterval, fnmr],
    ] as const) {
      expect(interval[0]).toBeLessThan(measured.rate)
      expect(interval[1]).toBeGreaterThan(measured.rate)
      expect(width(interval)).toBeGreaterThan(1.2 * width(clopperPearson(measured.count, measured.total)))
    }
  })

  test('hold the rates of other people of the same kind about as often as they say', () => {
    const truth = facesOf(random(2), { people: 400, pictures: 8, dimension: 16, noise: 0.9 })
    const all = allPairs(truth.vectors, truth.subjects)
    const at = 0.35
    const expected = falseMatchRate(distributions(all.genuine.distances, all.impostor.distances), at).rate
    let held = 0
    for (let run = 0; run < 40; run++) {
      const few = facesOf(random(100 + run), { people: 40, pictures: 4, dimension: 16, noise: 0.9 })
      const { fmrInterval } = bootstrapRates(allPairs(few.vectors, few.subjects), at, { replicates: 200, seed: run })
      if (fmrInterval[0] <= expected && expected <= fmrInterval[1]) held++
    }
    expect(held).toBeGreaterThanOrEqual(34)
  })

  test('are the same with the same seed, and other with another', () => {
    expect(bootstrapRates(pairs, threshold, { replicates: 400 })).toEqual(intervals)
    expect(bootstrapRates(pairs, threshold, { replicates: 400, seed: 2 })).not.toEqual(intervals)
    expect(width(bootstrapRates(pairs, threshold, { replicates: 400, confidence: 0.5 }).fmrInterval)).toBeLessThan(
      width(intervals.fmrInterval),
    )
  })

  test('weigh each comparison by how often its people were drawn', () => {
    // Two people: drawn are (2, 0), (1, 1) or (0, 2), so their FNMR is 0, 1/4 or 1, with the weights 1 : 3.
    const two = comparisons(
      2,
      [
        [0, 0],
        [0, 0],
        [0, 0],
        [1, 1],
      ],
      [[0, 0, 1]],
    )
    const { fnmrInterval, fmrInterval } = bootstrapRates(two, 0.5, { replicates: 500 })
    expect(fnmrInterval).toEqual([0, 1])
    expect(bootstrapRates(two, 0.5, { replicates: 500, confidence: 0.1 }).fnmrInterval).toEqual([0.25, 0.25])
    // The one impostor comparison is drawn or is not; where it is not, nothing is known.
    expect(fmrInterval).toEqual([1, 1])
  })

  test('take a comparison that could not be made for one that did not match', () => {
    const lost = comparisons(1, [[Number.POSITIVE_INFINITY, 0]], [])
    expect(bootstrapRates(lost, Number.POSITIVE_INFINITY)).toEqual({ fnmrInterval: [1, 1], fmrInterval: [0, 1] })
  })

  test('refuse what does not fit together', () => {
    const good = comparisons(2, [[0, 0]], [[0, 0, 1]])
    const invalid = expect.objectContaining({ code: 'INVALID_ARGUMENT' })
    expect(() => bootstrapRates({ ...good, subjects: 1 }, 0.5)).toThrow(/0 to 0; got 1/)
    expect(() => bootstrapRates({ ...good, genuine: { ...good.genuine, subject: new Int32Array(2) } }, 0.5)).toThrow(
      invalid,
    )
    expect(() => bootstrapRates(good, 0.5, { replicates: 0 })).toThrow(invalid)
    expect(() => bootstrapRates(good, 0.5, { confidence: 1 })).toThrow(invalid)
    expect(() => bootstrapRates(good, Number.NaN)).toThrow(invalid)
  })
})
