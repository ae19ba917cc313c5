/** Recognition of real people: a part of the development data, small enough for every run. */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Engine, startBackend } from '../../src/backends/index.ts'
import { createMtcnn, oneFace } from '../../src/detect/index.ts'
import {
  createEmbedder,
  type Embedder,
  type Embedding,
  pairDistances,
  pairwiseF,
  parsePairs,
  scorePairs,
} from '../../src/embed/index.ts'
import { decode } from '../../src/image/index.ts'
import { developmentData, testBackend } from '../data.ts'

const csv = developmentData && join(developmentData, 'data', 'lfw-dev', 'pairs-train.csv')

describe.skipIf(!csv)('people of LFW', () => {
  let engine: Engine
  let embedder: Embedder
  const embeddings = new Map<string, Embedding>()
  // Every eighth pair: 63 pairs, some 120 pictures.
  const pairs = csv ? parsePairs(readFileSync(csv, 'utf8')).filter((_, i) => i % 8 === 3) : []

  beforeAll(async () => {
    engine = await startBackend({ prefer: testBackend })
    embedder = await createEmbedder(undefined, { backend: engine })
    const detector = await createMtcnn({ backend: engine, minFaceSize: 20 })
    for (const path of new Set(pairs.flatMap(({ a, b }) => [a, b]))) {
      const picture = await decode(join(dirname(csv!), path))
      const face = oneFace(await detector.detect(picture), picture, 'center')
      embeddings.set(path, (await embedder.embed(picture, [face]))[0])
    }
    detector.dispose()
  })

  test('one person is told from two', () => {
    const vectors = new Map([...embeddings].map(([path, { vector }]) => [path, vector]))
    const score = scorePairs(pairs, pairDistances(pairs, vectors))
    expect(score.genuine + score.impostor).toBe(63)
    expect(score.bestAccuracy.rate).toBeGreaterThanOrEqual(0.96)
    expect(score.auc).toBeGreaterThan(0.99)
  })

  test('the threshold for one in a hundred lets about so many pass, and refuses few', () => {
    const decided = pairs.map(({ a, b, same }) => ({
      same,
      answer: embedder.verify(embeddings.get(a)!, embeddings.get(b)!, { fmr: 1e-2 }),
    }))
    const wrong = decided.filter(({ same, answer }) => same !== answer.same)
    expect(wrong.length).toBeLessThanOrEqual(3)
    const sure = (same: boolean): number => {
      const list = decided.filter(pair => pair.same === same).map(({ answer }) => answer.confidence!)
      return list.reduce((sum, value) => sum + value, 0) / list.length
    }
    expect(sure(true)).toBeGreaterThan(0.9)
    expect(sure(false)).toBeLessThan(0.05)
  })

  test('photos are grouped by person', () => {
    const paths = [...embeddings.keys()]
    const { labels, groups } = embedder.cluster(paths.map(path => embeddings.get(path)!))
    const people = paths.map(path => path.split('/').at(-2)!)
    const score = pairwiseF(labels, people)
    expect(score.people).toBeGreaterThan(80)
    expect(score.f).toBeGreaterThan(0.8)
    expect(Math.abs(groups.length - score.people)).toBeLessThan(0.12 * score.people)
  })
})
