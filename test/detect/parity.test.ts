import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMtcnn, type Face, type Mtcnn } from '../../src/detect/index.ts'
import { decode } from '../../src/image/decode.ts'
import { developmentData, testBackend } from '../data.ts'
import { intersectionOverUnion } from './boxes.ts'

interface Expected {
  readonly box: readonly [x: number, y: number, width: number, height: number]
  readonly score: number
  readonly landmarks: readonly (readonly [number, number])[]
}

interface Photo {
  readonly width: number
  readonly height: number
  readonly minFace20: readonly Expected[]
  readonly minFace40: readonly Expected[]
}

function readExpected(folder: string): Record<string, Photo> {
  return JSON.parse(readFileSync(join(folder, 'models', 'mtcnn-reference', 'expected.json'), 'utf8'))
}

function pathOf(key: string): string {
  if (!key.startsWith('npm:')) return join(developmentData!, key)
  return fileURLToPath(new URL(`../../node_modules/${key.slice(4)}`, import.meta.url))
}

const photos = developmentData ? Object.entries(readExpected(developmentData)) : []

// The reference is an independent float32 implementation of the cascade with the same weights. The limits are some three times what is
// measured, and far inside what would still be the same cascade.
const LEAST_OVERLAP = 0.98
const LARGEST_LANDMARK_ERROR = 0.01
const LARGEST_SCORE_ERROR = 0.002

describe.skipIf(!developmentData)('the reference cascade finds the same faces', () => {
  let mtcnn: Mtcnn
  beforeAll(async () => {
    mtcnn = await createMtcnn({ backend: { prefer: testBackend } })
  })
  afterAll(() => mtcnn.dispose())

  test('there is something to compare', () => {
    expect(photos.length).toBeGreaterThanOrEqual(17)
    expect(photos.reduce((sum, [, p]) => sum + p.minFace20.length, 0)).toBeGreaterThan(80)
  })

  test.each(photos)('%s', async (key, expected) => {
    const picture = await decode(pathOf(key))
    expect([picture.width, picture.height]).toEqual([expected.width, expected.height])
    for (const [minFaceSize, faces] of [
      [20, expected.minFace20],
      [40, expected.minFace40],
    ] as const) {
      compare(await mtcnn.detect(picture, { minFaceSize }), faces, `minFaceSize ${minFaceSize}`)
    }
  })
})

/** Pairs each face with the expected one that it overlaps most; each is taken once. */
function compare(found: readonly Face[], expected: readonly Expected[], what: string): void {
  expect(found.length, what).toBe(expected.length)
  const left = [...expected]
  for (const face of found) {
    const overlaps = left.map(({ box: [x, y, width, height] }) =>
      intersectionOverUnion(face.box, { x, y, width, height }),
    )
    const best = overlaps.indexOf(Math.max(...overlaps))
    expect(overlaps[best], what).toBeGreaterThanOrEqual(LEAST_OVERLAP)
    const [{ box, score, landmarks }] = left.splice(best, 1)
    expect(Math.abs(face.score - score), what).toBeLessThanOrEqual(LARGEST_SCORE_ERROR)
    const errors = landmarks.map(([x, y], k) => Math.hypot(x - face.landmarks![k][0], y - face.landmarks![k][1]))
    expect(Math.max(...errors) / Math.max(box[2], box[3]), what).toBeLessThanOrEqual(LARGEST_LANDMARK_ERROR)
  }
}
