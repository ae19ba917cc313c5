import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { alignCrops } from '../../src/alignment.ts'
import {
  type Classifier,
  createAgeGenderClassifier,
  createClassifier,
  createEmotionClassifier,
  createSpoofClassifier,
  EMOTIONS,
  type EmotionScores,
  SPOOF_MODELS,
  strongestEmotion,
} from '../../src/attributes/index.ts'
import { type Engine, startBackend } from '../../src/backends/index.ts'
import { createMtcnn, type Face } from '../../src/detect/index.ts'
import { FacewiseError } from '../../src/errors.ts'
import { decode, type Picture } from '../../src/image/index.ts'
import { directorySource, packagedManifests } from '../../src/models/index.ts'
import { samplePhoto, testBackend } from '../data.ts'

let engine: Engine
let emotions: Classifier<EmotionScores>
let photo: Picture
let faces: Face[]
const folder = fileURLToPath(new URL('../../models/emotion-mini-xception', import.meta.url))
const manifest = packagedManifests['emotion-mini-xception']

const codeOf = async (action: () => unknown): Promise<string> => {
  try {
    await action()
  } catch (error) {
    if (error instanceof FacewiseError) return error.code
    throw error
  }
  return 'no error'
}
const close = (a: EmotionScores, b: EmotionScores, digits = 5): void => {
  for (const emotion of EMOTIONS) expect(a[emotion]).toBeCloseTo(b[emotion], digits)
}

beforeAll(async () => {
  engine = await startBackend({ prefer: testBackend })
  emotions = await createEmotionClassifier(undefined, { backend: engine })
  photo = await decode(samplePhoto(3))
  const detector = await createMtcnn({ backend: engine, minFaceSize: 80 })
  faces = await detector.detect(photo)
  detector.dispose()
  expect(faces).toHaveLength(3)
})
afterAll(() => emotions.dispose())

let before: number
beforeEach(() => {
  before = engine.tf.memory().numTensors
})
afterEach(() => {
  expect(engine.tf.memory().numTensors).toBe(before)
})

describe('classify', () => {
  test('describes every face, in their order, one by one or together', async () => {
    const together = await emotions.classify(photo, faces)
    expect(together).toHaveLength(3)
    for (const [i, scores] of together.entries()) {
      expect(Object.keys(scores)).toEqual([...EMOTIONS])
      expect(Object.values(scores).reduce((a, b) => a + b)).toBeCloseTo(1, 6)
      const [alone] = await emotions.classify(photo, [faces[i]])
      close(alone, scores)
    }
    expect(new Set(together.map(({ happy }) => happy.toFixed(3))).size).toBe(3)
  })

  test('nobody at all is an empty list', async () => {
    expect(await emotions.classify(photo, [])).toEqual([])
    expect(await emotions.classifyAligned([])).toEqual([])
  })

  test('more faces than go together at a time', async () => {
    const many = Array.from({ length: 19 }, (_, i) => faces[i % 3])
    const scores = await emotions.classify(photo, many)
    expect(scores).toHaveLength(19)
    for (const [i, score] of scores.entries()) close(score, scores[i % 3])
  })

  test('calls may overlap', async () => {
    const [a, b] = await Promise.all([emotions.classify(photo, faces), emotions.classify(photo, [...faces].reverse())])
    for (let i = 0; i < 3; i++) close(a[i], b[2 - i])
  })

  test('a crop gives what the face in the photo gives', async () => {
    const size = { width: 64, height: 64 }
    const floats = alignCrops(photo, [faces[0]], emotions.manifest.classification.alignment, size, {
      mean: 0,
      divisor: 1,
    })
    const crop = { ...size, data: Uint8Array.from(floats, Math.round) }
    const [[cut], [whole]] = [await emotions.classifyAligned([crop]), await emotions.classify(photo, [faces[0]])]
    close(cut, whole, 1)
    expect(strongestEmotion(cut)).toBe(strongestEmotion(whole))
  })

  test('a fired signal, a box beside the picture, and a face without landmarks where they are needed', async () => {
    expect(await codeOf(() => emotions.classify(photo, faces, { signal: AbortSignal.abort() }))).toBe('ABORTED')
    const box = { x: photo.width + 10, y: 0, width: 50, height: 50 }
    expect(await codeOf(() => emotions.classify(photo, [{ box }]))).toBe('INVALID_ARGUMENT')
    const ageGender = await createAgeGenderClassifier(undefined, { backend: engine })
    expect(await codeOf(() => ageGender.classify(photo, [{ box: faces[0].box }]))).toBe('INVALID_ARGUMENT')
    const alignment = { kind: 'box', margin: { x: 0.09, y: -0.02, unit: 'share' } } as const
    const byBox = await createAgeGenderClassifier(undefined, { backend: engine, alignment })
    const [[a], [b]] = [
      await ageGender.classify(photo, [faces[0]]),
      await byBox.classify(photo, [{ box: faces[0].box }]),
    ]
    expect(Math.abs(a.age - b.age)).toBeLessThan(8)
    ageGender.dispose()
    byBox.dispose()
  })

  test('mirrored: the same for a face and its mirror image', async () => {
    const twice = await createEmotionClassifier(undefined, { backend: engine, mirror: true })
    const mirrored: Picture = { ...photo, data: new Uint8Array(photo.data.length) }
    for (let y = 0; y < photo.height; y++) {
      for (let x = 0; x < photo.width; x++) {
        const from = (y * photo.width + x) * 3
        mirrored.data.set(photo.data.subarray(from, from + 3), (y * photo.width + photo.width - 1 - x) * 3)
      }
    }
    const others = faces.map(({ box }) => ({ box: { ...box, x: photo.width - box.x - box.width } }))
    const [a, b] = [await twice.classify(photo, faces), await twice.classify(mirrored, others)]
    const single = await emotions.classify(photo, faces)
    for (let i = 0; i < 3; i++) {
      close(a[i], b[i], 4)
      expect(a[i]).not.toEqual(single[i])
    }
    twice.dispose()
  })

  test('a disposed classifier says so', async () => {
    const gone = await createEmotionClassifier(undefined, { backend: engine })
    gone.dispose()
    gone.dispose()
    expect(await codeOf(() => gone.classify(photo, faces))).toBe('DISPOSED')
  })
})

describe('a classifier', () => {
  test('of one’s own is a manifest and a decode function', async () => {
    const own = { ...manifest, name: 'smile' }
    const model = { manifest: own, source: directorySource(folder) }
    const smile = await createClassifier('smile', (output, labels) => output[labels.indexOf('happy')] > 0.5, {
      backend: engine,
      model,
    })
    const [answers, scores] = [await smile.classify(photo, faces), await emotions.classify(photo, faces)]
    expect(answers).toEqual(scores.map(({ happy }) => happy > 0.5))
    expect(answers).toContain(true)
    smile.dispose()
  })

  test('takes names of its manifest in any order', async () => {
    const [network] = manifest.networks
    const output = [...network.output].reverse()
    const model = { manifest: { ...manifest, networks: [{ ...network, output }] }, source: directorySource(folder) }
    const turned = await createEmotionClassifier('emotion-mini-xception', { backend: engine, model })
    const [[a], [b]] = [await turned.classify(photo, faces), await emotions.classify(photo, faces)]
    EMOTIONS.forEach(emotion => {
      expect(a[emotion]).toBeCloseTo(b[output[network.output.indexOf(emotion)] as keyof EmotionScores], 5)
    })
    turned.dispose()
  })

  test.each([
    ['dlib-resnet-128', (name: string) => createEmotionClassifier(name, { backend: engine }), /embedding/],
    [
      'age-gender-tiny-xception',
      (name: string) => createEmotionClassifier(name, { backend: engine }),
      /angry, disgust/,
    ],
    ['emotion-mini-xception', (name: string) => createAgeGenderClassifier(name, { backend: engine }), /age, male/],
    ['emotion-mini-xception', (name: string) => createSpoofClassifier(name, { backend: engine }), /live is missing/],
  ])('is not what another model is for: %s', async (name, create, message) => {
    await expect(create(name)).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringMatching(message),
    })
  })

  test('that is not there is named', async () => {
    expect(await codeOf(() => createEmotionClassifier('no-such-model', { backend: engine }))).toBe('INVALID_ARGUMENT')
    const model = { manifest, source: directorySource(`${folder}-that-is-not-there`) }
    expect(await codeOf(() => createEmotionClassifier('x', { backend: engine, model }))).toBe('MODEL_NOT_FOUND')
  })
})

describe('on photos of people', () => {
  test('smiles are happy, and adults are adults', async () => {
    const ageGender = await createAgeGenderClassifier(undefined, { backend: engine })
    const described = await ageGender.classify(photo, faces)
    const felt = await emotions.classify(photo, faces)
    // Three young women, of whom at least one smiles.
    expect(felt.some(scores => strongestEmotion(scores) === 'happy')).toBe(true)
    for (const { age, ageSpread, gender } of described) {
      expect(age).toBeGreaterThan(15)
      expect(age).toBeLessThan(45)
      expect(ageSpread).toBeUndefined()
      expect(gender.label).toBe('female')
      expect(gender.score).toBeGreaterThan(0.5)
      expect(gender.score).toBeLessThanOrEqual(1)
    }
    ageGender.dispose()
  })

  test.each(SPOOF_MODELS)('%s gives a score from 0 to 1', async name => {
    const spoof = await createSpoofClassifier(name, { backend: engine })
    const scores = await spoof.classify(photo, faces)
    for (const { score } of scores) {
      expect(score).toBeGreaterThan(0)
      expect(score).toBeLessThanOrEqual(1)
    }
    expect(new Set(scores.map(({ score }) => score)).size).toBe(3)
    spoof.dispose()
  })
})
