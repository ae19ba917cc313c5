import { expect, it } from 'vitest'
import { commands } from 'vitest/browser'
import sample3 from '../../node_modules/@vladmandic/face-api/demo/sample3.jpg?url'
import { createAgeGenderClassifier, createEmotionClassifier, EMOTIONS } from '../../src/attributes/index.ts'
import { startBackend } from '../../src/backends/index.ts'
import { decode, resizeArea } from '../../src/image/index.ts'

const WIDTH = 480
const HEIGHT = 338

it.each(['wasm', 'webgl'] as const)(
  'faces of a photo in Chromium on %s: emotion, age and gender as Node gives them',
  async prefer => {
    const backend = await startBackend({ prefer, timeoutMs: 60_000 })
    const emotion = await createEmotionClassifier(undefined, { backend })
    const ageGender = await createAgeGenderClassifier(undefined, { backend })
    expect(emotion.engine.backend).toBe(prefer)
    const { faces, emotions, ages } = await commands.describeInNode(3, WIDTH, HEIGHT)
    expect(faces).toHaveLength(3)
    const before = backend.tf.memory().numTensors
    const picture = resizeArea(await decode(sample3), WIDTH, HEIGHT)
    const scores = await emotion.classify(picture, faces)
    const described = await ageGender.classify(picture, faces)
    expect(backend.tf.memory().numTensors).toBe(before)
    for (let i = 0; i < 3; i++) {
      for (const name of EMOTIONS) expect(Math.abs(scores[i][name] - emotions[i][name])).toBeLessThan(0.01)
      expect(Math.abs(described[i].age - ages[i].age)).toBeLessThan(0.2)
      expect(described[i].gender.label).toBe(ages[i].gender.label)
      expect(Math.abs(described[i].gender.score - ages[i].gender.score)).toBeLessThan(0.01)
    }
    emotion.dispose()
    ageGender.dispose()
  },
)
