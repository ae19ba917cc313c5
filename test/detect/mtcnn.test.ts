import sharp from 'sharp'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Engine, startBackend } from '../../src/backends/index.ts'
import {
  createMtcnn,
  type Detector,
  type Face,
  type Mtcnn,
  type MtcnnDetectOptions,
  type MtcnnOptions,
  output,
  proposals,
  refine,
  type Stage,
  type StageReport,
} from '../../src/detect/index.ts'
import { decode } from '../../src/image/decode.ts'
import type { Picture } from '../../src/image/picture.ts'
import { samplePhoto, testBackend } from '../data.ts'
import { intersectionOverUnion } from './boxes.ts'

let engine: Engine
let mtcnn: Mtcnn
/** Three faces, a third of the original size: enough for everything but the counts. */
let photo: Picture
let photoBytes: Uint8Array
const tensors = (): number => engine.tf.memory().numTensors

beforeAll(async () => {
  engine = await startBackend({ prefer: testBackend })
  mtcnn = await createMtcnn({ backend: engine, minFaceSize: 20 })
  photoBytes = await sharp(samplePhoto(1)).resize(640).png().toBuffer()
  photo = await decode(photoBytes)
})
afterAll(() => mtcnn.dispose())

let before: number
beforeEach(() => {
  before = tensors()
})
afterEach(() => {
  expect(tensors()).toBe(before)
})

function expectSame(actual: readonly Face[], expected: readonly Face[], distance = 1e-3): void {
  expect(actual).toHaveLength(expected.length)
  for (const [i, face] of actual.entries()) {
    expect(Math.abs(face.score - expected[i].score)).toBeLessThan(1e-4)
    for (const key of ['x', 'y', 'width', 'height'] as const) {
      expect(Math.abs(face.box[key] - expected[i].box[key])).toBeLessThan(distance)
    }
  }
}

describe('faces of the sample photos', () => {
  test.each([
    [1, 3],
    [2, 2],
    [3, 3],
    [4, 4],
    [5, 5],
    [6, 4],
  ] as const)('photo %i has %i', async (number, count) => {
    const faces = await mtcnn.detect(samplePhoto(number), { minFaceSize: 40 })
    expect(faces).toHaveLength(count)
    expect(faces.map(f => f.score)).toEqual(faces.map(f => f.score).sort((a, b) => b - a))
    for (const { box, score, landmarks } of faces) {
      expect(score).toBeGreaterThanOrEqual(0.7)
      expect(score).toBeLessThanOrEqual(1)
      const [leftEye, rightEye, nose, leftMouth, rightMouth] = landmarks!
      for (const [x, y] of landmarks!) {
        expect(x > box.x && x < box.x + box.width && y > box.y && y < box.y + box.height).toBe(true)
      }
      // Left and right as seen in the picture; eyes over mouth; the nose between. No head of these is turned further.
      expect(leftEye[0]).toBeLessThan(rightEye[0])
      expect(leftMouth[0]).toBeLessThan(rightMouth[0])
      expect(leftEye[1] + rightEye[1]).toBeLessThan(leftMouth[1] + rightMouth[1])
      expect(nose[1]).toBeGreaterThan(Math.min(leftEye[1], rightEye[1]))
    }
  })
})

describe('inputs', () => {
  test('bytes, a picture, RGBA pixels and a grey copy', async () => {
    const faces = await mtcnn.detect(photo)
    expect(faces).toHaveLength(3)
    expect(await mtcnn.detect(photoBytes)).toEqual(faces)
    const count = photo.width * photo.height
    const rgba = new Uint8ClampedArray(count * 4).fill(255)
    const grey = new Uint8Array(count)
    for (let i = 0; i < count; i++) {
      rgba.set(photo.data.subarray(i * 3, i * 3 + 3), i * 4)
      grey[i] = photo.data[i * 3 + 1]
    }
    const { width, height } = photo
    expect(await mtcnn.detect({ data: rgba, width, height })).toEqual(faces)
    expect(await mtcnn.detect({ data: rgba, width, height, channels: 4 })).toEqual(faces)
    expect(await mtcnn.detect({ data: grey, width, height })).toHaveLength(3)
  })

  test('the picture that was given is left alone', async () => {
    const copy = photo.data.slice()
    await mtcnn.detect(photo)
    expect(Buffer.compare(Buffer.from(photo.data), Buffer.from(copy))).toBe(0)
  })

  test.each([
    [1, 1],
    [12, 5000],
    [5000, 12],
    [19, 19],
    [20, 20],
    [21, 333],
  ])('a grey picture of %i x %i has none', async (width, height) => {
    expect(await mtcnn.detect({ data: new Uint8Array(width * height).fill(128), width, height })).toEqual([])
  })

  test('a picture smaller than the smallest face', async () => {
    expect(await mtcnn.detect(photo, { minFaceSize: 2000 })).toEqual([])
  })

  test('what decoding says comes through', async () => {
    await expect(mtcnn.detect('none.jpg')).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
    await expect(mtcnn.detect(photo, { maxPixels: 100 })).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' })
  })
})

describe('options', () => {
  const largest = (face: Face): number => Math.max(face.box.width, face.box.height)

  test('minFaceSize leaves out smaller faces', async () => {
    // The faces are some 60 to 80 pixels long here.
    expect(await mtcnn.detect(photo, { minFaceSize: 200 })).toHaveLength(0)
    expect(await mtcnn.detect(photo, { minFaceSize: 50 })).toHaveLength(3)
  })

  test('maxFaceSize leaves out larger ones', async () => {
    expect(await mtcnn.detect(photo, { maxFaceSize: 30 })).toHaveLength(0)
    expect(await mtcnn.detect(photo, { maxFaceSize: 120 })).toHaveLength(3)
  })

  test('maxFaces keeps the best or the largest', async () => {
    const all = await mtcnn.detect(photo)
    expect(await mtcnn.detect(photo, { maxFaces: 2 })).toEqual(all.slice(0, 2))
    const area = ({ box }: Face): number => box.width * box.height
    const [widest] = [...all].sort((a, b) => area(b) - area(a))
    expect(await mtcnn.detect(photo, { maxFaces: 1, keep: 'largest' })).toEqual([widest])
    expect(await mtcnn.detect(photo, { maxFaces: 99 })).toEqual(all)
  })

  test('roi: the face inside it, in coordinates of the whole picture', async () => {
    const all = await mtcnn.detect(photo)
    for (const face of all) {
      const { x, y, width, height } = face.box
      const roi = { x: x - width / 2 + 0.3, y: y - height / 2 + 0.6, width: width * 2, height: height * 2 }
      const inside = await mtcnn.detect(photo, { roi })
      expect(inside).toHaveLength(1)
      expect(intersectionOverUnion(inside[0].box, face.box)).toBeGreaterThan(0.85)
      const step = Math.hypot(
        inside[0].landmarks![2][0] - face.landmarks![2][0],
        inside[0].landmarks![2][1] - face.landmarks![2][1],
      )
      expect(step).toBeLessThan(0.06 * largest(face))
    }
    expect(await mtcnn.detect(photo, { roi: { x: 0, y: 0, width: photo.width, height: photo.height } })).toEqual(all)
    expect(await mtcnn.detect(photo, { roi: { x: -500, y: -500, width: 9000, height: 9000 } })).toEqual(all)
    expect(await mtcnn.detect(photo, { roi: { x: 0, y: 0, width: 100, height: 100 } })).toEqual([])
    expect(await mtcnn.detect(photo, { roi: { x: 5000, y: 0, width: 100, height: 100 } })).toEqual([])
    expect(await mtcnn.detect(photo, { roi: { x: 10, y: 10, width: 0.5, height: 0.5 } })).toEqual([])
  })

  test('landmarks: false leaves them out and changes nothing else', async () => {
    const all = await mtcnn.detect(photo)
    const without = await mtcnn.detect(photo, { landmarks: false })
    expect(without).toEqual(all.map(({ box, score }) => ({ box, score })))
    expect(without.every(face => !('landmarks' in face))).toBe(true)
  })

  test('undefined is as if it were not there', async () => {
    const undefineds = { minFaceSize: undefined, maxFaces: undefined, roi: undefined, landmarks: undefined }
    expect(await mtcnn.detect(photo, undefineds)).toEqual(await mtcnn.detect(photo))
  })

  test('onStage hears every stage in order, with fewer and fewer boxes', async () => {
    const reports: StageReport[] = []
    const faces = await mtcnn.detect(photo, { onStage: report => reports.push(report) })
    expect(reports.map(r => r.name)).toEqual(['proposals', 'refine', 'output'])
    const counts = reports.map(r => r.boxes.length)
    expect(counts[0]).toBeGreaterThan(counts[1])
    expect(counts[1]).toBeGreaterThan(counts[2])
    expect(counts[2]).toBe(faces.length)
    expect(reports[2].boxes.map(({ score, ...box }) => ({ box, score }))).toEqual(
      faces.map(({ box, score }) => ({ box, score })),
    )
    for (const { time } of reports) {
      for (const part of [time.prepare, time.network, time.select]) expect(part).toBeGreaterThanOrEqual(0)
      expect(time.network).toBeGreaterThan(0)
    }
    // Proposals and refined boxes are squares of whole pixels.
    for (const { x, y, width, height } of [...reports[0].boxes, ...reports[1].boxes]) {
      expect([x, y, width, height].every(Number.isInteger)).toBe(true)
      expect(Math.abs(width - height)).toBeLessThanOrEqual(2)
    }
  })

  test('a coarser pyramid still finds them, with fewer proposals', async () => {
    const count = async (scaleFactor: number): Promise<number> => {
      let proposed = 0
      const onStage = ({ name, boxes }: StageReport): void => {
        if (name === 'proposals') proposed = boxes.length
      }
      expect((await mtcnn.detect(photo, { scaleFactor, onStage })).length).toBeGreaterThanOrEqual(2)
      return proposed
    }
    expect(await count(0.5)).toBeLessThan(await count(0.85))
  })

  test('thresholds and overlaps of each stage', async () => {
    const counts = async (options: MtcnnOptions): Promise<number[]> => {
      const detector = await createMtcnn({ backend: engine, minFaceSize: 20, ...options })
      const found: number[] = []
      await detector.detect(photo, { onStage: ({ boxes }) => found.push(boxes.length) })
      detector.dispose()
      return found
    }
    const usual = await counts({})
    expect(await counts({ thresholds: [0.6, 0.7, 0.7], nms: [0.5, 0.7, 0.7, 0.7] })).toEqual(usual)
    expect((await counts({ thresholds: [0.9, 0.7, 0.7] }))[0]).toBeLessThan(usual[0])
    const strict = await counts({ thresholds: [0.6, 0.97, 0.7] })
    expect([strict[0], strict[1] < usual[1]]).toEqual([usual[0], true])
    expect((await counts({ thresholds: [0.6, 0.7, 0.999999] }))[2]).toBeLessThan(usual[2])
    expect((await counts({ nms: [0.5, 0.3, 0.7, 0.7] }))[0]).toBeLessThan(usual[0])
    expect((await counts({ nms: [0.5, 0.7, 0.2, 0.7] }))[1]).toBeLessThan(usual[1])
    expect((await counts({ nms: [0.5, 0.7, 0.7, 0.99] }))[2]).toBeGreaterThan(usual[2])
  })

  test('the cascade by hand, and a stage of one’s own in it', async () => {
    const seen: number[] = []
    const onlyBest: Stage = {
      name: 'one',
      async run(candidates) {
        seen.push(candidates.count)
        return candidates
      },
    }
    const stages = [proposals({ threshold: 0.6 }), onlyBest, refine({ threshold: 0.7 }), output({ threshold: 0.7 })]
    const byHand = await createMtcnn({ stages, minFaceSize: 20, backend: engine })
    expect(await byHand.detect(photo)).toEqual(await mtcnn.detect(photo))
    expect(seen).toHaveLength(1)
    expect(seen[0]).toBeGreaterThan(3)
    byHand.dispose()
    // Two stages alone give boxes without landmarks.
    const short = await createMtcnn({ stages: stages.slice(0, 3), minFaceSize: 20, backend: engine })
    const faces = await short.detect(photo)
    expect(faces.length).toBeGreaterThanOrEqual(3)
    expect(faces.every(face => face.landmarks === undefined)).toBe(true)
    short.dispose()
  })

  const calls: [string, MtcnnDetectOptions][] = [
    ['minFaceSize 0', { minFaceSize: 0 }],
    ['minFaceSize NaN', { minFaceSize: Number.NaN }],
    ['maxFaceSize -1', { maxFaceSize: -1 }],
    ['maxFaceSize NaN', { maxFaceSize: Number.NaN }],
    ['maxFaceSize under minFaceSize', { minFaceSize: 50, maxFaceSize: 40 }],
    ['maxFaceSize under the minFaceSize of the detector', { maxFaceSize: 19 }],
    ['scaleFactor 1', { scaleFactor: 1 }],
    ['scaleFactor 0', { scaleFactor: 0 }],
    ['scaleFactor NaN', { scaleFactor: Number.NaN }],
    ['maxFaces 0', { maxFaces: 0 }],
    ['maxFaces NaN', { maxFaces: Number.NaN }],
    ['keep something', { keep: 'newest' as 'best' }],
    ['an empty roi', { roi: { x: 0, y: 0, width: 0, height: 10 } }],
    ['a roi of not-a-number', { roi: { x: Number.NaN, y: 0, width: 10, height: 10 } }],
    ['a roi without a size', { roi: { x: 0, y: 0 } as { x: 0; y: 0; width: 1; height: 1 } }],
  ]
  test.each(calls)('refuses %s', async (_, options) => {
    await expect(mtcnn.detect(photo, options)).rejects.toMatchObject({
      name: 'FacewiseError',
      code: 'INVALID_ARGUMENT',
    })
  })

  const creations: [string, MtcnnOptions][] = [
    ['two thresholds', { thresholds: [0.6, 0.7] as unknown as [number, number, number] }],
    ['a threshold of 1', { thresholds: [0.6, 0.7, 1] }],
    ['a threshold of 0', { thresholds: [0, 0.7, 0.7] }],
    ['a threshold of NaN', { thresholds: [Number.NaN, 0.7, 0.7] }],
    ['three overlaps', { nms: [0.5, 0.7, 0.7] as unknown as [number, number, number, number] }],
    ['an overlap of 2', { nms: [0.5, 0.7, 0.7, 2] }],
    ['no stages', { stages: [] }],
    ['minFaceSize 0.5', { minFaceSize: 0.5 }],
    ['maxFaceSize under the default minFaceSize', { maxFaceSize: 30 }],
  ]
  test.each(creations)('refuses to begin with %s', async (_, options) => {
    const creation = createMtcnn({ backend: engine, ...options }).then(detector => detector.dispose())
    await expect(creation).rejects.toMatchObject({ name: 'FacewiseError', code: 'INVALID_ARGUMENT' })
  })

  test('stages refuse thresholds that make no sense', () => {
    const invalid = expect.objectContaining({ code: 'INVALID_ARGUMENT' })
    for (const threshold of [-0.1, 1.1, Number.NaN]) {
      expect(() => proposals({ threshold }), `proposals ${threshold}`).toThrow(invalid)
      expect(() => refine({ threshold }), `refine ${threshold}`).toThrow(invalid)
      expect(() => output({ threshold }), `output ${threshold}`).toThrow(invalid)
    }
  })
})

describe('life', () => {
  test('overlapping calls give what calls one after another give', async () => {
    const small = await decode(await sharp(samplePhoto(4)).resize(480).png().toBuffer())
    const calls = [
      () => mtcnn.detect(photo),
      () => mtcnn.detect(small),
      () => mtcnn.detect(photo, { maxFaces: 1 }),
      () => mtcnn.detect(small, { minFaceSize: 60 }),
    ]
    const oneByOne: Face[][] = []
    for (const call of calls) oneByOne.push(await call())
    expect(oneByOne[1].length).toBeGreaterThan(0)
    expect(await Promise.all(calls.map(call => call()))).toEqual(oneByOne)
  })

  test('a signal that has fired', async () => {
    const reason = new Error('enough')
    await expect(mtcnn.detect(photo, { signal: AbortSignal.abort(reason) })).rejects.toMatchObject({
      code: 'ABORTED',
      cause: reason,
    })
  })

  test.each(['proposals', 'refine'])('a signal that fires after the stage "%s": the next does not run', async last => {
    const controller = new AbortController()
    const seen: string[] = []
    const onStage = ({ name }: StageReport): void => {
      seen.push(name)
      if (name === last) controller.abort()
    }
    await expect(mtcnn.detect(photo, { signal: controller.signal, onStage })).rejects.toMatchObject({ code: 'ABORTED' })
    expect(seen[seen.length - 1]).toBe(last)
  })

  test('a signal that fires while a network runs', async () => {
    const controller = new AbortController()
    const pending = mtcnn.detect(photo, { signal: controller.signal })
    queueMicrotask(() => controller.abort())
    await expect(pending).rejects.toMatchObject({ code: 'ABORTED' })
  })

  test('what a callback throws comes through', async () => {
    const onStage = (): void => {
      throw new RangeError('from the app')
    }
    await expect(mtcnn.detect(photo, { onStage })).rejects.toThrow(RangeError)
  })

  test('twenty detections leave no tensor behind', async () => {
    for (let i = 0; i < 20; i++) await mtcnn.detect(photo, { minFaceSize: 40 + i })
    expect(tensors()).toBe(before)
  })

  test('dispose gives everything back; using it afterwards is an error', async () => {
    const detector = await createMtcnn({ backend: engine })
    expect(tensors()).toBeGreaterThan(before)
    expect(detector.engine).toBe(engine)
    detector.dispose()
    detector.dispose()
    expect(tensors()).toBe(before)
    await expect(detector.detect(photo)).rejects.toMatchObject({ code: 'DISPOSED' })
  })

  test('dispose while a detection runs', async () => {
    const detector = await createMtcnn({ backend: engine })
    const pending = detector.detect(photo)
    detector.dispose()
    await expect(pending).rejects.toMatchObject({ code: 'DISPOSED' })
  })

  test('Symbol.dispose', async () => {
    const detector = await createMtcnn({ backend: engine })
    detector[Symbol.dispose]()
    await expect(detector.detect(photo)).rejects.toMatchObject({ code: 'DISPOSED' })
  })

  test('an app that changed the active backend is no problem', async () => {
    const faces = await mtcnn.detect(photo)
    const active = engine.tf.getBackend()
    await startBackend({ prefer: 'cpu' })
    expect(engine.tf.getBackend()).toBe('cpu')
    expectSame(await mtcnn.detect(photo), faces)
    expect(engine.tf.getBackend()).toBe(active)
  })

  test('excluded backends stay excluded', async () => {
    const detector = await createMtcnn({ backend: { exclude: ['wasm', 'native'] } })
    expect(detector.engine.backend).toBe('cpu')
    expect(detector.engine.excluded).toEqual(expect.arrayContaining(['wasm', 'native']))
    detector.dispose()
    const none = createMtcnn({ backend: { exclude: ['wasm', 'native', 'cpu'] } }).then(d => d.dispose())
    await expect(none).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
  })
})

describe('another detector in its place', () => {
  /** Finds one patch of a colour: what a detector of something quite different may look like. */
  class ColourPatchDetector implements Detector {
    private disposed = false

    constructor(private readonly colour: readonly [number, number, number]) {}

    async detect(input: Parameters<Detector['detect']>[0]): Promise<Face[]> {
      if (this.disposed) throw new Error('disposed')
      const { data, width, height } = await decode(input)
      let [left, top, right, bottom, hits] = [width, height, -1, -1, 0]
      for (let i = 0; i < width * height; i++) {
        if (this.colour.some((v, k) => Math.abs(v - data[i * 3 + k]) > 20)) continue
        const [x, y] = [i % width, Math.floor(i / width)]
        ;[left, top, right, bottom, hits] = [
          Math.min(left, x),
          Math.min(top, y),
          Math.max(right, x),
          Math.max(bottom, y),
          hits + 1,
        ]
      }
      if (hits === 0) return []
      const box = { x: left, y: top, width: right - left + 1, height: bottom - top + 1 }
      return [{ box, score: hits / (box.width * box.height) }]
    }

    dispose(): void {
      this.disposed = true
    }
  }

  /** Written against the contract alone. */
  async function countAndBest(detector: Detector, input: Picture): Promise<{ count: number; best?: Face }> {
    const faces = await detector.detect(input, { maxFaces: 10 })
    return { count: faces.length, best: faces[0] }
  }

  test('a function of a Detector takes either', async () => {
    const data = new Uint8Array(60 * 40 * 3).fill(90)
    for (let y = 10; y < 25; y++) for (let x = 30; x < 50; x++) data.set([200, 30, 40], (y * 60 + x) * 3)
    const scene: Picture = { data, width: 60, height: 40 }
    const patches = new ColourPatchDetector([200, 30, 40])
    expect(await countAndBest(patches, scene)).toEqual({
      count: 1,
      best: { box: { x: 30, y: 10, width: 20, height: 15 }, score: 1 },
    })
    expect(await countAndBest(mtcnn, scene)).toEqual({ count: 0, best: undefined })
    expect((await countAndBest(mtcnn, photo)).count).toBe(3)
    patches.dispose()
  })
})
