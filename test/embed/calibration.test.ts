import { describe, expect, test } from 'vitest'
import { type Calibration, confidence, fitCalibration } from '../../src/embed/calibration.ts'
import { random } from '../random.ts'
import { gaussian } from './gaussian.ts'

/** Distances whose log odds at even prior are exactly slope * d + intercept: two normal distributions of one deviation. */
function known(seed: number, genuineCount: number, impostorCount: number) {
  const normal = gaussian(random(seed))
  const deviation = 0.12
  const [near, far] = [0.35, 0.65]
  const slope = (near - far) / deviation ** 2
  return {
    genuine: Float32Array.from({ length: genuineCount }, () => normal(near, deviation)),
    impostor: Float32Array.from({ length: impostorCount }, () => normal(far, deviation)),
    calibration: { slope, intercept: (-slope * (near + far)) / 2 } satisfies Calibration,
  }
}

/** Largest difference between confidence and the share of genuine distances, over ten bins of confidence; both kinds weigh the same. */
function calibrationError(genuine: Float32Array, impostor: Float32Array, calibration: Calibration): number {
  const bins = Array.from({ length: 10 }, () => ({ same: 0, all: 0, confidence: 0 }))
  for (const [distances, same] of [
    [genuine, 1],
    [impostor, 0],
  ] as const) {
    for (const d of distances) {
      const p = confidence(d, calibration)
      const bin = bins[Math.min(9, Math.floor(p * 10))]
      bin.same += same / distances.length
      bin.all += 1 / distances.length
      bin.confidence += p / distances.length
    }
  }
  return Math.max(...bins.filter(bin => bin.all > 0.005).map(bin => Math.abs(bin.same - bin.confidence) / bin.all))
}

describe('a calibration', () => {
  test('finds the parameters that made the distances, whatever the numbers of each kind', () => {
    for (const [genuineCount, impostorCount] of [
      [40_000, 40_000],
      [20_000, 300_000],
    ]) {
      const { genuine, impostor, calibration } = known(1, genuineCount, impostorCount)
      const fitted = fitCalibration(genuine, impostor)
      expect(fitted.slope / calibration.slope).toBeCloseTo(1, 1)
      expect(fitted.intercept / calibration.intercept).toBeCloseTo(1, 1)
      // Even odds lie in the middle of the two means.
      expect(-fitted.intercept / fitted.slope).toBeCloseTo(0.5, 2)
    }
  })

  test('is true of distances that it has not seen', () => {
    const training = known(2, 5_000, 100_000)
    const unseen = known(3, 20_000, 200_000)
    const fitted = fitCalibration(training.genuine, training.impostor)
    expect(calibrationError(unseen.genuine, unseen.impostor, fitted)).toBeLessThan(0.05)
    // The measure would find a wrong one.
    const wrong = { ...fitted, intercept: fitted.intercept + 1 }
    expect(calibrationError(unseen.genuine, unseen.impostor, wrong)).toBeGreaterThan(0.15)
  })

  test('is where the gradient is 0: the mean confidence and its mean distance are those of the targets', () => {
    const { genuine, impostor } = known(4, 37, 911)
    const calibration = fitCalibration(genuine, impostor)
    let byIntercept = 0
    let bySlope = 0
    for (const [distances, target] of [
      [genuine, 38 / 39],
      [impostor, 1 / 913],
    ] as const) {
      for (const d of distances) {
        byIntercept += (confidence(d, calibration) - target) / distances.length
        bySlope += ((confidence(d, calibration) - target) * d) / distances.length
      }
    }
    expect(byIntercept).toBeCloseTo(0, 6)
    expect(bySlope).toBeCloseTo(0, 6)
  })

  test('does not depend on the unit', () => {
    const { genuine, impostor } = known(5, 300, 3000)
    const { slope, intercept } = fitCalibration(genuine, impostor)
    const scaled = fitCalibration(
      Float64Array.from(genuine, d => d * 1e6),
      Float64Array.from(impostor, d => d * 1e6),
    )
    expect((scaled.slope * 1e6) / slope).toBeCloseTo(1, 6)
    expect(scaled.intercept / intercept).toBeCloseTo(1, 6)
  })

  test('of distances without an error is finite, and steeper with more of them', () => {
    const separate = (n: number): Calibration =>
      fitCalibration(
        Array.from({ length: n }, (_, i) => 0.2 + (0.1 * i) / n),
        Array.from({ length: n }, (_, i) => 0.8 + (0.1 * i) / n),
      )
    const few = separate(10)
    const many = separate(1000)
    expect(confidence(0.25, few)).toBeCloseTo(11 / 12, 1)
    expect(confidence(0.85, few)).toBeCloseTo(1 / 12, 1)
    expect(confidence(0.25, many)).toBeGreaterThan(0.99)
    expect(many.slope).toBeLessThan(few.slope)
    expect(Number.isFinite(many.slope)).toBe(true)
    // Also where there is one distance of each kind, with exact targets: 2/3 and 1/3.
    const two = fitCalibration([1], [2])
    expect(confidence(1, two)).toBeCloseTo(2 / 3, 6)
    expect(confidence(2, two)).toBeCloseTo(1 / 3, 6)
  })

  test('says what it cannot do', () => {
    const invalid = expect.objectContaining({ code: 'INVALID_ARGUMENT' })
    expect(() => fitCalibration([], [1])).toThrow(invalid)
    expect(() => fitCalibration([1], [])).toThrow(invalid)
    expect(() => fitCalibration([1, Number.POSITIVE_INFINITY], [2])).toThrow(/not finite/)
    expect(() => fitCalibration([1, Number.NaN], [2])).toThrow(/not finite/)
    expect(() => fitCalibration([1, 1], [1])).toThrow(/All distances are equal/)
    expect(() => fitCalibration([3, 4], [1, 2])).toThrow(/swapped/)
    expect(() => fitCalibration([1, 2], [1, 2])).toThrow(/swapped/)
  })
})

describe('confidence', () => {
  const calibration = { slope: -10, intercept: 5 }
  test('falls from 1 to 0 and is even where the log odds are 0', () => {
    expect(confidence(0.5, calibration)).toBe(0.5)
    expect(confidence(0.4, calibration)).toBeCloseTo(1 / (1 + Math.exp(-1)), 12)
    expect(confidence(0.6, calibration)).toBeCloseTo(1 - confidence(0.4, calibration), 12)
    expect(confidence(1e6, calibration)).toBe(0)
    expect(confidence(-1e6, calibration)).toBe(1)
    expect(confidence(Number.POSITIVE_INFINITY, calibration)).toBe(0)
    expect(() => confidence(Number.NaN, calibration)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })
})
