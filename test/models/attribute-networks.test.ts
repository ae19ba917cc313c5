import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { GraphModel } from '@tensorflow/tfjs-converter'
import type { Tensor, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { readFloatOriginal, readOriginal } from '../../scripts/original-weights.ts'
import { alignCrops } from '../../src/alignment.ts'
import { type Engine, startBackend } from '../../src/backends/index.ts'
import { createMtcnn } from '../../src/detect/index.ts'
import { decode } from '../../src/image/decode.ts'
import { loadModel } from '../../src/models/load.ts'
import { type ClassifierManifest, parseManifest } from '../../src/models/manifest.ts'
import { buildAntispoof, buildLivenessnet } from '../../src/models/networks/antispoof.ts'
import { buildMiniXception } from '../../src/models/networks/mini-xception.ts'
import { buildTinyXception } from '../../src/models/networks/tiny-xception.ts'
import { packagedManifests } from '../../src/models/packaged.ts'
import { samplePhoto } from '../data.ts'
import { noise } from '../random.ts'

const require = createRequire(import.meta.url)

let engine: Engine
beforeAll(async () => {
  engine = await startBackend({ prefer: 'wasm' })
})

/** Bytes of faces from two photos, cut out as the manifest says, and noise, black and white: `[count, size, size, 3]`. */
async function pictures(manifest: ClassifierManifest, size: number): Promise<Float32Array[]> {
  const mtcnn = await createMtcnn({ backend: engine, minFaceSize: 100 })
  const result: Float32Array[] = []
  for (const number of [1, 3] as const) {
    const photo = await decode(samplePhoto(number))
    const faces = await mtcnn.detect(photo)
    expect(faces).toHaveLength(3)
    const { alignment } = manifest.classification
    for (const face of faces) {
      const plain = { mean: 0, divisor: 1 }
      result.push(alignCrops(photo, [face], alignment, { width: size, height: size }, plain).map(Math.round))
    }
  }
  mtcnn.dispose()
  const floats = size * size * 3
  return [
    ...result,
    Float32Array.from(noise(size, size, 1).data),
    new Float32Array(floats),
    new Float32Array(floats).fill(255),
  ]
}

/** What the packaged network gives, a row a picture. */
async function ours(name: keyof typeof packagedManifests, bytes: readonly Float32Array[]): Promise<number[][]> {
  const manifest = parseManifest(packagedManifests[name]) as ClassifierManifest
  const model = await loadModel(name, { engine })
  const [{ name: network, inputSize, output }] = manifest.networks
  const size = (inputSize as [number, number])[0]
  const { mean, divisor } = manifest.input
  const meanOf = (i: number): number => (typeof mean === 'number' ? mean : mean[i % 3])
  const data = new Float32Array(bytes.length * size * size * 3)
  bytes.forEach((picture, k) => {
    data.set(
      picture.map((byte, i) => (byte - meanOf(i)) / divisor),
      k * picture.length,
    )
  })
  const [values] = await model.network(network).run([{ data, shape: [bytes.length, size, size, 3] }])
  model.dispose()
  const width = (output as string[]).length
  expect(values).toHaveLength(bytes.length * width)
  return bytes.map((_, k) => [...values.subarray(k * width, (k + 1) * width)])
}

/** A published graph model of @vladmandic/human, run by TensorFlow.js as it is. */
async function published(
  file: string,
  bytes: readonly Float32Array[],
  size: number,
  prepare: (rgb: Tensor4D) => Tensor,
): Promise<number[][]> {
  const { tf, converter } = engine
  const folder = join(dirname(require.resolve('@vladmandic/human')), '..', 'models')
  const { modelTopology, weightsManifest } = JSON.parse(readFileSync(join(folder, `${file}.json`), 'utf8'))
  const weightData = Uint8Array.from(readFileSync(join(folder, `${file}.bin`))).buffer
  const weightSpecs = weightsManifest[0].weights
  const graph: GraphModel = await converter.loadGraphModel(tf.io.fromMemory({ modelTopology, weightSpecs, weightData }))
  const rows: number[][] = []
  for (const picture of bytes) {
    const output = tf.tidy(() => graph.execute(prepare(tf.tensor4d(picture, [1, size, size, 3]))) as Tensor2D)
    rows.push([...((await output.data()) as Float32Array)])
    output.dispose()
  }
  graph.dispose()
  return rows
}

function largestDifference(a: readonly number[][], b: readonly number[][]): number {
  expect(a.map(row => row.length)).toEqual(b.map(row => row.length))
  return Math.max(...a.flatMap((row, k) => row.map((value, i) => Math.abs(value - b[k][i]))))
}
const manifestOf = (name: keyof typeof packagedManifests): ClassifierManifest =>
  parseManifest(packagedManifests[name]) as ClassifierManifest

describe('the networks compute what those do whose weights they have', () => {
  test('mini-Xception, on colours instead of grey', async () => {
    const bytes = await pictures(manifestOf('emotion-mini-xception'), 64)
    const mine = await ours('emotion-mini-xception', bytes)
    const theirs = await published('emotion', bytes, 64, rgb => {
      const { tf } = engine
      const grey = tf.sum(tf.mul(tf.div(rgb, 255), tf.tensor1d([0.2989, 0.587, 0.114])), 3, true)
      return tf.mul(tf.sub(grey, 0.5), 2)
    })
    // float16 weights, and shares of grey that sum to 0.9999.
    expect(largestDifference(mine, theirs)).toBeLessThan(0.01)
    for (const row of mine) expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 5)
    // The comparison means something: the answer depends on the picture.
    expect(largestDifference([mine[0]], [mine[6]])).toBeGreaterThan(0.2)
  })

  test('the small Xception', async () => {
    const bytes = await pictures(manifestOf('age-gender-tiny-xception'), 112)
    const mine = await ours('age-gender-tiny-xception', bytes)
    const faceApi = require('@vladmandic/face-api/dist/face-api.node-wasm.js')
    const peer = faceApi.nets.ageGenderNet
    await peer.loadFromDisk(require.resolve('@vladmandic/face-api/package.json').replace(/package\.json$/, 'model'))
    const { tf } = engine
    const inputs = bytes.map(picture => tf.tensor3d(picture, [112, 112, 3])) as Tensor3D[]
    const output: { age: Tensor; gender: Tensor } = await peer.forward(inputs)
    const [ages, genders] = [await output.age.data(), await output.gender.data()]
    tf.dispose([inputs, output.age, output.gender])
    peer.dispose()
    const theirs = bytes.map((_, k) => [ages[k], genders[k * 2], genders[k * 2 + 1]])
    // Ages in years, probabilities.
    const age = (rows: number[][]) => rows.map(row => [row[0]])
    const gender = (rows: number[][]) => rows.map(row => row.slice(1))
    expect(largestDifference(age(mine), age(theirs))).toBeLessThan(0.01)
    expect(largestDifference(gender(mine), gender(theirs))).toBeLessThan(1e-3)
    expect(largestDifference([mine[0]], [mine[7]])).toBeGreaterThan(1)
  })

  test.each([
    ['antispoof', 'antispoof', 128],
    ['livenessnet', 'liveness', 32],
  ] as const)('%s', async (name, file, size) => {
    const bytes = await pictures(manifestOf(name), size)
    const mine = await ours(name, bytes)
    const theirs = await published(file, bytes, size, rgb => engine.tf.div(rgb, 255))
    expect(largestDifference(mine, theirs)).toBeLessThan(0.005)
    // The comparison means something: the answer depends on the picture.
    const first = mine.map(row => row[0])
    expect(Math.max(...first) - Math.min(...first)).toBeGreaterThan(0.1)
  })
})

describe('building', () => {
  const emotion = () => readFloatOriginal('emotion-mini-xception')
  test.each([
    ['unknown_9', emotion, (w: never) => buildMiniXception(w, 7, 'x.bin')],
    [
      'StatefulPartitionedCall/model_1/conv2d_1/Conv2D_weights',
      emotion,
      (w: never) => buildMiniXception(w, 7, 'x.bin'),
    ],
    [
      'middle_flow/main_block_1/separable_conv2/depthwise_filter',
      () => readOriginal('age-gender-tiny-xception'),
      (w: never) => buildTinyXception(w, 'x.bin'),
    ],
    ['fc/gender/bias', () => readOriginal('age-gender-tiny-xception'), (w: never) => buildTinyXception(w, 'x.bin')],
    ['unknown_5', () => readFloatOriginal('antispoof'), (w: never) => buildAntispoof(w, 'x.bin')],
    [
      'StatefulPartitionedCall/sequential_1/dense_2/MatMul/ReadVariableOp',
      () => readFloatOriginal('livenessnet'),
      (w: never) => buildLivenessnet(w, 'x.bin'),
    ],
  ] as const)('names %s where it is missing or of another shape', async (name, read, build) => {
    const { [name]: weight, ...rest } = await read()
    const error = (problem: string) =>
      expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringContaining(`"${name}" ${problem}`) })
    expect(() => build(rest as never)).toThrow(error('is missing'))
    const turned = { ...weight, shape: [...weight.shape, 1] }
    expect(() => build({ ...rest, [name]: turned } as never)).toThrow(error('has shape'))
  })

  test('the small Xception keeps published bytes as they are', async () => {
    const original = await readOriginal('age-gender-tiny-xception')
    const { model, weights } = buildTinyXception(original, 'x.bin')
    const all = Buffer.concat(weights.map(({ bytes }) => bytes))
    const published = Object.values(original).filter(weight => 'bytes' in weight)
    expect(published.length).toBeGreaterThan(30)
    let kept = 0
    for (const { name, quantization } of model.weightsManifest[0].weights) {
      if (quantization?.dtype === 'uint8') kept++
      else expect(name).not.toMatch(/kernel/)
    }
    expect(kept).toBe(published.length)
    for (const weight of published) expect(all.indexOf(Buffer.from(weight.bytes))).toBeGreaterThanOrEqual(0)
  })
})
