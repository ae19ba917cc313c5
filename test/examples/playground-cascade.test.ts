import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { takeApart } from '../../examples/browser-playground/src/stages/cascade.ts'
import { STEP_NAMES } from '../../examples/browser-playground/src/stages/explain.ts'
import { cascadeSettings, valuesFrom } from '../../examples/browser-playground/src/stages/settings.ts'
import { createMtcnn, type Mtcnn, type MtcnnDetectOptions, type Stage } from '../../src/detect/index.ts'
import { samplePhoto } from '../data.ts'

const PUBLISHED = valuesFrom(new URLSearchParams())

let whole: Mtcnn
let apart: Mtcnn
let current: readonly Stage[] = []
beforeAll(async () => {
  const backend = { prefer: 'wasm' } as const
  whole = await createMtcnn({ backend })
  const slots = STEP_NAMES.map((name, i): Stage => ({ name, run: (...given) => current[i].run(...given) }))
  apart = await createMtcnn({ backend, stages: slots, fixedPoint: false })
})
afterAll(() => {
  whole?.dispose()
  apart?.dispose()
})

async function detectApart(picture: Uint8Array, values = PUBLISHED, options: MtcnnDetectOptions = {}) {
  const settings = cascadeSettings(values)
  const { stages, levels } = takeApart(settings)
  current = stages
  const { minFaceSize, scaleFactor } = settings
  const faces = await apart.detect(picture, { minFaceSize, scaleFactor, ...options })
  return { faces, levels: levels() }
}

describe('the cascade taken apart', () => {
  // Odd sides have levels whose last windows look over the edge.
  it.each([
    [640, 480],
    [641, 427],
    [333, 501],
  ])('finds in a picture of %i x %i what the library finds', async (width, height) => {
    const picture = await sharp(samplePhoto(6)).resize(width, height, { fit: 'fill' }).png().toBuffer()
    const proposed: string[][] = []
    const note = (name: string): MtcnnDetectOptions => ({
      onStage(report) {
        if (report.name === name) proposed.push(report.boxes.map(box => `${box.x} ${box.y} ${box.width}`).sort())
      },
    })
    const expected = await whole.detect(picture, note('proposals'))
    const { faces } = await detectApart(picture, PUBLISHED, note('regressed'))
    // Also those that are no faces, at the very edge.
    expect(proposed[1]).toEqual(proposed[0])
    expect(proposed[0].length).toBeGreaterThan(20)
    expect(expected.length).toBeGreaterThan(2)
    expect(faces).toHaveLength(expected.length)
    faces.forEach(({ box, score, landmarks }, i) => {
      const own = expected[i]
      expect(score).toBeCloseTo(own.score, 4)
      for (const side of ['x', 'y', 'width', 'height'] as const) expect(box[side]).toBeCloseTo(own.box[side], 2)
      landmarks?.flat().forEach((value, k) => {
        expect(value).toBeCloseTo(own.landmarks!.flat()[k], 2)
      })
    })
  })

  it('follows its settings, and tells of every level', async () => {
    const picture = await sharp(samplePhoto(6)).resize(640).png().toBuffer()
    const { levels } = await detectApart(picture)
    expect(levels.map(({ width }) => width)[0]).toBe(192)
    expect(levels.reduce((sum, { windows }) => sum + windows, 0)).toBeGreaterThan(100)
    const { faces, levels: fewer } = await detectApart(picture, { ...PUBLISHED, min: 100, o: 0.95 })
    expect(fewer.length).toBeLessThan(levels.length)
    expect(faces.every(({ score }) => score >= 0.95)).toBe(true)
  })

  it('stops between two levels when its signal fires', async () => {
    const picture = await sharp(samplePhoto(6)).resize(640).png().toBuffer()
    const controller = new AbortController()
    const seen: string[] = []
    const running = detectApart(picture, PUBLISHED, {
      signal: controller.signal,
      onStage({ name }) {
        seen.push(name)
        // As a message would: in a turn of its own, while P-Net is at work.
        if (name === 'pyramid') setTimeout(() => controller.abort())
      },
    })
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' })
    expect(seen).toEqual(['pyramid'])
  })

  it('refuses a pyramid that nobody would wait for', async () => {
    const picture = await sharp(samplePhoto(6)).resize(4000).jpeg().toBuffer()
    await expect(detectApart(picture, { ...PUBLISHED, min: 10 })).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' })
  })
})
