import { describe, expect, test } from 'vitest'
import { cropArea } from '../../src/image/crop.ts'
import { type CropEdge, cropBox } from '../../src/image/crop-box.ts'
import type { Box, Picture } from '../../src/image/picture.ts'
import { noise, random } from '../random.ts'
import { largestDifference, picture, threeOf } from './mean.ts'

function crop(source: Picture, box: Box, width: number, height: number, edge: CropEdge = 'black'): number[] {
  const out = new Float32Array(width * height * 3)
  cropBox(source, box, edge, { width, height, out, offset: 0, scale: 1, shift: 0 })
  return [...out]
}

const at = (x: number, y: number, width: number, height: number): Box => ({ x, y, width, height })
const row = picture(4, 1, [10, 20, 40, 80])

/** A picture whose red grows by 2 a column and green by 3 a row: interpolation and averaging are exact on it. */
function ramp(width: number, height: number): Picture {
  const data = new Uint8Array(width * height * 3)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) data.set([2 * x, 3 * y, 7], (y * width + x) * 3)
  }
  return { data, width, height }
}

describe('a box crop', () => {
  test('of whole pixels at their own size changes nothing', () => {
    const source = noise(9, 7, 1)
    expect(crop(source, at(0, 0, 9, 7), 9, 7)).toEqual([...source.data])
    expect(crop(row, at(1, 0, 2, 1), 2, 1)).toEqual(threeOf([20, 40]))
  })

  test('between pixels mixes them by the covered part', () => {
    expect(crop(row, at(0.5, 0, 2, 1), 2, 1)).toEqual(threeOf([15, 30]))
    expect(crop(row, at(0.25, 0, 3, 1), 3, 1)).toEqual(threeOf([12.5, 25, 50]))
  })

  test('shrinking is the mean of what is covered', () => {
    expect(crop(row, at(0, 0, 4, 1), 2, 1)).toEqual(threeOf([15, 60]))
    expect(crop(row, at(0, 0, 4, 1), 1, 1)).toEqual(threeOf([37.5]))
    // Three pixels to two: each output covers one and a half.
    expect(crop(picture(3, 1, [30, 60, 90]), at(0, 0, 3, 1), 2, 1)).toEqual(threeOf([40, 80]))
    // From 0.5 to 3.5: half of 10, 20, 40 and half of 80.
    expect(crop(row, at(0.5, 0, 3, 1), 1, 1)).toEqual(threeOf([35]))
  })

  test('enlarging is linear between centres', () => {
    // Two pixels to four: centres at 0.25, 0.75, 1.25, 1.75; pixel centres at 0.5 and 1.5.
    expect(crop(picture(2, 1, [10, 50]), at(0, 0, 2, 1), 4, 1, 'repeat')).toEqual(threeOf([10, 20, 40, 50]))
    // In a larger picture the neighbours outside the box count too.
    expect(crop(row, at(1, 0, 2, 1), 4, 1)).toEqual(threeOf([17.5, 25, 35, 50]))
  })

  test('each axis by itself: wide and low to narrow and high', () => {
    const source = picture(4, 2, [10, 20, 30, 40, 50, 60, 70, 80])
    // biome-ignore format: a picture
    expect(crop(source, at(0, 0, 4, 2), 2, 4, 'repeat')).toEqual(threeOf([
      15, 35,
      25, 45,
      45, 65,
      55, 75,
    ]))
  })

  test('outside is black, or the edge again', () => {
    expect(crop(row, at(-1, 0, 3, 1), 3, 1)).toEqual([0, 0, 0, ...threeOf([10, 20])])
    expect(crop(row, at(-1, 0, 3, 1), 3, 1, 'repeat')).toEqual(threeOf([10, 10, 20]))
    expect(crop(row, at(3, 0, 4, 1), 1, 1, 'repeat')).toEqual(threeOf([80]))
    expect(crop(row, at(3, 0, 4, 1), 1, 1)).toEqual([80 / 4, 130 / 4, 180 / 4])
    for (const [x, y] of [
      [9, 0],
      [-9, 0],
      [0, 5],
      [0, -5],
    ]) {
      expect(crop(row, at(x, y, 2, 2), 2, 2)).toEqual(Array(12).fill(0))
      expect(crop(row, at(x, 0, 2, 1), 1, 1, 'repeat')).toEqual(threeOf([x > 0 ? 80 : x < 0 ? 10 : 15]))
    }
  })

  test('on a ramp every sub-pixel box is exact: each output shows its place', () => {
    const source = ramp(60, 50)
    const { float, integer } = random(7)
    for (let run = 0; run < 50; run++) {
      const box = at(float(2, 20), float(2, 15), float(3, 35), float(3, 30))
      const [width, height] = [integer(1, 40), integer(1, 40)]
      const actual = crop(source, box, width, height)
      const expected = Array.from({ length: width * height }, (_, k) => {
        const x = box.x + (((k % width) + 0.5) * box.width) / width - 0.5
        const y = box.y + ((Math.floor(k / width) + 0.5) * box.height) / height - 0.5
        // A mean over parts of pixels leaves the ramp by an eighth of the step between two pixels at most: 3 / 8.
        return [2 * x, 3 * y, 7]
      }).flat()
      const shrinks = box.width > width || box.height > height
      expect(largestDifference(actual, expected)).toBeLessThan(shrinks ? 0.4 : 1e-4)
    }
  })

  test('keeps the mean where it shrinks by any factor', () => {
    const source = noise(31, 23, 8)
    for (const [width, height] of [
      [31, 23],
      [10, 7],
      [3, 23],
      [1, 1],
      [30, 22],
    ]) {
      const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length
      expect(mean(crop(source, at(0, 0, 31, 23), width, height))).toBeCloseTo(mean([...source.data]), 4)
    }
  })

  test('agrees with the crop of whole pixels where the sizes divide', () => {
    const source = noise(40, 30, 9)
    const out = new Float32Array(5 * 4 * 3)
    cropArea(source, -5, 6, 25, 34, { width: 5, height: 4, out, offset: 0, scale: 1, shift: 0 })
    expect(largestDifference(crop(source, at(-5, 6, 30, 28), 5, 4), out)).toBeLessThan(1e-4)
  })

  test('changes by little where the box does, also where shrinking becomes enlarging', () => {
    const source = noise(30, 30, 10)
    for (const size of [7.999, 8, 8.001]) {
      const a = crop(source, at(5.3, 6.7, size, size), 8, 8)
      const b = crop(source, at(5.3, 6.7, size + 1e-3, size + 1e-3), 8, 8)
      expect(largestDifference(a, b)).toBeLessThan(1)
      expect(largestDifference(a, b)).toBeGreaterThan(0)
    }
  })

  test('moves with the picture', () => {
    const source = noise(20, 20, 11)
    const moved: Picture = { width: 23, height: 22, data: new Uint8Array(23 * 22 * 3) }
    for (let y = 0; y < 20; y++) moved.data.set(source.data.subarray(y * 60, y * 60 + 60), ((y + 2) * 23 + 3) * 3)
    const here = crop(source, at(2.25, 3.5, 12.5, 9.75), 6, 14)
    expect(largestDifference(crop(moved, at(5.25, 5.5, 12.5, 9.75), 6, 14), here)).toBeLessThan(1e-4)
  })

  test('writes scaled and shifted, in its place only', () => {
    const out = new Float32Array(9).fill(-1)
    cropBox(row, at(1, 0, 1, 1), 'black', { width: 1, height: 1, out, offset: 3, scale: 0.5, shift: 2 })
    expect([...out]).toEqual([-1, -1, -1, 12, 37, 62, -1, -1, -1])
  })

  test.each([
    [0, 5],
    [5, -1],
    [Number.NaN, 5],
    [5, Number.POSITIVE_INFINITY],
  ])('a box of %d x %d is refused', (width, height) => {
    expect(() => crop(row, at(0, 0, width, height), 2, 2)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    )
  })
})
