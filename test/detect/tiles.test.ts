import { describe, expect, it } from 'vitest'
import { cellsAlong, cutTile, joinTiles, planTiles } from '../../src/detect/tiles.ts'

/** Stands for P-Net: a cell is the sum of its 12x12 window's first colour, and where the window begins in the second. */
function cells(sheet: Float32Array, width: number, height: number): Float32Array {
  const out: number[] = []
  for (let y = 0; y < cellsAlong(height); y++) {
    for (let x = 0; x < cellsAlong(width); x++) {
      let sum = 0
      for (let dy = 0; dy < 12; dy++)
        for (let dx = 0; dx < 12; dx++) sum += sheet[((2 * y + dy) * width + 2 * x + dx) * 3]
      out.push(sum, sheet[(2 * y * width + 2 * x) * 3 + 1])
    }
  }
  return Float32Array.from(out)
}

describe('tiles of a sheet', () => {
  it.each([
    [12, 12, 1000],
    [14, 200, 400],
    [64, 64, 1000],
    [130, 86, 2000],
    [300, 24, 900],
    [96, 96, 100_000],
  ])('of %i x %i pixels, cut and joined, give the cells of the whole', (width, height, pixels) => {
    const sheet = Float32Array.from({ length: width * height * 3 }, (_, i) => (i * 7919) % 251)
    const tiles = planTiles(width, height, pixels)
    for (const tile of tiles) {
      expect([tile.x % 2, tile.y % 2, tile.width % 2, tile.height % 2]).toEqual([0, 0, 0, 0])
      expect(tile.x + tile.width).toBeLessThanOrEqual(width)
      expect(tile.y + tile.height).toBeLessThanOrEqual(height)
    }
    const outputs = tiles.map(tile => cells(cutTile(sheet, width, tile), tile.width, tile.height))
    expect(joinTiles(outputs, tiles, width, height, 2)).toEqual(cells(sheet, width, height))
  })

  it('are one where the sheet is small, and several of about the wanted size where it is large', () => {
    expect(planTiles(100, 80, 24_576)).toEqual([{ x: 0, y: 0, width: 100, height: 80 }])
    const tiles = planTiles(720, 578, 24_576)
    expect(tiles.length).toBeGreaterThan(12)
    for (const { width, height } of tiles) {
      expect(width * height).toBeGreaterThan(16_000)
      expect(width * height).toBeLessThan(36_000)
    }
  })
})
