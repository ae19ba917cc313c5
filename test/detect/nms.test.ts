import { describe, expect, test } from 'vitest'
import { nms, type OverlapKind } from '../../src/detect/nms.ts'
import { random } from '../random.ts'
import { candidatesOf, crowd, type ScoredBox } from './boxes.ts'

/** Overlap by counting pixels one by one. */
function overlap(a: ScoredBox, b: ScoredBox, kind: OverlapKind): number {
  const pixels = ([x1, y1, x2, y2]: ScoredBox): Set<string> => {
    const set = new Set<string>()
    for (let y = y1; y <= y2; y++) for (let x = x1; x <= x2; x++) set.add(`${x},${y}`)
    return set
  }
  const [inA, inB] = [pixels(a), pixels(b)]
  let both = 0
  for (const pixel of inA) if (inB.has(pixel)) both++
  return both / (kind === 'union' ? inA.size + inB.size - both : Math.min(inA.size, inB.size))
}

describe('non-maximum suppression', () => {
  test('the better of two that overlap stays, best first', () => {
    const boxes = candidatesOf([
      [0, 0, 9, 9, 0.6],
      [100, 0, 109, 9, 0.9],
      [1, 0, 10, 9, 0.8],
    ])
    expect(nms(boxes, 0.5)).toEqual([1, 2])
  })

  test('pixels are inclusive: 10 by 10, of which 5 by 10 are shared', () => {
    const boxes = candidatesOf([
      [0, 0, 9, 9, 0.9],
      [5, 0, 14, 9, 0.8],
    ])
    // 50 of 150 pixels. Without inclusive pixels it would be 36 of 126.
    expect(nms(boxes, 0.33)).toEqual([0])
    expect(nms(boxes, 0.34)).toEqual([0, 1])
    expect(nms(boxes, 0.49, 'min')).toEqual([0])
    expect(nms(boxes, 0.51, 'min')).toEqual([0, 1])
  })

  test('an overlap of exactly the threshold stays', () => {
    const boxes = candidatesOf([
      [0, 0, 9, 9, 0.9],
      [5, 0, 14, 9, 0.8],
    ])
    expect(nms(boxes, 0.5, 'min')).toEqual([0, 1])
  })

  test('min drops a small box inside a large one, union does not', () => {
    const boxes = candidatesOf([
      [0, 0, 99, 99, 0.9],
      [10, 10, 29, 29, 0.8],
    ])
    expect(nms(boxes, 0.7, 'union')).toEqual([0, 1])
    expect(nms(boxes, 0.7, 'min')).toEqual([0])
  })

  test('a dropped box drops no other', () => {
    const boxes = candidatesOf([
      [0, 0, 9, 9, 0.9],
      [3, 0, 12, 9, 0.8],
      [6, 0, 15, 9, 0.7],
    ])
    expect(nms(boxes, 0.5)).toEqual([0, 2])
  })

  test('of equal scores the first in the list goes first', () => {
    const same: ScoredBox = [0, 0, 9, 9, 0.5]
    expect(nms(candidatesOf([same, same, same]), 0.5)).toEqual([0])
    expect(nms(candidatesOf([same, [50, 50, 59, 59, 0.5], same]), 0.5)).toEqual([0, 1])
  })

  test('nothing in, nothing out', () => {
    expect(nms(candidatesOf([]), 0.5)).toEqual([])
  })

  test.each(['union', 'min'] as const)('agrees with counting pixels on random boxes: %s', kind => {
    const generator = random(kind.length)
    for (let run = 0; run < 25; run++) {
      const boxes = crowd(generator, generator.integer(1, 14))
      const threshold = generator.float(0.05, 0.9)
      const order = boxes.map((_, i) => i).sort((a, b) => boxes[b][4] - boxes[a][4] || a - b)
      const expected: number[] = []
      for (const i of order) {
        if (expected.every(k => overlap(boxes[i], boxes[k], kind) <= threshold)) expected.push(i)
      }
      expect(nms(candidatesOf(boxes), threshold, kind), `run ${run}`).toEqual(expected)
    }
  })
})
