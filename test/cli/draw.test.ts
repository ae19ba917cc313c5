import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { drawFaces, placeLabel } from '../../src/cli/draw.ts'
import { drawText, textAspect } from '../../src/cli/lettering.ts'

describe('placeLabel', () => {
  const aspect = textAspect('99.9%')

  it('keeps labels inside the picture, wherever the box is', () => {
    for (const size of [
      { width: 1920, height: 1080 },
      { width: 30, height: 400 },
      { width: 12, height: 12 },
    ]) {
      for (const x of [-20, 0, 5, size.width - 10, size.width + 5]) {
        for (const y of [-30, 0, 8, size.height - 5]) {
          for (const side of [8, 40, 300]) {
            const label = placeLabel({ x, y, width: side, height: side }, aspect, size)
            expect(label.x).toBeGreaterThanOrEqual(0)
            expect(label.y).toBeGreaterThanOrEqual(0)
            expect(label.x + label.width).toBeLessThanOrEqual(size.width + 1e-9)
            expect(label.y + label.height).toBeLessThanOrEqual(size.height + 1e-9)
            expect(label.height).toBeGreaterThan(0)
          }
        }
      }
    }
  })

  it('puts a label above its box where there is room, otherwise into it', () => {
    const size = { width: 1000, height: 1000 }
    const above = placeLabel({ x: 300, y: 400, width: 200, height: 200 }, aspect, size)
    expect(above.y + above.height).toBeLessThanOrEqual(400)
    expect(above.y + above.height).toBeGreaterThan(395)
    const inside = placeLabel({ x: 300, y: 2, width: 200, height: 200 }, aspect, size)
    expect(inside.y).toBeGreaterThan(2)
  })
})

describe('drawFaces', () => {
  it('draws scores cut off to a tenth of a percent, by strokes and not by fonts', async () => {
    const face = { box: { x: 40, y: 60, width: 100, height: 120 }, score: 0.99999 }
    const svg = drawFaces({ width: 200, height: 200 }, [face])
    expect(svg).not.toContain('<text')
    const label = placeLabel(face.box, textAspect('99.9%'), { width: 200, height: 200 })
    const { x, y, width, height, padding } = label
    expect(width).toBeCloseTo((height / (1 + 2 * 0.45)) * textAspect('99.9%') + 2 * padding, 6)
    expect(svg).toContain(drawText('99.9%', x + padding, y + padding, height - 2 * padding, '#06281c'))
  })

  it('gives each sign another look', async () => {
    const looks = await Promise.all(
      Array.from('0123456789.%', async sign => {
        const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="40" height="44">${drawText(sign, 2, 2, 40, '#fff')}</svg>`
        const pixels = await sharp(Buffer.from(svg)).flatten({ background: '#000' }).greyscale().raw().toBuffer()
        expect(pixels.some(value => value > 200)).toBe(true)
        return pixels
      }),
    )
    looks.forEach((look, i) => {
      for (const other of looks.slice(i + 1)) {
        const differing = look.reduce((sum, value, at) => sum + Number(Math.abs(value - other[at]) > 128), 0)
        expect(differing).toBeGreaterThan(20)
      }
    })
  })
})
