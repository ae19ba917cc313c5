import { describe, expect, test } from 'vitest'
import { cropArea } from '../../src/image/crop.ts'
import type { Picture } from '../../src/image/picture.ts'
import { noise, random } from '../random.ts'
import { largestDifference, meanOf, picture, threeOf } from './mean.ts'

function crop(
  source: Picture,
  x1: number,
  y1: number,
  x2: number,
  y2: number,
  width: number,
  height: number,
): number[] {
  const out = new Float32Array(width * height * 3)
  cropArea(source, x1, y1, x2, y2, { width, height, out, offset: 0, scale: 1, shift: 0 })
  return [...out]
}

describe('cropping by area', () => {
  // biome-ignore format: a picture
  const source = picture(3, 3, [
    1, 2, 3,
    4, 5, 6,
    7, 8, 9,
  ])

  test('inside, at its own size', () => {
    expect(crop(source, 1, 0, 3, 2, 2, 2)).toEqual(threeOf([2, 3, 5, 6]))
    expect(crop(source, 0, 0, 3, 3, 3, 3)).toEqual(threeOf([1, 2, 3, 4, 5, 6, 7, 8, 9]))
  })

  test('one pixel, as one and enlarged', () => {
    expect(crop(source, 1, 1, 2, 2, 1, 1)).toEqual(threeOf([5]))
    expect(crop(source, 2, 0, 3, 1, 2, 3)).toEqual(threeOf([3, 3, 3, 3, 3, 3]))
  })

  const black = [0, 0, 0]
  test.each([
    ['left', -1, 0, 1, 2, [black, threeOf([1]), black, threeOf([4])]],
    ['right', 2, 0, 4, 2, [threeOf([3]), black, threeOf([6]), black]],
    ['upper', 0, -1, 2, 1, [black, black, threeOf([1, 2])]],
    ['lower', 0, 2, 2, 4, [threeOf([7, 8]), black, black]],
  ])('black over the %s edge', (_, x1, y1, x2, y2, expected) => {
    expect(crop(source, x1, y1, x2, y2, 2, 2)).toEqual(expected.flat())
  })

  test.each([
    ['left', -9, 0, -5, 4],
    ['right', 3, 0, 7, 4],
    ['above', 0, -8, 4, -4],
    ['below', 0, 3, 4, 7],
    ['far away', 1000, 1000, 1010, 1010],
  ])('wholly outside, %s: black, with scale and shift', (_, x1, y1, x2, y2) => {
    const out = new Float32Array(12)
    cropArea(source, x1, y1, x2, y2, { width: 2, height: 2, out, offset: 0, scale: 1 / 128, shift: -0.5 })
    expect([...out]).toEqual(Array(12).fill(-0.5))
  })

  test('writes width * height * 3 numbers from the offset on and nothing else', () => {
    const out = new Float32Array(30).fill(-7)
    cropArea(source, 0, 0, 2, 2, { width: 2, height: 2, out, offset: 9, scale: 2, shift: 1 })
    const expected = threeOf([1, 2, 4, 5]).map(v => v * 2 + 1)
    expect([...out]).toEqual([...Array(9).fill(-7), ...expected, ...Array(9).fill(-7)])
  })

  test('agrees with the definition on random rectangles, also over the edges', () => {
    const { integer } = random(5)
    for (let run = 0; run < 60; run++) {
      const noisy = noise(integer(1, 20), integer(1, 20), run)
      const x = integer(-15, 25)
      const y = integer(-15, 25)
      const [width, height, toWidth, toHeight] = Array.from({ length: 4 }, () => integer(1, 26))
      const actual = crop(noisy, x, y, x + width, y + height, toWidth, toHeight)
      const expected = meanOf(noisy, { x, y, width, height }, toWidth, toHeight)
      expect(largestDifference(actual, expected), `run ${run}`).toBeLessThan(1e-4)
    }
  })
})
