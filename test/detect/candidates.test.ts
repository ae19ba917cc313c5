import { describe, expect, test } from 'vitest'
import {
  type Candidates,
  concat,
  NO_CANDIDATES,
  pick,
  probability,
  reclassify,
  regress,
  square,
} from '../../src/detect/candidates.ts'
import { type Face, selectFaces } from '../../src/detect/detector.ts'
import { pointsToPicture } from '../../src/detect/output.ts'
import { BATCH_SIZES, splitBatch } from '../../src/models/batches.ts'
import { random } from '../random.ts'
import { candidatesOf, crowd } from './boxes.ts'

const log = (p: number): number => Math.log(p / (1 - p))

describe('box regression', () => {
  test('each edge moves by its offset times the inclusive size', () => {
    const boxes = candidatesOf([[1, 11, 10, 30, 1]], [0.1, 0.1, -0.1, 0.05])
    // Ten pixels wide, twenty high.
    expect([...regress(boxes).boxes]).toEqual([2, 13, 9, 31])
    expect([...boxes.boxes]).toEqual([1, 11, 10, 30])
  })

  test('no offset, no change; nothing in, nothing out', () => {
    const boxes = candidatesOf(crowd(random(1), 20))
    expect(regress(boxes)).toEqual(boxes)
    expect(regress(NO_CANDIDATES).count).toBe(0)
  })
})

describe('squares', () => {
  test('the longer side, around the same centre, cut towards zero', () => {
    const boxes = candidatesOf([
      [10, 10, 20, 30, 1],
      [10, 10, 31, 20, 1],
      [-10, 0, -5, 2, 1],
    ])
    // The second would begin at 4.5, the third at -1.5.
    expect([...square(boxes).boxes]).toEqual([5, 10, 25, 30, 10, 4, 31, 25, -10, -1, -5, 3])
  })

  test('keeps centre and longer side to within a pixel', () => {
    const { float } = random(2)
    for (let run = 0; run < 100; run++) {
      const [x1, y1] = [float(-50, 50), float(-50, 50)]
      const [x2, y2] = [x1 + float(1, 60), y1 + float(1, 60)]
      const [a, b, c, d] = square(candidatesOf([[x1, y1, x2, y2, 1]])).boxes
      for (const value of [a, b, c, d]) expect(Number.isInteger(value)).toBe(true)
      expect(Math.abs(a + c - (x1 + x2))).toBeLessThan(2)
      expect(Math.abs(b + d - (y1 + y2))).toBeLessThan(2)
      expect(Math.abs(c - a - Math.max(x2 - x1, y2 - y1))).toBeLessThan(2)
      expect(Math.abs(c - a - (d - b))).toBeLessThanOrEqual(2)
    }
  })
})

describe('new scores from a network', () => {
  const boxes = candidatesOf([
    [1, 2, 3, 4, 0.6],
    [5, 6, 7, 8, 0.7],
    [9, 10, 11, 12, 0.8],
  ])

  test('drops what is under the threshold and takes scores and offsets', () => {
    const rows = Float32Array.from(
      [
        [2, 0.5, 1, 1.5, 2],
        [-1, 9, 9, 9, 9],
        [0.9, 3, 4, 5, 6],
      ].flat(),
    )
    const kept = reclassify(boxes, rows, 5, 0.7)
    expect(kept.count).toBe(2)
    expect([...kept.boxes]).toEqual([1, 2, 3, 4, 9, 10, 11, 12])
    expect([...kept.offsets]).toEqual([0.5, 1, 1.5, 2, 3, 4, 5, 6])
    expect(kept.scores[0]).toBeCloseTo(1 / (1 + Math.exp(-2)), 12)
    expect(kept.points).toHaveLength(0)
  })

  test('fifteen channels: the landmarks too', () => {
    const row = (logit: number): number[] => [logit, ...Array.from({ length: 14 }, (_, i) => logit * 100 + i)]
    const kept = reclassify(boxes, Float32Array.from([...row(-4), ...row(4), ...row(-4)]), 15, 0.5)
    expect(kept.count).toBe(1)
    expect([...kept.boxes]).toEqual([5, 6, 7, 8])
    expect([...kept.offsets]).toEqual([400, 401, 402, 403])
    expect([...kept.points]).toEqual([404, 405, 406, 407, 408, 409, 410, 411, 412, 413])
  })

  test('a score of exactly the threshold stays', () => {
    expect(reclassify(boxes, new Float32Array(15), 5, 0.5).count).toBe(3)
  })

  test('rows that do not fit the boxes are an error', () => {
    for (const length of [0, 14, 16]) {
      expect(() => reclassify(boxes, new Float32Array(length), 5, 0.5)).toThrow(
        expect.objectContaining({ code: 'NETWORK_FAILED' }),
      )
    }
  })

  test('probability is the softmax of a pair as a function of its difference', () => {
    for (const [background, face] of [
      [0, 0],
      [1, 3],
      [-2, -7],
      [300, 0],
      [0, 900],
    ]) {
      const most = Math.max(background, face)
      const softmax = Math.exp(face - most) / (Math.exp(face - most) + Math.exp(background - most))
      expect(probability(face - background)).toBeCloseTo(softmax, 12)
    }
    expect(probability(log(0.7))).toBeCloseTo(0.7, 12)
  })
})

describe('lists of candidates', () => {
  const numbered = (first: number, count: number, points: boolean): Candidates => {
    const rows = (width: number): Float64Array =>
      Float64Array.from({ length: count * width }, (_, i) => first * 1000 + width * 100 + i)
    return { count, boxes: rows(4), scores: rows(1), offsets: rows(4), points: points ? rows(10) : new Float64Array(0) }
  }

  test.each([true, false])('picking from joined lists gives what picking from each gives (landmarks: %s)', points => {
    const [a, b] = [numbered(1, 3, points), numbered(2, 2, points)]
    const joined = concat([a, NO_CANDIDATES, b])
    expect(joined.count).toBe(5)
    expect(pick(joined, [0, 1, 2])).toEqual(a)
    expect(pick(joined, [3, 4])).toEqual(b)
    expect(pick(joined, [4, 0])).toEqual(concat([pick(b, [1]), pick(a, [0])]))
    expect(pick(joined, [])).toMatchObject({ count: 0, boxes: new Float64Array(0) })
  })

  test('nothing joined is nothing', () => {
    expect(concat([])).toEqual(NO_CANDIDATES)
  })
})

test('landmarks become points of the picture: x = width p + x1 - 1, from the box before its regression', () => {
  const boxes = candidatesOf([[11, 21, 20, 40, 1]], [9, 9, 9, 9])
  const points = Float64Array.from([0, 0.1, 0.5, 0.9, 1, 0, 0.1, 0.5, 0.9, 1])
  const out = pointsToPicture({ ...boxes, points })
  // Ten wide from the zero-based column 10, twenty high from row 20.
  expect([...out.points]).toEqual([10, 11, 15, 19, 20, 20, 22, 30, 38, 40])
  expect(out.boxes).toEqual(boxes.boxes)
})

describe('batches', () => {
  test('cover every count, in known sizes, with little filling', () => {
    expect(splitBatch(0)).toEqual([])
    for (let count = 1; count <= 700; count++) {
      const sizes = splitBatch(count)
      for (const size of sizes) expect(BATCH_SIZES).toContain(size)
      const total = sizes.reduce((a, b) => a + b, 0)
      // Only the last batch is filled up, by at most an eighth of itself.
      expect(total - count, `${count}: ${sizes}`).toBeGreaterThanOrEqual(0)
      expect(total - count, `${count}: ${sizes}`).toBeLessThanOrEqual(sizes[sizes.length - 1] / 8)
      expect([...sizes].sort((a, b) => b - a)).toEqual(sizes)
    }
  })
})

describe('choosing faces', () => {
  const face = (score: number, width: number, height: number): Face => ({ box: { x: 0, y: 0, width, height }, score })
  const faces = [face(0.8, 10, 10), face(0.99, 5, 5), face(0.9, 30, 2), face(0.7, 40, 40)]
  const scores = (list: readonly Face[]): number[] => list.map(f => f.score)

  test('best score first, and the list that was given is left alone', () => {
    expect(scores(selectFaces(faces))).toEqual([0.99, 0.9, 0.8, 0.7])
    expect(scores(faces)).toEqual([0.8, 0.99, 0.9, 0.7])
  })

  test('at most so many: the best, or the largest', () => {
    expect(scores(selectFaces(faces, 2))).toEqual([0.99, 0.9])
    expect(scores(selectFaces(faces, 2, 'largest'))).toEqual([0.8, 0.7])
    expect(scores(selectFaces(faces, 1, 'largest'))).toEqual([0.7])
    expect(scores(selectFaces(faces, 9, 'largest'))).toEqual([0.99, 0.9, 0.8, 0.7])
    expect(selectFaces([], 3)).toEqual([])
  })
})
