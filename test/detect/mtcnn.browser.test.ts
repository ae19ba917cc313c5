import { afterAll, describe, expect, it } from 'vitest'
import { commands } from 'vitest/browser'
import sample1 from '../../node_modules/@vladmandic/face-api/demo/sample1.jpg?url'
import sample3 from '../../node_modules/@vladmandic/face-api/demo/sample3.jpg?url'
import sample6 from '../../node_modules/@vladmandic/face-api/demo/sample6.jpg?url'
import type { BackendName } from '../../src/backends/index.ts'
import { createMtcnn, type Mtcnn } from '../../src/detect/index.ts'
import { decode, resizeArea } from '../../src/image/index.ts'

/** Software WebGL and WebGPU are slow: the photos are decoded whole by the browser, then scaled to this. */
const WIDTH = 240

const photos = [
  [1, sample1],
  [3, sample3],
  [6, sample6],
] as const

describe.each<BackendName>(['wasm', 'webgl', 'webgpu'])('the cascade in Chromium on %s', prefer => {
  let mtcnn: Mtcnn | undefined
  afterAll(() => mtcnn?.dispose())

  it.each(photos)('finds on sample %i what Node finds', async (photo, url) => {
    mtcnn ??= await createMtcnn({ backend: { prefer, timeoutMs: 60_000 }, minFaceSize: 20 })
    expect(mtcnn.engine.backend).toBe(prefer)
    const expected = await commands.detectInNode(photo, WIDTH)
    const picture = await decode(url)
    const height = Math.round((picture.height * WIDTH) / picture.width)
    const faces = await mtcnn.detect(resizeArea(picture, WIDTH, height))
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
