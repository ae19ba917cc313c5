import { describe, expect, test } from 'vitest'
import { cropArea } from '../../src/image/crop.ts'
import { areaSampler } from '../../src/image/integral.ts'
import { resizeAreaAll } from '../../src/image/resize.ts'
import type { Shift } from '../../src/image/shift.ts'
import { warpSimilarity } from '../../src/image/warp.ts'
import { noise } from '../random.ts'

const photo = noise(30, 20, 1)
const region = { x: 0, y: 0, width: 30, height: 20 }

/** All that writes pixels as floats. */
const WRITERS: Record<string, (shift: Shift, out: Float32Array) => void> = {
  'a resized copy': (shift, out) =>
    resizeAreaAll(photo, region, [{ width: 7, height: 5, out, offset: 0, stride: 21, scale: 2, shift }]),
  'a copy from sums': (shift, out) =>
    areaSampler(photo, region).resizeAll([{ width: 7, height: 5, out, offset: 0, stride: 21, scale: 2, shift }]),
  // Over the edge, where the picture is black.
  'a crop': (shift, out) => cropArea(photo, -9, 4, 21, 18, { width: 7, height: 5, out, offset: 0, scale: 2, shift }),
  'a warp': (shift, out) =>
    warpSimilarity(photo, { a: 0.3, b: 0.1, tx: 1, ty: -3 }, { width: 7, height: 5, out, offset: 0, scale: 2, shift }),
}

describe.each(Object.keys(WRITERS))('%s', name => {
  test('with a shift for each colour: what each shift alone gives that colour', () => {
    const write = (shift: Shift): Float32Array => {
      const out = new Float32Array(7 * 5 * 3)
      WRITERS[name](shift, out)
      return out
    }
    const each = [-1, 20, 0.5] as const
    const alone = each.map(write)
    expect(write(each)).toEqual(alone[0].map((_, i) => alone[i % 3][i]))
    expect(alone[0]).not.toEqual(alone[1])
  })
})
