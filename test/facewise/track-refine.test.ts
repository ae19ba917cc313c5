import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMtcnn, type Face, type Mtcnn } from '../../src/detect/index.ts'
import { isFacewiseError } from '../../src/errors.ts'
import { overlap } from '../../src/facewise/track/boxes.ts'
import { type Box, decode, type Picture, resizeArea } from '../../src/image/index.ts'
import { samplePhoto, testBackend } from '../data.ts'
import { random } from '../random.ts'

let mtcnn: Mtcnn
let picture: Picture
let faces: Face[]

beforeAll(async () => {
  mtcnn = await createMtcnn({ backend: { prefer: testBackend } })
  const photo = await decode(samplePhoto(5))
  picture = resizeArea(photo, 640, Math.round((photo.height * 640) / photo.width))
  faces = await mtcnn.detect(picture)
})
afterAll(() => mtcnn.dispose())

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'resolved',
    error => (isFacewiseError(error) ? error.code : String(error)),
  )

describe('a look at known boxes', () => {
  test('finds each face again, in the order of the boxes, from where it was a fifth of its size away', async () => {
    const { float } = random(7)
    expect(faces).toHaveLength(5)
    for (let round = 0; round < 4; round++) {
      const order = [...faces].sort(() => float(-1, 1))
      const boxes = order.map(({ box }) => {
        const [width, height] = [box.width * float(0.85, 1.2), box.height * float(0.85, 1.2)]
        return { x: box.x + box.width * float(-0.15, 0.15), y: box.y + box.height * float(-0.15, 0.15), width, height }
      })
      const found = await mtcnn.refine(picture, boxes)
      expect(found).toHaveLength(5)
      for (const [i, face] of found.entries()) {
        expect(face.score).toBeGreaterThan(0.6)
        expect(overlap(face.box, order[i].box)).toBeGreaterThan(0.65)
        const size = order[i].box.width
        for (const [k, [x, y]] of face.landmarks!.entries()) {
          const [u, v] = order[i].landmarks![k]
          expect(Math.hypot(x - u, y - v)).toBeLessThan(size * 0.2)
        }
      }
    }
  })

  test('stays at a face that does not move, however often it looks', async () => {
    let boxes = faces.map(({ box }) => box)
    for (let i = 0; i < 40; i++) boxes = (await mtcnn.refine(picture, boxes)).map(({ box }) => box)
    for (const [i, box] of boxes.entries()) expect(overlap(box, faces[i].box)).toBeGreaterThan(0.75)
  })

  test('gives a low score where no face is, also over the edge and outside', async () => {
    const empty: Box[] = [
      { x: 10, y: 10, width: 60, height: 60 },
      { x: -40, y: 380, width: 80, height: 80 },
      { x: 2000, y: 2000, width: 70, height: 90 },
    ]
    const found = await mtcnn.refine(picture, [...empty, faces[0].box])
    expect(found.map(({ score }) => score > 0.5)).toEqual([false, false, false, true])
    expect(await mtcnn.refine(picture, [])).toEqual([])
  })

  test('leaves no tensor behind, and does what detections do beside it', async () => {
    const { tf } = mtcnn.engine
    const before = tf.memory().numTensors
    const boxes = faces.map(({ box }) => box)
    const [alone] = await Promise.all([
      mtcnn.refine(picture, boxes),
      mtcnn.detect(picture),
      mtcnn.refine(picture, boxes),
    ])
    expect(await mtcnn.refine(picture, boxes)).toEqual(alone)
    expect(tf.memory().numTensors).toBe(before)
  })

  test('says what is wrong', async () => {
    for (const box of [
      { x: Number.NaN, y: 0, width: 9, height: 9 },
      { x: 0, y: 0, width: 0, height: 9 },
      { x: 0, y: 0, width: 9, height: Number.POSITIVE_INFINITY },
    ]) {
      expect(await codeOf(mtcnn.refine(picture, [faces[0].box, box]))).toBe('INVALID_ARGUMENT')
    }
    expect(await codeOf(mtcnn.refine(picture, [faces[0].box], { signal: AbortSignal.abort() }))).toBe('ABORTED')
    expect(await codeOf(mtcnn.refine(picture, [faces[0].box], { maxPixels: 100 }))).toBe('IMAGE_TOO_LARGE')
  })
})
