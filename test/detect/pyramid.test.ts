import { describe, expect, test } from 'vitest'
import { probability } from '../../src/detect/candidates.ts'
import { cellCount, cellsToBoxes } from '../../src/detect/proposals.ts'
import { type Level, packLevels, pyramidLevels } from '../../src/detect/pyramid.ts'
import { random } from '../random.ts'

const NO_LIMIT = Number.POSITIVE_INFINITY

describe('the pyramid', () => {
  test('begins at 12 / minFaceSize and ends before the shorter side is under 12', () => {
    const levels = pyramidLevels(640, 480, 20, NO_LIMIT, 0.709)
    // The paper's formula, written out: scales 0.6 * 0.709^k while 480 * scale >= 12.
    expect(levels.map(l => l.scale)).toEqual(Array.from({ length: 10 }, (_, k) => expect.closeTo(0.6 * 0.709 ** k, 12)))
    expect(480 * 0.6 * 0.709 ** 9).toBeGreaterThanOrEqual(12)
    expect(480 * 0.6 * 0.709 ** 10).toBeLessThan(12)
    expect(levels.map(l => [l.width, l.height])).toEqual(
      levels.map(l => [Math.ceil(640 * l.scale), Math.ceil(480 * l.scale)]),
    )
  })

  test.each([
    [12, 5000, 20],
    [19, 19, 20],
    [1, 1, 12],
    [100, 11, 12],
  ])('a picture of %i x %i holds no face of %i', (width, height, minFaceSize) => {
    expect(pyramidLevels(width, height, minFaceSize, NO_LIMIT, 0.709)).toEqual([])
  })

  test('a picture of just the smallest face has one level of 12 pixels, whatever its size', () => {
    for (let size = 12; size <= 1000; size++) {
      const levels = pyramidLevels(size, size * 3, size, NO_LIMIT, 0.709)
      expect(levels, `size ${size}`).toHaveLength(1)
      expect(levels[0].width, `size ${size}`).toBeGreaterThanOrEqual(12)
    }
  })

  test('maxFaceSize leaves out the levels of larger faces', () => {
    const all = pyramidLevels(1000, 1000, 40, NO_LIMIT, 0.709)
    const some = pyramidLevels(1000, 1000, 40, 120, 0.709)
    expect(some).toEqual(all.filter(l => 12 / l.scale <= 120))
    expect(some.length).toBeLessThan(all.length)
    expect(some.length).toBeGreaterThan(1)
    expect(pyramidLevels(1000, 1000, 40, 40, 0.709)).toHaveLength(1)
  })

  test('faces under 12 pixels enlarge the picture', () => {
    expect(pyramidLevels(30, 30, 6, NO_LIMIT, 0.5).map(l => l.width)).toEqual([60, 30, 15])
  })
})

describe('levels on sheets', () => {
  const kinds = [
    ['a GPU: all on one sheet', { aloneAbove: NO_LIMIT, roundTo: 64 }],
    ['elsewhere: large ones alone', { aloneAbove: 8192, roundTo: 2 }],
  ] as const
  test.each(kinds)('%s', (_, options) => {
    const { integer, float } = random(3)
    for (let run = 0; run < 150; run++) {
      const levels = pyramidLevels(integer(12, 2500), integer(12, 2500), integer(12, 80), NO_LIMIT, float(0.4, 0.9))
      const sheets = packLevels(levels, options)
      const placed = sheets.flatMap(sheet => sheet.placements.map(p => p.level))
      expect(new Set(placed)).toEqual(new Set(levels))
      expect(placed).toHaveLength(levels.length)
      for (const sheet of sheets) {
        expect(sheet.width % options.roundTo).toBe(0)
        expect(sheet.height % options.roundTo).toBe(0)
        // An odd side needs one more pixel, for its last cell; so everything is counted in even sizes.
        const boxes = sheet.placements.map(({ level, x, y }) => {
          const [width, height] = [level.width + (level.width % 2), level.height + (level.height % 2)]
          return { x, y, right: x + width, bottom: y + height }
        })
        for (const [i, a] of boxes.entries()) {
          expect(a.x % 2 === 0 && a.y % 2 === 0).toBe(true)
          expect(a.x >= 0 && a.y >= 0 && a.right <= sheet.width && a.bottom <= sheet.height).toBe(true)
          for (const b of boxes.slice(0, i)) {
            const apart = a.right <= b.x || b.right <= a.x || a.bottom <= b.y || b.bottom <= a.y
            expect(apart, JSON.stringify({ run, a, b })).toBe(true)
          }
        }
      }
      if (options.aloneAbove === NO_LIMIT) expect(sheets.length).toBeLessThanOrEqual(1)
      else {
        for (const { placements } of sheets) {
          const large = placements.filter(p => p.level.width * p.level.height > options.aloneAbove)
          expect(large.length === 0 || placements.length === 1).toBe(true)
        }
      }
    }
  })

  test('no levels, no sheets', () => {
    expect(packLevels([], { aloneAbove: NO_LIMIT, roundTo: 64 })).toEqual([])
  })
})

describe('cells to boxes', () => {
  const log = (p: number): number => Math.log(p / (1 - p))

  test('one cell every two pixels, the last odd pixel included', () => {
    expect([10, 11, 12, 13, 14, 15, 16].map(cellCount)).toEqual([0, 1, 1, 2, 2, 3, 3])
  })

  test('a level in the middle of a sheet: its own cells alone, in picture coordinates', () => {
    // A level of 16 x 14 (3 x 2 cells) at column 4, row 2 of a sheet with 9 cells a row: cells 2-4 of rows 1-2.
    const level: Level = { scale: 0.25, width: 16, height: 14 }
    const output = new Float32Array(9 * 5 * 5).fill(log(0.99))
    const set = (row: number, column: number, p: number, ...offsets: number[]): void => {
      output.set([log(p), ...offsets], (row * 9 + column) * 5)
    }
    for (let row = 1; row <= 2; row++) for (let column = 2; column <= 4; column++) set(row, column, 0.2, 0, 0, 0, 0)
    set(1, 2, 0.7, 1, 2, 3, 4)
    set(2, 4, 0.9, 5, 6, 7, 8)
    set(2, 3, 0.59, 9, 9, 9, 9)
    const found = cellsToBoxes(output, 9, { level, x: 4, y: 2 }, 0.6)
    expect(found.count).toBe(2)
    // Cell i spans floor((2 i + 1) / s) to floor((2 i + 12) / s).
    expect([...found.boxes]).toEqual([4, 4, 48, 48, 20, 12, 64, 56])
    expect([...found.scores]).toEqual([expect.closeTo(0.7, 6), expect.closeTo(0.9, 6)])
    expect([...found.offsets]).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  })

  test('boxes are rounded down', () => {
    const level: Level = { scale: 0.3, width: 14, height: 12 }
    const found = cellsToBoxes(new Float32Array(10).fill(3), 2, { level, x: 0, y: 0 }, 0.6)
    expect([...found.boxes]).toEqual([3, 3, 40, 40, 10, 3, 46, 40])
    expect(found.scores[0]).toBeCloseTo(probability(3), 12)
  })

  test('none over the threshold', () => {
    const level: Level = { scale: 0.3, width: 14, height: 12 }
    expect(cellsToBoxes(new Float32Array(10).fill(-3), 2, { level, x: 0, y: 0 }, 0.6).count).toBe(0)
  })
})
