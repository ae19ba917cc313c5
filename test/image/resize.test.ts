import { describe, expect, test } from 'vitest'
import { type Region, type ResizeTarget, resizeArea, resizeAreaAll } from '../../src/image/resize.ts'
import { noise, random } from '../random.ts'
import { largestDifference, meanOf, picture, threeOf } from './mean.ts'

function target(width: number, height: number, changes: Partial<ResizeTarget> = {}): ResizeTarget {
  return {
    width,
    height,
    out: new Float32Array(width * height * 3),
    offset: 0,
    stride: width * 3,
    scale: 1,
    shift: 0,
    ...changes,
  }
}

const whole = ({ width, height }: { width: number; height: number }): Region => ({ x: 0, y: 0, width, height })

describe('resizing by area', () => {
  test('4x4 to 2x2 is the mean of each quarter', () => {
    // biome-ignore format: a picture
    const source = picture(4, 4, [
      0, 4, 10, 10,
      8, 12, 10, 14,
      1, 1, 100, 0,
      1, 1, 0, 0,
    ])
    const to = target(2, 2)
    resizeAreaAll(source, whole(source), [to])
    expect([...to.out]).toEqual(threeOf([6, 11, 1, 25]))
  })

  test('3x3 to 2x2: the middle row and column count for both neighbours', () => {
    // biome-ignore format: a picture
    const source = picture(3, 3, [
      0, 4, 8,
      12, 16, 20,
      24, 28, 32,
    ])
    const to = target(2, 2)
    resizeAreaAll(source, whole(source), [to])
    expect([...to.out]).toEqual(threeOf([8, 12, 20, 24]))
  })

  test('5 to 3: columns 0-1, 1-3 and 3-4', () => {
    const source = picture(5, 1, [10, 20, 30, 70, 90])
    const to = target(3, 1)
    resizeAreaAll(source, whole(source), [to])
    expect([...to.out]).toEqual(threeOf([15, 40, 80]))
  })

  test('enlarging repeats pixels', () => {
    const source = picture(2, 2, [1, 2, 3, 4])
    const to = target(4, 6)
    resizeAreaAll(source, whole(source), [to])
    const [top, bottom] = [
      [1, 1, 2, 2],
      [3, 3, 4, 4],
    ]
    expect([...to.out]).toEqual(threeOf([...top, ...top, ...top, ...bottom, ...bottom, ...bottom]))
  })

  test('the same size is the same picture', () => {
    const source = noise(17, 9, 1)
    expect([...resizeArea(source, 17, 9).data]).toEqual([...source.data])
  })

  test('values become value * scale + shift', () => {
    const source = picture(2, 1, [0, 100])
    const to = target(1, 1, { scale: 1 / 128, shift: -127.5 / 128 })
    resizeAreaAll(source, whole(source), [to])
    expect([...to.out]).toEqual([50, 100, 150].map(v => (v - 127.5) / 128))
  })

  test('rounds to the nearest byte', () => {
    expect([...resizeArea(picture(2, 1, [1, 2]), 1, 1).data]).toEqual([2, 52, 102])
    expect([...resizeArea(picture(4, 1, [1, 1, 1, 2]), 1, 1).data]).toEqual([1, 51, 101])
    const white = { data: new Uint8Array(9 * 7 * 3).fill(255), width: 9, height: 7 }
    for (const size of [1, 2, 3, 4, 5, 8, 20]) {
      expect([...resizeArea(white, size, size).data]).toEqual(Array(size * size * 3).fill(255))
    }
  })

  test('agrees with the definition on random sizes and regions', () => {
    const { integer } = random(2)
    for (let run = 0; run < 60; run++) {
      const source = noise(integer(1, 23), integer(1, 23), run)
      const x = integer(0, source.width - 1)
      const y = integer(0, source.height - 1)
      const region = { x, y, width: integer(1, source.width - x), height: integer(1, source.height - y) }
      const to = target(integer(1, 30), integer(1, 30))
      resizeAreaAll(source, region, [to])
      const expected = meanOf(source, region, to.width, to.height)
      expect(largestDifference(to.out, expected), JSON.stringify({ run, region })).toBeLessThan(1e-4)
    }
  })

  test('several sizes in one pass are what each is alone', () => {
    const source = noise(61, 47, 3)
    const region = { x: 5, y: 2, width: 51, height: 44 }
    const sizes = [
      [51, 44],
      [36, 31],
      [80, 90],
      [13, 1],
      [1, 13],
      [1, 1],
    ]
    const together = sizes.map(([width, height]) => target(width, height))
    resizeAreaAll(source, region, together)
    for (const [i, [width, height]] of sizes.entries()) {
      const alone = target(width, height)
      resizeAreaAll(source, region, [alone])
      expect(together[i].out).toEqual(alone.out)
    }
  })

  test('writes only its own rectangle of a larger sheet', () => {
    const source = noise(10, 10, 4)
    const sheet = new Float32Array(12 * 9 * 3).fill(-7)
    const stride = 12 * 3
    const to = target(4, 5, { out: sheet, offset: 2 * stride + 3 * 3, stride })
    resizeAreaAll(source, whole(source), [to])
    const alone = target(4, 5)
    resizeAreaAll(source, whole(source), [alone])
    for (let y = 0; y < 9; y++) {
      for (let x = 0; x < 12; x++) {
        const inside = x >= 3 && x < 7 && y >= 2 && y < 7
        const at = y * stride + x * 3
        const from = ((y - 2) * 4 + (x - 3)) * 3
        const expected = inside ? [...alone.out.subarray(from, from + 3)] : [-7, -7, -7]
        expect([...sheet.subarray(at, at + 3)]).toEqual(expected)
      }
    }
  })

  test('sums over 32 bits: the integral may wrap, cells do not', () => {
    // 4096 x 4200 x 255 is more than 2^32, so the integral wraps; each of the four cells is under 2^31.
    const data = new Uint8Array(4096 * 4200 * 3).fill(255)
    const source = { data, width: 4096, height: 4200 }
    expect([...resizeArea(source, 2, 2).data]).toEqual(Array(12).fill(255))
  })

  test('one cell of a whole large picture', () => {
    // 4000 x 4000 x 255 is more than 2^31 and less than 2^32.
    const source = { data: new Uint8Array(4000 * 4000 * 3).fill(255), width: 4000, height: 4000 }
    expect([...resizeArea(source, 1, 1).data]).toEqual([255, 255, 255])
  })

  test('one cell of more than 2^32', () => {
    const source = { data: new Uint8Array(5000 * 4000 * 3).fill(255), width: 5000, height: 4000 }
    expect([...resizeArea(source, 1, 1).data]).toEqual([255, 255, 255])
  })
})
