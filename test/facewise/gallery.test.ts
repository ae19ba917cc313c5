import { describe, expect, test } from 'vitest'
import { fmrForGallery, fpirOfGallery, galleryLimit } from '../../src/facewise/index.ts'
import { type EmbedderManifest, packagedManifests, parseManifest } from '../../src/models/index.ts'

const manifest = parseManifest(packagedManifests['dlib-resnet-128']) as EmbedderManifest
const rates = manifest.embedding.thresholds!.rates
const at = (fmr: number) => rates.find(rate => rate.fmr === fmr)!.threshold

describe('the arithmetic of a gallery', () => {
  test.each([
    [0.01, 1, 0.01],
    [0.01, 100, 1.004983e-4],
    [0.05, 1000, 5.1292e-5],
    [0.5, 1e6, 6.9315e-7],
  ])('a stranger passes with %s among %s templates at a false match rate of %s', (fpir, templates, fmr) => {
    expect(fmrForGallery(fpir, templates)).toBeCloseTo(fmr, 9)
    expect(fpirOfGallery(fmrForGallery(fpir, templates), templates)).toBeCloseTo(fpir, 9)
  })

  test('an empty gallery counts as one of a single template', () => {
    expect(fmrForGallery(0.01, 0)).toBeCloseTo(0.01, 12)
  })
})

describe('the threshold', () => {
  test('is the line of the table where one fits', () => {
    expect(galleryLimit(manifest, fpirOfGallery(1e-4, 50), 50).threshold).toBeCloseTo(at(1e-4), 6)
  })

  test('lies between two lines, nearer to the one that is nearer in the logarithm', () => {
    const { threshold, fmr } = galleryLimit(manifest, fpirOfGallery(10 ** -3.5, 30), 30)
    expect(Math.log10(fmr!)).toBeCloseTo(-3.5, 6)
    expect(threshold).toBeCloseTo((at(1e-3) + at(1e-4)) / 2, 6)
  })

  test('never grows with the gallery, and is never looser than at 1e-3', () => {
    let last = Number.POSITIVE_INFINITY
    for (const templates of [1, 2, 5, 10, 20, 50, 100, 1000, 1e6]) {
      const { threshold } = galleryLimit(manifest, 0.01, templates)
      expect(threshold).toBeLessThanOrEqual(last)
      expect(threshold).toBeLessThanOrEqual(at(1e-3))
      last = threshold
    }
  })

  test('beyond the table it stays at the strictest line and says what is to be expected', () => {
    const { threshold, fmr, fpir } = galleryLimit(manifest, 0.01, 10_000)
    expect([threshold, fmr]).toEqual([at(1e-4), 1e-4])
    expect(fpir).toBeCloseTo(0.632, 3)
  })

  test.each([0, 1, -1, Number.NaN])('a rate of %s is none', fpir => {
    expect(() => galleryLimit(manifest, fpir, 10)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })

  test('a model without a table asks for a threshold', () => {
    const { thresholds: _, ...embedding } = manifest.embedding
    expect(() => galleryLimit({ ...manifest, embedding }, 0.01, 10)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining('no table') }),
    )
  })
})
