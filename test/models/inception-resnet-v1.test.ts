import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Engine, startBackend } from '../../src/backends/index.ts'
import { decode } from '../../src/image/decode.ts'
import type { StoredDtype, WeightMap } from '../../src/models/graph.ts'
import { loadModel, type Model } from '../../src/models/load.ts'
import type { EmbedderManifest, ModelFile } from '../../src/models/manifest.ts'
import { buildInceptionResnetV1 } from '../../src/models/networks/inception-resnet-v1.ts'
import { memorySource } from '../../src/models/source.ts'
import { sha256 } from '../../src/models/verify.ts'
import { developmentData } from '../data.ts'
import { readFacenetWeights, withoutProfile } from './facenet-weights.ts'

const SIZE = 160
const DIMENSION = 512
const PIXELS = SIZE * SIZE

/** Loads the network as a caller would. */
async function load(engine: Engine, weights: WeightMap, store: StoredDtype): Promise<Model> {
  const built = buildInceptionResnetV1(weights, 'facenet.bin', store)
  const files: Record<string, Uint8Array> = Object.fromEntries(built.weights.map(({ path, bytes }) => [path, bytes]))
  files['facenet.graph.json'] = new TextEncoder().encode(JSON.stringify(built.model))
  const describeFile = async (path: string): Promise<ModelFile> => ({
    path,
    bytes: files[path].length,
    sha256: await sha256(files[path]),
  })
  const network = {
    name: 'embedding',
    graph: await describeFile('facenet.graph.json'),
    weights: await Promise.all(built.weights.map(({ path }) => describeFile(path))),
  }
  const manifest: EmbedderManifest = {
    schema: 1,
    name: 'facenet-512',
    title: 'FaceNet',
    task: 'embedding',
    input: { channels: 'rgb', mean: 127.5, divisor: 128 },
    networks: [{ ...network, inputSize: [SIZE, SIZE], output: DIMENSION }],
    licence: { spdx: 'MIT', notice: '' },
    source: { weights: 'test' },
    embedding: {
      dimension: DIMENSION,
      metric: 'cosine',
      alignment: { kind: 'box', margin: { x: 0.15, y: 0.1, unit: 'share' } },
      mirror: false,
    },
  }
  return loadModel('facenet-512', { engine, manifest, source: memorySource(files) })
}

describe.skipIf(!developmentData)('FaceNet with its published weights', () => {
  const folder = join(developmentData ?? '', 'models', 'facenet-512')
  const fixture = join(developmentData ?? '', 'data', 'facenet-fixture')
  const readJson = <T>(path: string): T => JSON.parse(readFileSync(path, 'utf8')) as T
  let engine: Engine
  let weights: WeightMap
  beforeAll(async () => {
    engine = await startBackend({ prefer: 'wasm' })
    weights = readFacenetWeights(folder)
  })

  /** The input of the published embedding: numbers from -1 to 1 in steps, channel after channel. */
  const steps = new Float32Array(PIXELS * 3)
  for (let i = 0; i < steps.length; i++)
    steps[(i % PIXELS) * 3 + Math.floor(i / PIXELS)] = -1 + (2 * i) / (steps.length - 1)

  // float16 and float32 hold the same numbers here, since the published copies are float16: the one tests the other.
  describe.each([
    ['float32', 1e-3, 2e-3, 94],
    ['float16', 1e-3, 2e-3, 47.1],
    ['uint8', 5e-3, 1e-2, 24],
  ] as const)('as %s', (store, valueError, distanceError, megabytes) => {
    let model: Model
    beforeAll(async () => {
      model = await load(engine, weights, store)
    })
    afterAll(() => {
      model.dispose()
    })

    test('is as small as it should be, in files of at most 4 MiB', () => {
      const files = model.manifest.networks[0].weights
      const total = files.reduce((sum, file) => sum + file.bytes, 0)
      expect(total / 1e6).toBeLessThan(megabytes)
      expect(files.every((file, i) => file.bytes === 4 * 2 ** 20 || i === files.length - 1)).toBe(true)
      expect(files.map(file => file.path)).toEqual(files.map((_, i) => `facenet.${i + 1}of${files.length}.bin`))
    })

    test('gives the published embedding', async () => {
      const { raw } = readJson<{ raw: { embedding: number[] } }>(join(folder, 'reference.json'))
      const [embedding] = await model.network('embedding').run([{ data: steps, shape: [1, SIZE, SIZE, 3] }])
      expect(embedding).toHaveLength(DIMENSION)
      expect(Math.max(...raw.embedding.map((value, i) => Math.abs(value - embedding[i])))).toBeLessThan(valueError)
    })

    test('gives the distances of an independent implementation on five faces', async () => {
      const expected = readJson<{ names: string[]; float32: { embeddings: number[][]; euclidean: number[][] } }>(
        join(fixture, 'expected.json'),
      )
      const data = new Float32Array(expected.names.length * PIXELS * 3)
      for (const [k, name] of expected.names.entries()) {
        const picture = await decode(withoutProfile(readFileSync(join(fixture, `${name}.png`))))
        data.set(
          Float32Array.from(picture.data, value => (value - 127.5) / 128),
          k * PIXELS * 3,
        )
      }
      const shape = [expected.names.length, SIZE, SIZE, 3] as const
      const [rows] = await model.network('embedding').run([{ data, shape }])
      const embeddings = expected.names.map((_, k) => rows.subarray(k * DIMENSION, (k + 1) * DIMENSION))
      embeddings.forEach((a, i) => {
        expect(Math.hypot(...a)).toBeCloseTo(1, 5)
        const cosine = a.reduce((sum, value, k) => sum + value * expected.float32.embeddings[i][k], 0)
        expect(cosine).toBeGreaterThan(store === 'uint8' ? 0.9995 : 0.99999)
        embeddings.forEach((b, j) => {
          const distance = Math.hypot(...a.map((value, k) => value - b[k]))
          expect(Math.abs(distance - expected.float32.euclidean[i][j])).toBeLessThan(distanceError)
        })
      })
    })
  })

  test.each([
    'Conv2d_1a_3x3/kernel',
    'Block35_5_Conv2d_1x1/bias',
    'Mixed_7a_Branch_2_Conv2d_1a_3x3/kernel',
    'Block8_6_Branch_1_Conv2d_0c_3x1/kernel',
    'Bottleneck/kernel',
  ])('names %s where it is missing or of another shape', name => {
    const { [name]: weight, ...rest } = weights
    const error = (problem: string) =>
      expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringContaining(`"${name}" ${problem}`) })
    expect(() => buildInceptionResnetV1(rest, 'x.bin')).toThrow(error('is missing'))
    const turned = { shape: [...weight.shape].reverse().concat(1), values: weight.values }
    expect(() => buildInceptionResnetV1({ ...rest, [name]: turned }, 'x.bin')).toThrow(error('has shape'))
  })

  test('uses every weight, and no other', () => {
    const { model } = buildInceptionResnetV1(weights, 'x.bin')
    const names = model.weightsManifest[0].weights.map(spec => spec.name).filter(name => /\/(kernel|bias)$/.test(name))
    expect(names.sort()).toEqual(Object.keys(weights).sort())
    expect(names).toHaveLength(266)
  })
})
