import { describe, expect, it } from 'vitest'
import type { Face, Landmarks } from '../../src/detect/detector.ts'
import {
  type EvaluatedPicture,
  intersectionOverUnion,
  type LabelledFace,
  landmarkError,
  matchFaces,
  scoreDetections,
} from '../../src/detect/evaluation.ts'
import { nms } from '../../src/detect/nms.ts'

const box = (x: number, y: number, width: number, height = width) => ({ x, y, width, height })
const face = (x: number, y: number, side: number, score: number): Face => ({ box: box(x, y, side), score })
const label = (x: number, y: number, side: number, ignore?: boolean): LabelledFace => ({ box: box(x, y, side), ignore })

describe('intersectionOverUnion', () => {
  it('is one for equal boxes, zero for boxes that only touch, and a third for halves', () => {
    expect(intersectionOverUnion(box(3, 4, 10), box(3, 4, 10))).toBe(1)
    expect(intersectionOverUnion(box(0, 0, 10), box(10, 0, 10))).toBe(0)
    expect(intersectionOverUnion(box(0, 0, 10), box(0, 5, 10))).toBeCloseTo(1 / 3, 12)
    expect(intersectionOverUnion(box(0, 0, 10), box(-20, -20, 10))).toBe(0)
  })
})

describe('matchFaces', () => {
  it('matches at an overlap of 0.4 and not under it', () => {
    // 40 x 100 of 100 x 100: exactly 0.4.
    const labelled = [label(0, 0, 100)]
    const at = (width: number) => matchFaces({ labelled, found: [{ box: box(0, 0, width, 100), score: 1 }] })
    expect(at(40).matches).toHaveLength(1)
    expect(at(39).matches).toHaveLength(0)
    expect(at(39).falsePositives).toHaveLength(1)
  })

  it('lets the best score choose first, and takes each face once', () => {
    const sure = face(5, 0, 100, 0.9)
    const closer = face(0, 0, 100, 0.8)
    const { matches, falsePositives } = matchFaces({ labelled: [label(0, 0, 100)], found: [closer, sure] })
    expect(matches.map(match => match.face)).toEqual([sure])
    expect(falsePositives).toEqual([closer])
  })

  it('takes the face that overlaps most', () => {
    const near = label(4, 0, 100)
    const { matches } = matchFaces({ labelled: [label(-20, 0, 100), near], found: [face(0, 0, 100, 0.9)] })
    expect(matches[0].labelled).toBe(near)
  })

  it('counts neither faces marked to be ignored nor small ones, found or not', () => {
    const labelled = [label(0, 0, 50, true), label(100, 0, 19), label(200, 0, 20), label(300, 0, 50, true)]
    const found = [face(0, 0, 50, 0.9), face(100, 0, 19, 0.9), face(400, 0, 50, 0.9)]
    const { matches, falsePositives, counted } = matchFaces({ labelled, found })
    expect(counted).toEqual([labelled[2]])
    expect(matches).toEqual([])
    expect(falsePositives).toEqual([found[2]])
    expect(matchFaces({ labelled, found }, { minFaceSize: 19 }).counted).toHaveLength(2)
    expect(matchFaces({ labelled: [{ box: box(0, 0, 100, 19) }], found: [] }).counted).toEqual([])
  })

  it('prefers a face that counts to one that does not, even if that overlaps more', () => {
    const { matches } = matchFaces({
      labelled: [label(0, 0, 100, true), label(20, 0, 100)],
      found: [face(0, 0, 100, 1)],
    })
    expect(matches).toHaveLength(1)
  })
})

const marks = (dx: number): Landmarks => [
  [10 + dx, 10],
  [30 + dx, 10],
  [20 + dx, 20],
  [12 + dx, 30],
  [28 + dx, 30],
]

describe('landmarkError', () => {
  it('is the mean distance in distances between the eyes', () => {
    expect(landmarkError(marks(0), marks(0))).toBe(0)
    expect(landmarkError(marks(2), marks(0))).toBeCloseTo(0.1, 12)
    const oneOff: Landmarks = [...marks(0).slice(0, 4), [28, 40]] as unknown as Landmarks
    expect(landmarkError(oneOff, marks(0))).toBeCloseTo(10 / 5 / 20, 12)
  })
})

describe('scoreDetections', () => {
  const pictures: EvaluatedPicture[] = [
    {
      labelled: [{ ...label(0, 0, 50), landmarks: marks(0) }, label(100, 0, 30)],
      found: [{ ...face(0, 0, 50, 0.95), landmarks: marks(4) }, face(100, 0, 30, 0.75), face(300, 0, 50, 0.85)],
    },
    { labelled: [label(0, 0, 60)], found: [face(200, 0, 60, 0.6)] },
  ]

  it('counts over all pictures', () => {
    expect(scoreDetections(pictures, 0.6)).toEqual({
      threshold: 0.6,
      pictures: 2,
      counted: 3,
      matched: 2,
      recall: 2 / 3,
      countedLarge: 2,
      matchedLarge: 1,
      recallLarge: 0.5,
      falsePositives: 2,
      falsePositivesPerPicture: 1,
      precision: 0.5,
      landmarkError: 0.2,
      landmarkFaces: 1,
    })
  })

  it('leaves out what scores under the threshold', () => {
    expect(scoreDetections(pictures, 0.75)).toMatchObject({ matched: 2, falsePositives: 1 })
    expect(scoreDetections(pictures, 0.9)).toMatchObject({ matched: 1, falsePositives: 0, precision: 1 })
    const nothing = scoreDetections(pictures, 0.99)
    expect(nothing).toMatchObject({ matched: 0, recall: 0, precision: Number.NaN, landmarkError: Number.NaN })
  })

  it('may leave out after the suppression instead of before it', () => {
    // What makes one run enough for the whole curve, held on boxes that suppress each other in chains.
    let seed = 7
    const random = (): number => {
      seed = (seed * 48271) % 2147483647
      return seed / 2147483647
    }
    const count = 60
    const boxes = new Float64Array(count * 4)
    const scores = Float64Array.from({ length: count }, random)
    for (let i = 0; i < count; i++) {
      const x = random() * 100
      const y = random() * 100
      boxes.set([x, y, x + 20 + random() * 30, y + 20 + random() * 30], i * 4)
    }
    const all = nms({ count, boxes, scores }, 0.5, 'min')
    expect(all.length).toBeLessThan(count)
    for (const threshold of [0.3, 0.6, 0.9]) {
      const above = Array.from(scores.keys()).filter(i => scores[i] >= threshold)
      const before = nms(
        {
          count: above.length,
          boxes: Float64Array.from(above.flatMap(i => Array.from(boxes.subarray(i * 4, i * 4 + 4)))),
          scores: Float64Array.from(above, i => scores[i]),
        },
        0.5,
        'min',
      ).map(i => above[i])
      expect(before).toEqual(all.filter(i => scores[i] >= threshold))
    }
  })
})
