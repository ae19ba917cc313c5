import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Engine, startBackend } from '../../src/backends/index.ts'
import { createMtcnn, type Face } from '../../src/detect/index.ts'
import { createEmbedder, type Embedder, type EmbedderManifest, type Embedding } from '../../src/embed/index.ts'
import { FacewiseError } from '../../src/errors.ts'
import { decode, type Picture, resizeArea } from '../../src/image/index.ts'
import { directorySource, memorySource, packagedManifests, parseManifest } from '../../src/models/index.ts'
import { samplePhoto, testBackend } from '../data.ts'

let engine: Engine
let embedder: Embedder
let photo: Picture
let faces: Face[]
const manifest = parseManifest(packagedManifests['dlib-resnet-128']) as EmbedderManifest
const folder = new URL('../../models/dlib-resnet-128', import.meta.url)

const cosine = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, i) => sum + value * b[i], 0)
const codeOf = async (action: () => unknown): Promise<string> => {
  try {
    await action()
  } catch (error) {
    if (error instanceof FacewiseError) return error.code
    throw error
  }
  return 'no error'
}

beforeAll(async () => {
  engine = await startBackend({ prefer: testBackend })
  embedder = await createEmbedder(undefined, { backend: engine })
  photo = await decode(samplePhoto(1))
  const detector = await createMtcnn({ backend: engine, minFaceSize: 80 })
  faces = await detector.detect(photo)
  detector.dispose()
  expect(faces).toHaveLength(3)
})
afterAll(() => embedder.dispose())

let before: number
beforeEach(() => {
  before = engine.tf.memory().numTensors
})
afterEach(() => {
  expect(engine.tf.memory().numTensors).toBe(before)
})

describe('embed', () => {
  test('gives a vector of length 1 a face, in their order, one by one or together', async () => {
    const together = await embedder.embed(photo, faces)
    expect(together).toHaveLength(3)
    for (const [i, { vector, model }] of together.entries()) {
      expect(model).toBe('dlib-resnet-128')
      expect(vector).toHaveLength(128)
      expect(cosine(vector, vector)).toBeCloseTo(1, 5)
      const [alone] = await embedder.embed(photo, [faces[i]])
      expect(cosine(alone.vector, vector)).toBeGreaterThan(0.999999)
    }
  })

  test('nobody at all is an empty list', async () => {
    expect(await embedder.embed(photo, [])).toEqual([])
  })

  test('the same person in a smaller, darker and mirrored picture is near, others are far', async () => {
    const small = resizeArea(photo, photo.width / 2, photo.height / 2)
    const data = small.data.map(value => value * 0.7)
    const half = (face: Face): Face => ({
      ...face,
      box: { x: face.box.x / 2, y: face.box.y / 2, width: face.box.width / 2, height: face.box.height / 2 },
      landmarks: face.landmarks!.map(([x, y]) => [x / 2, y / 2]) as unknown as Face['landmarks'],
    })
    const originals = await embedder.embed(photo, faces)
    const darker = await embedder.embed({ ...small, data }, faces.map(half))
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j < 3; j++) {
        const distance = embedder.distance(originals[i], darker[j])
        if (i === j) expect(distance).toBeLessThan(0.03)
        else expect(distance).toBeGreaterThan(0.1)
      }
    }
  })

  test('more faces than go together at a time', async () => {
    const many = Array.from({ length: 19 }, (_, i) => faces[i % 3])
    const embeddings = await embedder.embed(photo, many)
    expect(embeddings).toHaveLength(19)
    for (const [i, { vector }] of embeddings.entries()) {
      expect(cosine(vector, embeddings[i % 3].vector)).toBeGreaterThan(0.999999)
    }
  })

  test('calls may overlap', async () => {
    const [a, b] = await Promise.all([embedder.embed(photo, faces), embedder.embed(photo, [...faces].reverse())])
    for (let i = 0; i < 3; i++) expect(cosine(a[i].vector, b[2 - i].vector)).toBeGreaterThan(0.999999)
  })

  test('an aligned crop gives what the face in the photo gives', async () => {
    const { alignCrops } = await import('../../src/embed/index.ts')
    const size = { width: 150, height: 150 }
    const floats = alignCrops(photo, [faces[0]], manifest.embedding.alignment, size, { mean: 0, divisor: 1 })
    const crop = { ...size, data: Uint8Array.from(floats, Math.round) }
    const [[aligned], [whole]] = [await embedder.embedAligned([crop]), await embedder.embed(photo, [faces[0]])]
    expect(aligned.model).toBe(whole.model)
    expect(cosine(aligned.vector, whole.vector)).toBeGreaterThan(0.9999)
  })

  test('a face without landmarks, and a fired signal', async () => {
    const [{ box }] = faces
    expect(await codeOf(() => embedder.embed(photo, [{ box }]))).toBe('INVALID_ARGUMENT')
    const signal = AbortSignal.abort()
    expect(await codeOf(() => embedder.embed(photo, faces, { signal }))).toBe('ABORTED')
  })
})

describe('changes of the manifest', () => {
  test('mirrored: the same for a face and its mirror image, and another model', async () => {
    const twice = await createEmbedder(undefined, { backend: engine, mirror: true })
    expect(twice.id).toBe('dlib-resnet-128#mirror=true')
    const mirrored: Picture = { ...photo, data: new Uint8Array(photo.data.length) }
    for (let y = 0; y < photo.height; y++) {
      for (let x = 0; x < photo.width; x++) {
        const from = (y * photo.width + x) * 3
        mirrored.data.set(photo.data.subarray(from, from + 3), (y * photo.width + photo.width - 1 - x) * 3)
      }
    }
    const [face] = faces
    const turned = ([x, y]: readonly [number, number]): [number, number] => [photo.width - x, y]
    const [left, right, nose, leftMouth, rightMouth] = face.landmarks!.map(turned)
    const other = { ...face, landmarks: [right, left, nose, rightMouth, leftMouth] as const }
    other.box = { ...face.box, x: photo.width - face.box.x - face.box.width }
    const [a] = await twice.embed(photo, [face])
    const [b] = await twice.embed(mirrored, [other])
    // Not 1: the template's middle lies a pixel beside that of the crop.
    expect(cosine(a.vector, b.vector)).toBeGreaterThan(0.995)
    const [single] = await embedder.embed(photo, [face])
    expect(cosine(a.vector, single.vector)).toBeGreaterThan(0.9)
    expect(cosine(a.vector, single.vector)).toBeLessThan(0.9999)
    expect(await codeOf(() => embedder.verify(a, single))).toBe('INVALID_ARGUMENT')
    expect(await codeOf(() => twice.verify(a, b, { fmr: 1e-3 }))).toBe('INVALID_ARGUMENT')
    expect(twice.verify(a, b, { threshold: 0.1 }).same).toBe(true)
    twice.dispose()
  })

  test('a mean embedding is subtracted; without it the vectors are those of the network', async () => {
    const [{ vector }] = await embedder.embed(photo, [faces[0]])
    const centre = Array.from(vector, value => value / 2)
    const own = { ...manifest, name: 'centred', embedding: { ...manifest.embedding, centre } }
    const source = directorySource(decodeURIComponent(folder.pathname))
    const model = { manifest: own, source }
    const centred = await createEmbedder('centred', { backend: engine, model })
    const plain = await createEmbedder('centred', { backend: engine, model, centre: false })
    expect([centred.id, plain.id]).toEqual(['centred', 'centred#centre=false'])
    const [[a], [b]] = [await centred.embed(photo, [faces[1]]), await plain.embed(photo, [faces[1]])]
    const moved = b.vector.map((value, i) => value - centre[i])
    const length = Math.sqrt(cosine(moved, moved))
    expect(cosine(a.vector, moved) / length).toBeGreaterThan(0.999999)
    expect(cosine(a.vector, b.vector)).toBeLessThan(0.99)
    centred.dispose()
    plain.dispose()
  })

  test('another alignment is another model', async () => {
    const alignment = { kind: 'box', margin: { x: 0.1, y: 0.1, unit: 'share' } } as const
    const other = await createEmbedder(undefined, { backend: engine, alignment })
    const [{ model, vector }] = await other.embed(photo, [{ box: faces[0].box }])
    expect(model).toContain('#alignment=')
    expect(vector).toHaveLength(128)
    other.dispose()
  })
})

describe('verify', () => {
  const at = (angle: number): Embedding => {
    const vector = new Float32Array(128)
    vector[0] = Math.cos(angle)
    vector[1] = Math.sin(angle)
    return { vector, model: 'dlib-resnet-128' }
  }
  const { rates } = manifest.embedding.thresholds!

  test('takes the threshold from the table, by the rate or the nearest lower one', () => {
    const expected = rates.find(({ fmr }) => fmr === 1e-3)!
    const answer = embedder.verify(at(0), at(0.1))
    expect(answer).toMatchObject({
      same: true,
      metric: 'cosine',
      threshold: expected.threshold,
      fmr: 1e-3,
      fnmr: expected.fnmr,
      model: 'dlib-resnet-128',
    })
    expect(answer.distance).toBeCloseTo(1 - Math.cos(0.1), 6)
    expect(embedder.verify(at(0), at(0.1), { fmr: 5e-3 }).fmr).toBe(1e-3)
    expect(embedder.verify(at(0), at(0.1), { fmr: 0.5 }).fmr).toBe(1e-2)
  })

  test('decides at the threshold itself', () => {
    const { threshold } = embedder.verify(at(0), at(0.1))
    const edge = Math.acos(1 - threshold)
    expect(embedder.verify(at(0), at(edge * 0.999)).same).toBe(true)
    expect(embedder.verify(at(0), at(edge * 1.001)).same).toBe(false)
    expect(embedder.verify(at(0), at(0.3), { threshold: 0.01 })).toMatchObject({ same: false, threshold: 0.01 })
    expect(embedder.verify(at(0), at(0.3), { threshold: 0.01 }).fmr).toBeUndefined()
  })

  test('is as sure as the distances that were measured', () => {
    const sure = [0, 0.2, 0.4, 0.6, 1].map(angle => embedder.verify(at(0), at(angle)).confidence!)
    expect(sure).toEqual([...sure].sort((a, b) => b - a))
    expect(sure[0]).toBeGreaterThan(0.99)
    expect(sure[4]).toBeLessThan(0.01)
  })

  test('refuses what it cannot answer', async () => {
    const lowest = Math.min(...rates.map(({ fmr }) => fmr))
    expect(await codeOf(() => embedder.verify(at(0), at(1), { fmr: lowest / 10 }))).toBe('INVALID_ARGUMENT')
    expect(await codeOf(() => embedder.verify(at(0), at(1), { fmr: 0 }))).toBe('INVALID_ARGUMENT')
    expect(await codeOf(() => embedder.verify(at(0), at(1), { threshold: Number.NaN }))).toBe('INVALID_ARGUMENT')
    const other = { ...at(0), model: 'facenet-512' }
    expect(await codeOf(() => embedder.verify(other, at(1)))).toBe('INVALID_ARGUMENT')
    const short = { ...at(0), vector: new Float32Array(3) }
    expect(await codeOf(() => embedder.verify(short, at(1)))).toBe('INVALID_ARGUMENT')
  })

  test('groups by the same threshold', async () => {
    const { groups } = embedder.cluster([at(0), at(1.5), at(0.05), at(1.55), at(0.02)])
    expect(groups).toEqual([
      [0, 2, 4],
      [1, 3],
    ])
    expect(embedder.cluster([]).groups).toEqual([])
    expect(await codeOf(() => embedder.cluster([at(0), { ...at(1), model: 'x' }]))).toBe('INVALID_ARGUMENT')
  })
})

describe('creating one', () => {
  test('of a detector, of an unknown name, of a model that was not pulled, of altered and missing files', async () => {
    const create = (name: string, model?: object) => () => createEmbedder(name, { backend: engine, model })
    expect(await codeOf(create('mtcnn'))).toBe('MODEL_INVALID')
    expect(await codeOf(create('no-such-model'))).toBe('INVALID_ARGUMENT')
    expect(await codeOf(create('x', { manifest: { schema: 1 } }))).toBe('MODEL_INVALID')
    expect(await codeOf(create('x', { manifest, source: memorySource({}) }))).toBe('MODEL_NOT_FOUND')
    const [network] = manifest.networks
    const altered = {
      ...manifest,
      networks: [{ ...network, graph: { ...network.graph, sha256: '0'.repeat(64) } }],
    }
    const source = directorySource(decodeURIComponent(folder.pathname))
    expect(await codeOf(create('x', { manifest: altered, source }))).toBe('MODEL_CORRUPT')
    const shortened = {
      ...manifest,
      networks: [{ ...network, weights: network.weights.slice(1) }],
    }
    expect(await codeOf(create('x', { manifest: shortened, source }))).toBe('MODEL_INVALID')
  })

  test('a disposed one says so', async () => {
    const other = await createEmbedder(undefined, { backend: engine })
    other.dispose()
    other.dispose()
    expect(await codeOf(() => other.embed(photo, faces))).toBe('DISPOSED')
  })
})
