import { afterAll, describe, expect, it } from 'vitest'
import { commands } from 'vitest/browser'
import sample1 from '../../node_modules/@vladmandic/face-api/demo/sample1.jpg?url'
import sample3 from '../../node_modules/@vladmandic/face-api/demo/sample3.jpg?url'
import sample6 from '../../node_modules/@vladmandic/face-api/demo/sample6.jpg?url'
import { type BackendName, type Engine, startBackend } from '../../src/backends/index.ts'
import { createMtcnn, type Mtcnn } from '../../src/detect/index.ts'
import { isFacewiseError } from '../../src/errors.ts'
import { decode, resizeArea } from '../../src/image/index.ts'

/**
 * The photos are decoded whole by the browser, then scaled to this: software WebGL and WebGPU are slow, and slowest at compiling programs,
 * which one size for all and few levels keep few.
 */
const WIDTH = 240
const HEIGHT = 160
const SETTINGS = { minFaceSize: 24, scaleFactor: 0.6 }

const photos = [
  [1, sample1],
  [3, sample3],
  [6, sample6],
] as const

describe.each<BackendName>(['wasm', 'webgl', 'webgpu'])('the cascade in Chromium on %s', prefer => {
  let engine: Engine | undefined
  let mtcnn: Mtcnn | undefined
  afterAll(() => mtcnn?.dispose())

  it.for(photos)('finds on sample %i what Node finds', async ([photo, url], { skip }) => {
    try {
      engine ??= await startBackend({ prefer, timeoutMs: 60_000 })
    } catch (error) {
      // Not every build of Chromium has a software WebGPU. The message says what is missing.
      if (prefer === 'webgpu' && isFacewiseError(error) && error.code === 'BACKEND_UNAVAILABLE') skip(error.message)
      throw error
    }
    mtcnn ??= await createMtcnn({ backend: engine })
    expect(mtcnn.engine.backend).toBe(prefer)
    const expected = await commands.detectInNode(photo, WIDTH, HEIGHT, SETTINGS)
    expect(expected.length).toBeGreaterThanOrEqual(3)
    const faces = await mtcnn.detect(resizeArea(await decode(url), WIDTH, HEIGHT), SETTINGS)
    expect(faces).toHaveLength(expected.length)
    for (const face of expected) {
      const same = faces.find(({ box }) => Math.hypot(box.x - face.box.x, box.y - face.box.y) < 20)
      expect(same).toBeDefined()
      for (const side of ['x', 'y', 'width', 'height'] as const) {
        expect(Math.abs(same!.box[side] - face.box[side])).toBeLessThanOrEqual(1.5)
      }
      expect(Math.abs(same!.score - face.score)).toBeLessThanOrEqual(0.01)
    }
  })
})
