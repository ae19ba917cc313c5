import { describe, expect, test } from 'vitest'
import { checkPixelLimit, fromRawPixels, isRawPixels, type RawPixels } from '../../src/image/picture.ts'

describe('raw pixels', () => {
  test('RGB is taken without a copy', () => {
    const data = Uint8Array.from([1, 2, 3, 4, 5, 6])
    expect(fromRawPixels({ data, width: 2, height: 1 })).toEqual({ data, width: 2, height: 1 })
    expect(fromRawPixels({ data, width: 2, height: 1 }).data).toBe(data)
  })

  test('grey is repeated', () => {
    const picture = fromRawPixels({ data: Uint8Array.from([0, 7, 255]), width: 3, height: 1 })
    expect([...picture.data]).toEqual([0, 0, 0, 7, 7, 7, 255, 255, 255])
  })

  test('alpha is composed over white, to the nearest byte, for every value', () => {
    for (let alpha = 0; alpha < 256; alpha++) {
      const values = Array.from({ length: 256 }, (_, value) => value)
      const data = Uint8ClampedArray.from(values.flatMap(v => [v, 255 - v, 0, alpha]))
      const picture = fromRawPixels({ data, width: 16, height: 16 })
      const over = (v: number): number => Math.round((v * alpha + 255 * (255 - alpha)) / 255)
      expect([...picture.data], `alpha ${alpha}`).toEqual(values.flatMap(v => [over(v), over(255 - v), over(0)]))
    }
  })

  test.each<[string, RawPixels]>([
    ['a width of zero', { data: new Uint8Array(0), width: 0, height: 5 }],
    ['two negative sizes, whose product is positive', { data: new Uint8Array(18), width: -2, height: -3 }],
    ['a width that is not whole', { data: new Uint8Array(18), width: 1.5, height: 4 }],
    ['not-a-number', { data: new Uint8Array(18), width: Number.NaN, height: 4 }],
    ['too few bytes', { data: new Uint8Array(11), width: 2, height: 2 }],
    ['too many bytes', { data: new Uint8Array(17), width: 2, height: 2 }],
    ['two channels', { data: new Uint8Array(8), width: 2, height: 2 }],
    ['channels that do not fit the bytes', { data: new Uint8Array(12), width: 2, height: 2, channels: 4 }],
    ['no bytes', { data: new Uint8Array(0), width: 2, height: 2 }],
  ])('refuses %s', (_, pixels) => {
    expect(() => fromRawPixels(pixels)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })

  test('the limit is of pixels, inclusive, and is told in megapixels', () => {
    const pixels = { data: new Uint8Array(12), width: 2, height: 2 }
    expect(fromRawPixels(pixels, 4).width).toBe(2)
    expect(() => fromRawPixels(pixels, 3)).toThrow(expect.objectContaining({ code: 'IMAGE_TOO_LARGE' }))
    expect(() => checkPixelLimit(20_000, 10_000, 100e6)).toThrow(/20000 x 10000 = 200 megapixels; the limit is 100/)
  })

  test('what counts as pixels', () => {
    expect(isRawPixels({ data: new Uint8ClampedArray(4), width: 1, height: 1 })).toBe(true)
    for (const value of [null, undefined, 'a.jpg', new Uint8Array(3), { data: [1, 2, 3], width: 1, height: 1 }, {}]) {
      expect(isRawPixels(value)).toBe(false)
    }
  })
})
