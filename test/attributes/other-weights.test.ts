import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAgeGroupClassifier, decodeAgeGroups } from '../../examples/own-classifier/age-group.ts'
import { buildOwnModel } from '../../examples/own-classifier/build.ts'
import { loadPeers, type Peers } from '../../scripts/peers.ts'
import {
  createAgeGenderClassifier,
  createEmotionClassifier,
  EMOTIONS,
  strongestEmotion,
} from '../../src/attributes/index.ts'
import { type Engine, startBackend } from '../../src/backends/index.ts'
import { readAttributeLabels } from '../../src/cli/commands/evaluate/attribute-labels.ts'
import { createMtcnn } from '../../src/detect/index.ts'
import { decode, type Picture } from '../../src/image/index.ts'
import { developmentData, samplePhoto } from '../data.ts'

let engine: Engine
let peers: Peers
let folder: string
beforeAll(async () => {
  engine = await startBackend({ prefer: 'wasm' })
  peers = await loadPeers(engine)
  folder = mkdtempSync(join(tmpdir(), 'facewise-own-model-'))
  buildOwnModel(folder)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('other weights are a manifest', () => {
  test('the example tells age groups of faces in a photo', async () => {
    const picture = await decode(samplePhoto(3))
    const mtcnn = await createMtcnn({ backend: engine })
    const faces = await mtcnn.detect(picture)
    mtcnn.dispose()
    const classifier = await createAgeGroupClassifier(folder, { backend: engine })
    for (const groups of await classifier.classify(picture, faces)) {
      expect(Object.keys(groups)).toEqual(['child', 'teenager', 'adult', 'senior'])
      expect(Object.values(groups).reduce((a, b) => a + b)).toBeCloseTo(1, 4)
      expect(groups.adult).toBeGreaterThan(0.5)
    }
    classifier.dispose()
  })

  test('every year belongs to one group', () => {
    const labels = [12, 13, 19, 20, 59, 60, 99].map(years => `age-${years}`)
    const groups = decodeAgeGroups(
      Float32Array.from(labels, () => 1),
      [...labels, 'male'],
    )
    expect(groups).toEqual({ child: 1, teenager: 2, adult: 2, senior: 2 })
  })

  test('a network that gives a distribution of ages gives age, spread and gender as the packaged one does', async () => {
    const other = await createAgeGenderClassifier('hse-faceres', { backend: engine, model: { source: folder } })
    const picture = await decode(samplePhoto(3))
    const mtcnn = await createMtcnn({ backend: engine })
    const faces = await mtcnn.detect(picture)
    mtcnn.dispose()
    for (const { age, ageSpread, gender } of await other.classify(picture, faces)) {
      expect(age).toBeGreaterThan(15)
      expect(age).toBeLessThan(45)
      expect(ageSpread).toBeGreaterThan(0.5)
      expect(gender.label).toBe('female')
    }
    other.dispose()
  })
})

/** Every `step`th labelled picture of a set. */
async function some(set: string, step: number): Promise<Picture[]> {
  const { pictures, dispose } = await readAttributeLabels(join(developmentData!, 'data', set))
  const chosen = pictures.filter((_, i) => i % step === 0)
  const decoded = await Promise.all(
    chosen.map(item => ('path' in item ? decode(readFileSync(item.path)) : item.picture)),
  )
  await dispose()
  return decoded
}

describe.skipIf(!developmentData)(
  'the packaged classifiers agree with the code that their weights were made for',
  () => {
    test('emotion: on pictures of FER2013', async () => {
      const pictures = await some('fer-dev', 20)
      const classifier = await createEmotionClassifier(undefined, { backend: engine })
      const ours = (await classifier.classifyAligned(pictures)).map(strongestEmotion)
      classifier.dispose()
      const theirs: (string | undefined)[] = []
      for (const picture of pictures) theirs.push(await peers.emotion(picture))
      const same = ours.filter((emotion, i) => emotion === theirs[i]).length
      // Both enlarge 48 pixels to 64, but by different rules: theirs samples from the corner of a pixel, ours from its middle.
      expect(same / pictures.length).toBeGreaterThan(0.88)
      expect(new Set(ours).size).toBe(EMOTIONS.length)
    })

    test('age and gender: on pictures of UTKFace', async () => {
      const pictures = await some('utk-dev', 25)
      const classifier = await createAgeGenderClassifier(undefined, { backend: engine })
      const ours = await classifier.classifyAligned(pictures)
      classifier.dispose()
      const theirs = await peers.ageGender(pictures)
      const years = ours.map(({ age }, i) => Math.abs(age - theirs[i].age))
      // Both shrink 200 pixels to 112; theirs by picking, ours by averaging.
      expect(years.reduce((a, b) => a + b) / years.length).toBeLessThan(1)
      const same = ours.filter(({ gender }, i) => gender.label === theirs[i].gender).length
      expect(same / pictures.length).toBeGreaterThan(0.97)
    })
  },
)
