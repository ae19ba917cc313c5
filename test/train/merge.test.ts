import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Engine } from '../../src/backends/index.ts'
import { createEmbedder, type EmbedderManifest } from '../../src/embed/index.ts'
import type { Picture } from '../../src/image/index.ts'
import { findModel, type ModelSource, memorySource } from '../../src/models/index.ts'
import {
  embedSamples,
  HEADS,
  type HeadKind,
  head,
  mergeHead,
  type NamedWeight,
  packNetwork,
  saveModel,
  smallNetwork,
  vectorSamples,
} from '../../src/train/index.ts'
import { noise, random } from '../random.ts'
import { wasm } from './backend.ts'

const BASE = 'dlib-resnet-128'
const DIMENSION = 128
const crops: Picture[] = [noise(150, 150, 1), noise(150, 150, 2), noise(60, 80, 3)]

let engine: Engine
let base: { manifest: EmbedderManifest; source: ModelSource }
let folder: string
let raw: Float32Array[]
beforeAll(async () => {
  engine = await wasm()
  const found = await findModel(BASE)
  base = { manifest: found.manifest as EmbedderManifest, source: found.source }
  folder = mkdtempSync(join(tmpdir(), 'facewise-train-'))
  raw = await embedRaw()
})
afterAll(() => rmSync(folder, { recursive: true }))

/** What the network gives, without mirror and mean. */
async function embedRaw(): Promise<Float32Array[]> {
  const embedder = await createEmbedder(BASE, { backend: engine, mirror: false, centre: false })
  const vectors = (await embedder.embedAligned(crops)).map(({ vector }) => vector)
  embedder.dispose()
  return vectors
}

/** Weights that a run might end with. */
function learned(kind: HeadKind, centre?: readonly number[]): NamedWeight[] {
  const { float } = random(4)
  return head({ kind, dimension: DIMENSION, hidden: 16, centre })
    .start([DIMENSION], 2)
    .map(weight => ({ ...weight, values: weight.values.map(value => value + 0.05 * float(-1, 1)) }))
}

async function embedBy(manifest: unknown, source: ModelSource): Promise<Float32Array[]> {
  const embedder = await createEmbedder((manifest as EmbedderManifest).name, {
    backend: engine,
    model: { manifest, source },
  })
  const vectors = (await embedder.embedAligned(crops)).map(({ vector }) => vector)
  embedder.dispose()
  return vectors
}

const near = (found: ArrayLike<number>, expected: ArrayLike<number>, within = 1e-5): void => {
  expect(found.length).toBe(expected.length)
  expect(Math.max(...Array.from(found, (value, i) => Math.abs(value - expected[i])))).toBeLessThan(within)
}

describe.each(HEADS)('a merged head %s', kind => {
  it('gives what the head makes of the base, found by its name', async () => {
    const weights = learned(kind)
    const model = await mergeHead({ base, weights, name: `test-${kind}`, about: 'a test' })
    expect(model.manifest.embedding.thresholds).toBeUndefined()
    expect(model.manifest.embedding.calibration).toBeUndefined()
    expect(await saveModel(model, folder)).toBe(join(folder, `${BASE}+test-${kind}`))
    const before = process.env.FACEWISE_MODEL_DIR
    process.env.FACEWISE_MODEL_DIR = folder
    const embedder = await createEmbedder(`${BASE}+test-${kind}`, { backend: engine }).finally(() => {
      process.env.FACEWISE_MODEL_DIR = before
      if (before === undefined) delete process.env.FACEWISE_MODEL_DIR
    })
    const embeddings = await embedder.embedAligned(crops)
    embedder.dispose()
    expect(embeddings[0].model).toBe(`${BASE}+test-${kind}`)
    const network = head({ kind, dimension: DIMENSION, hidden: 16 })
    const expected = await embedSamples(engine, network, weights, vectorSamples(raw, ['', '', '']))
    embeddings.forEach(({ vector }, i) => {
      near(vector, expected.data.subarray(i * DIMENSION, (i + 1) * DIMENSION))
    })
  })
})

describe('at the start a merged model is its base', () => {
  const embedding = (over: object): EmbedderManifest => ({
    ...base.manifest,
    embedding: { ...base.manifest.embedding, ...over },
  })
  const centre = Array.from({ length: DIMENSION }, (_, i) => Math.sin(i) / 20)

  it.each<[string, object]>([
    ['as it comes', {}],
    ['with a mean embedding, which the head takes over', { centre }],
    ['mirrored', { mirror: true }],
  ])('%s', async (_, over) => {
    const manifest = embedding(over)
    const own = head({ dimension: DIMENSION, centre: manifest.embedding.centre }).start([DIMENSION], 1)
    const model = await mergeHead({
      base: { manifest, source: base.source },
      weights: own,
      name: 'start',
      about: 'nothing',
    })
    expect(model.manifest.embedding.centre).toBeUndefined()
    expect(model.manifest.embedding.mirror).toBe(manifest.embedding.mirror)
    const found = await embedBy(model.manifest, memorySource(model.files))
    const expected = await embedBy(manifest, base.source)
    // This base does not end in length one: of a face and its mirror image the longer embedding weighs more; before a head both are equal.
    const within = manifest.embedding.mirror ? 1e-3 : 1e-5
    found.forEach((vector, i) => {
      near(vector, expected[i], within)
    })
  })

  it('with the weight files of the base untouched', async () => {
    const { files, manifest } = await mergeHead({ base, weights: learned('linear'), name: 'files', about: 'a test' })
    const kept = base.manifest.networks[0].weights
    expect(manifest.networks[0].weights.slice(0, kept.length)).toEqual(kept)
    expect(Object.keys(files)).toHaveLength(kept.length + 2)
  })
})

it('refuses names that cannot be, other weights, and a head over a head', async () => {
  const weights = learned('linear')
  await expect(mergeHead({ base, weights, name: 'Masks!', about: '' })).rejects.toThrow(/lower-case/)
  const other = head({ dimension: 64 }).start([64], 1)
  await expect(mergeHead({ base, weights: other, name: 'x', about: '' })).rejects.toThrow(/128 numbers/)
  const { manifest, files } = await mergeHead({ base, weights, name: 'once', about: 'a test' })
  await expect(
    mergeHead({ base: { manifest, source: memorySource(files) }, weights, name: 'twice', about: '' }),
  ).rejects.toThrow(/has a head already/)
})

it('packs a small network that gives what it gave in training', async () => {
  const network = smallNetwork({ dimension: 12, channels: [4, 6] })
  const weights = network.start([20, 16, 3], 1)
  const { networks: _, ...rest } = base.manifest
  const { manifest, files } = await packNetwork({
    weights,
    inputSize: [20, 16],
    manifest: {
      ...rest,
      name: 'small',
      input: { channels: 'rgb', mean: 127.5, divisor: 127.5 },
      embedding: { dimension: 12, metric: 'cosine', mirror: false, alignment: base.manifest.embedding.alignment },
    },
  })
  const embedder = await createEmbedder('small', { backend: engine, model: { manifest, source: memorySource(files) } })
  const picture = noise(16, 20, 5)
  const [{ vector }] = await embedder.embedAligned([picture])
  embedder.dispose()
  const samples = {
    people: [''],
    shape: [20, 16, 3],
    read: () => Float32Array.from(picture.data, byte => (byte - 127.5) / 127.5),
  }
  near(vector, (await embedSamples(engine, network, weights, samples)).data)
})
