import { describe, expect, test } from 'vitest'
import { attackRates, type Presentations, ratesAtApcer } from '../../src/attributes/attack-rates.ts'
import { ageBand, ageErrors, confusion } from '../../src/attributes/evaluation.ts'
import { decodeAgeGender, decodeEmotion, EMOTIONS } from '../../src/attributes/index.ts'
import { random } from '../random.ts'

const invalid = expect.objectContaining({ code: 'INVALID_ARGUMENT' })

describe('a confusion matrix', () => {
  test('counts what was taken for what', () => {
    const truth = ['a', 'a', 'a', 'b', 'b', 'c']
    const guesses = ['a', 'a', 'b', 'b', 'a', 'a']
    const { counts, total, correct, accuracy, balancedAccuracy, perLabel } = confusion(
      ['a', 'b', 'c', 'd'],
      truth,
      guesses,
    )
    expect(counts).toEqual([
      [2, 1, 0, 0],
      [1, 1, 0, 0],
      [1, 0, 0, 0],
      [0, 0, 0, 0],
    ])
    expect([total, correct, accuracy]).toEqual([6, 3, 0.5])
    // The label that never occurs does not count.
    expect(balancedAccuracy).toBeCloseTo((2 / 3 + 1 / 2 + 0) / 3, 12)
    expect(perLabel[0]).toEqual({ label: 'a', count: 3, recall: 2 / 3, precision: 0.5 })
    expect(perLabel[3].recall).toBeNaN()
  })

  test('refuses what it cannot count', () => {
    expect(() => confusion(['a'], ['a'], [])).toThrow(invalid)
    expect(() => confusion(['a'], ['a'], ['b'])).toThrow(invalid)
  })
})

test('errors of ages', () => {
  expect(ageErrors([20, 30, 40], [22, 24, 40])).toEqual({ count: 3, mae: 8 / 3, bias: -4 / 3, withinFive: 2 / 3 })
  expect(ageErrors([], []).mae).toBeNaN()
  expect(() => ageErrors([1], [])).toThrow(invalid)
})

test.each([
  [0, '0-12'],
  [12.9, '0-12'],
  [13, '13-19'],
  [39, '20-39'],
  [59.5, '40-59'],
  [60, '60+'],
  [116, '60+'],
])('%s years lie in %s', (age, band) => {
  expect(ageBand(age)).toBe(band)
})

describe('rates of attacks', () => {
  const live: Presentations = { species: 'live', scores: [0.9, 0.8, 0.4, undefined] }
  const print: Presentations = { species: 'print', scores: [0.1, 0.2, 0.7] }
  const replay: Presentations = { species: 'replay', scores: [0.6, 0.85] }

  test('each species by itself, the worst beside, no answer apart', () => {
    const { attacks, worstApcer, bonaFide } = attackRates(live, [print, replay], 0.5)
    expect(attacks.map(({ species, errors, count, rate }) => [species, errors, count, rate])).toEqual([
      ['print', 1, 3, 1 / 3],
      ['replay', 2, 2, 1],
    ])
    expect(worstApcer).toBe(1)
    expect(bonaFide).toEqual({ species: 'live', count: 3, errors: 1, rate: 1 / 3, unanswered: 1 })
  })

  test('a score at the threshold is living', () => {
    expect(attackRates(live, [print], 0.7).attacks[0].errors).toBe(1)
    expect(attackRates(live, [print], 0.8).bonaFide.errors).toBe(1)
  })

  test('at a limit: the lowest threshold that keeps to it, against every threshold', () => {
    const { float } = random(5)
    const scores = (count: number, lift: number) =>
      Array.from({ length: count }, () => Math.min(1, Math.max(0, float(0, 1) ** 1.5 + lift)))
    for (let round = 0; round < 50; round++) {
      const real: Presentations = { species: 'live', scores: scores(30, 0.3) }
      const fakes = [
        { species: 'a', scores: scores(20, 0) },
        { species: 'b', scores: scores(15, 0.1) },
      ]
      for (const limit of [0, 0.05, 0.1, 0.5]) {
        const found = ratesAtApcer(real, fakes, limit)
        expect(found.worstApcer).toBeLessThanOrEqual(limit)
        // No threshold that keeps to the limit loses fewer living faces.
        const all = [...fakes.flatMap(({ scores }) => scores), ...real.scores.map(score => score!)]
        const fewest = Math.min(
          ...all
            .flatMap(score => [score, score + 1e-9])
            .map(threshold => attackRates(real, fakes, threshold))
            .filter(({ worstApcer }) => worstApcer <= limit)
            .map(({ bonaFide }) => bonaFide.errors),
          real.scores.length,
        )
        expect(found.bonaFide.errors).toBe(fewest)
      }
    }
  })

  test('need both kinds', () => {
    expect(() => attackRates({ species: 'live', scores: [] }, [print], 0.5)).toThrow(invalid)
    expect(() => attackRates(live, [{ species: 'print', scores: [] }], 0.5)).toThrow(invalid)
  })
})

describe('what the numbers of a network mean', () => {
  test('age and gender, with one number for gender or two', () => {
    expect(decodeAgeGender(Float32Array.of(31, 0.25, 0.75), ['age', 'male', 'female'])).toEqual({
      age: 31,
      gender: { label: 'female', score: 0.75 },
    })
    expect(decodeAgeGender(Float32Array.of(0.875, -2), ['male', 'age'])).toEqual({
      age: 0,
      gender: { label: 'male', score: 0.875 },
    })
  })

  test('a distribution of ages: its mean and its spread', () => {
    const labels = ['age-10', 'age-20', 'age-30', 'male']
    const { age, ageSpread } = decodeAgeGender(Float32Array.of(0.25, 0.5, 0.25, 0.5), labels)
    expect(age).toBeCloseTo(20, 6)
    expect(ageSpread).toBeCloseTo(Math.sqrt(50), 5)
  })

  test('emotions sum to 1, whatever else the network tells apart', () => {
    const labels = ['contempt', ...EMOTIONS]
    const scores = decodeEmotion(Float32Array.of(0.5, 0.25, 0, 0, 0.25, 0, 0, 0), labels)
    expect(scores).toEqual({ angry: 0.5, disgust: 0, fear: 0, happy: 0.5, sad: 0, surprise: 0, neutral: 0 })
    const none = decodeEmotion(new Float32Array(8), labels)
    expect(Object.values(none).reduce((a, b) => a + b)).toBeCloseTo(1, 12)
  })
})
