import { describe, expect, test } from 'vitest'
import {
  type AlignableFace,
  alignCrops,
  alignedBox,
  type BoxAlignment,
  type FivePoints,
  type InputSize,
  mirror,
  type PointAlignment,
} from '../src/alignment.ts'
import type { Box, Picture } from '../src/image/picture.ts'
import type { Point } from '../src/image/warp.ts'
import { largestDifference, picture, threeOf } from './image/mean.ts'
import { noise, random } from './random.ts'

const plain = { mean: 0, divisor: 1 }
const tight: BoxAlignment = { kind: 'box', margin: { x: 0, y: 0, unit: 'share' } }
const margin = (x: number, y: number, unit: 'share' | 'pixels'): BoxAlignment => ({
  kind: 'box',
  margin: { x, y, unit },
})
const face = (x: number, y: number, width: number, height: number): AlignableFace => ({ box: { x, y, width, height } })
const invalid = (message: RegExp) =>
  expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) })

const square = (side: number): InputSize => ({ width: side, height: side })

describe('the box', () => {
  const box: Box = { x: 100, y: 50, width: 40, height: 60 }

  test('gets its margin on each side, in shares of its own sides or in pixels', () => {
    expect(alignedBox(box, tight)).toEqual(box)
    expect(alignedBox(box, margin(0.25, 0.1, 'share'))).toEqual({ x: 90, y: 44, width: 60, height: 72 })
    expect(alignedBox(box, margin(22, 22, 'pixels'))).toEqual({ x: 78, y: 28, width: 84, height: 104 })
    expect(alignedBox(box, margin(-0.1, 0, 'share'))).toEqual({ x: 104, y: 50, width: 32, height: 60 })
  })

  test('becomes square by its longer side, about its centre, after the margin', () => {
    expect(alignedBox(box, { ...margin(0, 0.5, 'share'), square: true })).toEqual({
      x: 60,
      y: 20,
      width: 120,
      height: 120,
    })
    expect(alignedBox(box, { ...margin(20, 0, 'pixels'), square: true })).toEqual({
      x: 80,
      y: 40,
      width: 80,
      height: 80,
    })
  })
})

describe('crops by box', () => {
  const source = picture(4, 2, [10, 20, 30, 40, 50, 60, 70, 80])

  test('by hand: two faces, each in its place of the batch', () => {
    const batch = alignCrops(source, [face(0, 0, 2, 2), face(2, 0, 2, 2)], tight, square(2), plain)
    expect([...batch]).toEqual([...threeOf([10, 20, 50, 60]), ...threeOf([30, 40, 70, 80])])
    expect(alignCrops(source, [], tight, square(2), plain)).toHaveLength(0)
  })

  test('are stretched to the input', () => {
    const wide = alignCrops(source, [face(0, 0, 4, 2)], tight, { width: 2, height: 1 }, plain)
    expect([...wide]).toEqual(threeOf([35, 55]))
  })

  test('a byte b becomes (b - mean) / divisor, by channel where there are three means', () => {
    const one = alignCrops(source, [face(0, 0, 1, 1)], tight, square(1), { mean: 127.5, divisor: 128 })
    expect([...one]).toEqual([(10 - 127.5) / 128, (60 - 127.5) / 128, (110 - 127.5) / 128])
    const three = alignCrops(source, [face(0, 0, 1, 1)], tight, square(1), { mean: [10, 20, 30], divisor: 2 })
    expect([...three]).toEqual([0, 20, 40])
  })

  test('a box over the edge is clipped and stretched, or shows black, or the edge again', () => {
    const over = [face(-2, 0, 4, 2)]
    const size = { width: 2, height: 2 }
    expect([...alignCrops(source, over, tight, size, plain)]).toEqual(threeOf([10, 20, 50, 60]))
    expect([...alignCrops(source, over, { ...tight, outside: 'clip' }, size, plain)]).toEqual(threeOf([10, 20, 50, 60]))
    expect([...alignCrops(source, over, { ...tight, outside: 'black' }, size, plain)]).toEqual([
      ...[0, 0, 0, ...threeOf([15])],
      ...[0, 0, 0, ...threeOf([55])],
    ])
    expect([...alignCrops(source, over, { ...tight, outside: 'repeat' }, size, plain)]).toEqual(
      threeOf([10, 15, 50, 55]),
    )
  })

  test('moves and scales with the picture', () => {
    const small = noise(40, 30, 1)
    // Each pixel three times as large: averaging three by three gives the small picture back.
    const large: Picture = { width: 120, height: 90, data: new Uint8Array(120 * 90 * 3) }
    for (let y = 0; y < 90; y++) {
      for (let x = 0; x < 120; x++) {
        const from = (Math.floor(y / 3) * 40 + Math.floor(x / 3)) * 3
        large.data.set(small.data.subarray(from, from + 3), (y * 120 + x) * 3)
      }
    }
    const { integer } = random(2)
    for (let run = 0; run < 20; run++) {
      const [x, y, width, height] = [integer(2, 8), integer(2, 8), integer(16, 24), integer(12, 16)]
      const size = { width: 8, height: 6 }
      const alignment = { ...margin(0.1, 0.1, 'share'), outside: 'black' } as const
      const a = alignCrops(small, [face(x, y, width, height)], alignment, size, plain)
      const b = alignCrops(large, [face(3 * x, 3 * y, 3 * width, 3 * height)], alignment, size, plain)
      expect(largestDifference(b, a)).toBeLessThan(1e-3)
    }
  })
})

describe('crops by points', () => {
  const template: FivePoints = [
    [10, 12],
    [22, 12],
    [16, 18],
    [11, 24],
    [21, 24],
  ]
  const alignment: PointAlignment = { kind: 'points', template }
  const source = noise(50, 45, 3)
  const withPoints = (points: readonly Point[]): AlignableFace => ({
    box: { x: 0, y: 0, width: 1, height: 1 },
    landmarks: points as unknown as FivePoints,
  })
  const moved = (x: number, y: number): AlignableFace => withPoints(template.map(([a, b]) => [a + x, b + y]))

  test('landmarks that are the template moved give the picture moved back', () => {
    const batch = alignCrops(source, [moved(7, 5), moved(0, 0)], alignment, square(32), plain)
    const expected = [
      [7, 5],
      [0, 0],
    ].flatMap(([dx, dy]) => {
      const rows = Array.from({ length: 32 }, (_, i) => ((i + dy) * 50 + dx) * 3)
      return rows.flatMap(from => [...source.data.subarray(from, from + 96)])
    })
    expect(largestDifference(batch, expected)).toBeLessThan(1e-3)
  })

  test('a quarter turn is undone', () => {
    // The picture turned to the right: (x, y) goes to (45 - y, x).
    const turned: Picture = { width: 45, height: 50, data: new Uint8Array(45 * 50 * 3) }
    for (let y = 0; y < 45; y++) {
      for (let x = 0; x < 50; x++) {
        const from = (y * 50 + x) * 3
        turned.data.set(source.data.subarray(from, from + 3), (x * 45 + 44 - y) * 3)
      }
    }
    const upright = alignCrops(source, [moved(4, 3)], alignment, square(32), plain)
    const points = template.map(([x, y]): Point => [45 - (y + 3), x + 4])
    expect(
      largestDifference(alignCrops(turned, [withPoints(points)], alignment, square(32), plain), upright),
    ).toBeLessThan(1e-3)
  })

  test('a face without landmarks is refused, and told what to do', () => {
    const call = (f: AlignableFace) => () => alignCrops(source, [moved(0, 0), f], alignment, square(32), plain)
    expect(call(face(0, 0, 9, 9))).toThrow(invalid(/Face 1 has no five landmarks.*detector that gives them/))
    expect(call(withPoints(template.slice(0, 4)))).toThrow(invalid(/Face 1/))
    expect(call(withPoints([...template.slice(0, 4), [Number.NaN, 1]]))).toThrow(invalid(/Face 1/))
  })
})

describe('a batch', () => {
  const source = noise(12, 12, 4)

  test('is written into room that is there, from its beginning, and no further', () => {
    const out = new Float32Array(2 * 3 * 3 * 3 + 5).fill(9)
    const faces = [face(0, 0, 6, 6), face(6, 6, 6, 6)]
    expect(alignCrops(source, faces, tight, square(3), plain, out)).toBe(out)
    expect([...out.subarray(0, 54)]).toEqual([...alignCrops(source, faces, tight, square(3), plain)])
    expect([...out.subarray(54)]).toEqual(Array(5).fill(9))
  })

  test('of what makes no sense is refused', () => {
    const one = [face(0, 0, 6, 6)]
    expect(() => alignCrops(source, one, tight, square(3), plain, new Float32Array(26))).toThrow(
      invalid(/need 27 floats/),
    )
    expect(() => alignCrops(source, one, tight, square(0), plain)).toThrow(invalid(/whole width and height/))
    expect(() => alignCrops(source, one, tight, square(2.5), plain)).toThrow(invalid(/whole width and height/))
    expect(() => alignCrops(source, one, tight, square(3), { mean: 0, divisor: 0 })).toThrow(invalid(/divisor/))
    expect(() => alignCrops(source, [face(20, 0, 5, 5)], tight, square(3), plain)).toThrow(
      invalid(/face 0 has no area/),
    )
    expect(() => alignCrops(source, one, margin(-0.5, 0, 'share'), square(3), plain)).toThrow(invalid(/no area/))
    const black = { ...margin(-3, 0, 'pixels'), outside: 'black' } as const
    expect(() => alignCrops(source, one, black, square(3), plain)).toThrow(invalid(/width and height above 0/))
  })

  test('is mirrored picture by picture', () => {
    const batch = Float32Array.from([...threeOf([1, 2, 3, 4, 5, 6]), ...threeOf([7, 8, 9, 10, 11, 12])])
    const size = { width: 3, height: 2 }
    const expected = [...threeOf([3, 2, 1, 6, 5, 4]), ...threeOf([9, 8, 7, 12, 11, 10])]
    expect([...mirror(batch, size)]).toEqual(expected)
    expect([...mirror(mirror(batch, size), size)]).toEqual([...batch])
    expect(mirror(batch, size, batch)).toBe(batch)
    expect([...batch]).toEqual(expected)
    const even = Float32Array.from(threeOf([1, 2, 3, 4]))
    expect([...mirror(even, { width: 4, height: 1 })]).toEqual(threeOf([4, 3, 2, 1]))
    expect(() => mirror(new Float32Array(10), size)).toThrow(invalid(/no whole number/))
    expect(() => mirror(batch, size, new Float32Array(3))).toThrow(invalid(/too short/))
  })

  test('mirrored is the crop of the mirrored picture', () => {
    const other: Picture = { ...source, data: Uint8Array.from(mirror(Float32Array.from(source.data), source)) }
    const a = mirror(alignCrops(source, [face(1.25, 2, 7.5, 6)], tight, square(5), plain), square(5))
    const b = alignCrops(other, [face(12 - 1.25 - 7.5, 2, 7.5, 6)], tight, square(5), plain)
    expect(largestDifference(a, b)).toBeLessThan(1e-4)
  })
})
