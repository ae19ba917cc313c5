import { describe, expect, test } from 'vitest'
import { clopperPearson, proportion } from '../../src/embed/intervals.ts'
import { random } from '../random.ts'

/** The chance of at most `count` of `total`, summed term by term. */
function atMost(count: number, total: number, p: number): number {
  let sum = 0
  let logChoose = 0
  for (let k = 0; k <= count; k++) {
    if (k > 0) logChoose += Math.log((total - k + 1) / k)
    sum += Math.exp(logChoose + k * Math.log(p) + (total - k) * Math.log1p(-p))
  }
  return sum
}

describe("Clopper and Pearson's interval", () => {
  test('without an error has a closed form', () => {
    for (const total of [1, 10, 300, 6_000_000]) {
      const [lower, upper] = clopperPearson(0, total)
      expect(lower).toBe(0)
      expect(upper / (1 - 0.025 ** (1 / total))).toBeCloseTo(1, 6)
      expect(clopperPearson(total, total)[0] / 0.025 ** (1 / total)).toBeCloseTo(1, 9)
      expect(clopperPearson(total, total)[1]).toBe(1)
    }
  })

  test.each([
    [1, 10, 0.95],
    [5, 10, 0.9],
    [9, 10, 0.95],
    [30, 300_000, 0.95],
    [500, 1000, 0.99],
    [5900, 5_900_000, 0.95],
  ])('%i of %i at %d: at either end the count is just that unlikely', (count, total, confidence) => {
    const [lower, upper] = clopperPearson(count, total, confidence)
    const tail = (1 - confidence) / 2
    expect(atMost(count, total, upper) / tail).toBeCloseTo(1, 5)
    expect((1 - atMost(count - 1, total, lower)) / tail).toBeCloseTo(1, 5)
    expect(lower).toBeLessThan(count / total)
    expect(upper).toBeGreaterThan(count / total)
  })

  test('holds the true rate at least as often as it says', () => {
    const { float } = random(1)
    let held = 0
    for (let run = 0; run < 1000; run++) {
      let errors = 0
      for (let i = 0; i < 100; i++) if (float() < 0.02) errors++
      const [lower, upper] = clopperPearson(errors, 100)
      if (lower <= 0.02 && 0.02 <= upper) held++
    }
    expect(held).toBeGreaterThanOrEqual(950)
  })

  test('of nothing is everything', () => {
    expect(clopperPearson(0, 0)).toEqual([0, 1])
    expect(proportion(0, 0).rate).toBeNaN()
    expect(proportion(1, 4)).toMatchObject({ count: 1, total: 4, rate: 0.25 })
  })

  test('refuses counts over the total and confidences that are none', () => {
    for (const [count, total, confidence] of [
      [-1, 5, 0.95],
      [6, 5, 0.95],
      [Number.NaN, 5, 0.95],
      [1, 5, 0],
      [1, 5, 1],
      [1, 5, 95],
    ]) {
      expect(() => clopperPearson(count, total, confidence)).toThrow(
        expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
      )
    }
  })
})
