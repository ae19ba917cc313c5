import { describe, expect, it } from 'vitest'
import { cropArea } from '../../src/image/crop.ts'
import { areaSampler } from '../../src/image/integral.ts'
import type { Picture } from '../../src/image/picture.ts'
import { type Region, resizeAreaAll } from '../../src/image/resize.ts'

function picture(width: number, height: number): Picture {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 2654435761) >>> 24)
  return { data, width, height }
}

const SCALING = { scale: 1 / 128, shift: -127.5 / 128 }

function expectClose(a: Float32Array, b: Float32Array): void {
  let most = 0
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i] - b[i]))
  expect(most).toBeLessThan(1e-6)
}

describe('a sampler', () => {
  const photo = picture(90, 70)
  const whole: Region = { x: 0, y: 0, width: 90, height: 70 }
  const part: Region = { x: 31, y: 22, width: 24, height: 17 }

  it.each([
    ['the whole picture', whole],
    ['a part', part],
  ])('makes the copies of %s that a single pass makes', (_, region) => {
    for (const [width, height] of [
      [1, 1],
      [7, 5],
      [24, 17],
      [61, 50],
      [100, 120],
    ]) {
      const stride = width * 3 + 6
      const make = () => new Float32Array(stride * height + 4).fill(9)
      const target = { width, height, offset: 4, stride, ...SCALING }
      const expected = make()
      const actual = make()
      resizeAreaAll(photo, region, [{ ...target, out: expected }])
      areaSampler(photo, region).resizeAll([{ ...target, out: actual }])
      expectClose(actual, expected)
    }
  })

  it.each([
    ['the whole picture', whole],
    ['a part, which knows little around it', part],
  ])('of %s makes the crops that are made one by one, over every edge and far away', (_, region) => {
    const sampler = areaSampler(photo, region)
    for (const [x, y, size] of [
      [33, 25, 12],
      [20, 10, 40],
      [-9, -7, 30],
      [80, 60, 25],
      [-20, 20, 200],
      [60, -30, 33],
      [500, 500, 10],
      [-50, -50, 20],
    ]) {
      const target = { width: 8, height: 6, offset: 3, ...SCALING }
      const expected = new Float32Array(8 * 6 * 3 + 3)
      const actual = new Float32Array(8 * 6 * 3 + 3)
      cropArea(photo, x, y, x + size, y + size, { ...target, out: expected })
      sampler.crop(x, y, x + size, y + size, { ...target, out: actual })
      expectClose(actual, expected)
    }
  })

  it('does without sums where the picture is very large, with the same results', () => {
    const large = picture(4000, 2400)
    const region = { x: 0, y: 0, width: 4000, height: 2400 }
    const target = { width: 5, height: 3, offset: 0, ...SCALING }
    const expected = new Float32Array(45)
    const actual = new Float32Array(45)
    cropArea(large, -10, 900, 1990, 2900, { ...target, out: expected })
    areaSampler(large, region).crop(-10, 900, 1990, 2900, { ...target, out: actual })
    expectClose(actual, expected)
  })
})
