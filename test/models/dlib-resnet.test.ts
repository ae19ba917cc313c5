import { createRequire } from 'node:module'
import type { Tensor, Tensor3D } from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readOriginal } from '../../scripts/original-weights.ts'
import { type Engine, startBackend } from '../../src/backends/index.ts'
import { createMtcnn } from '../../src/detect/index.ts'
import { decode } from '../../src/image/decode.ts'
import { estimateSimilarity, type Point, warpSimilarity } from '../../src/image/warp.ts'
import { loadModel, type Model } from '../../src/models/load.ts'
import { buildDlibResnet } from '../../src/models/networks/dlib-resnet.ts'
import { packagedManifests } from '../../src/models/packaged.ts'
import { samplePhoto } from '../data.ts'
import { noise } from '../random.ts'

const SIZE = 150
const DIMENSION = 128
const manifest = packagedManifests['dlib-resnet-128']

/** The package that the weights come from, which runs them layer by layer. */
interface Peer {
  loadFromDisk(folder: string): Promise<void>
  forward(pictures: Tensor3D[]): Promise<Tensor>
}

const original = await readOriginal('dlib-resnet-128')

describe('the residual network', () => {
  let engine: Engine
  let model: Model
  let peer: Peer
  beforeAll(async () => {
    engine = await startBackend({ prefer: 'wasm' })
    model = await loadModel('dlib-resnet-128', { engine })
    const require = createRequire(import.meta.url)
    const faceapi = require('@vladmandic/face-api/dist/face-api.node-wasm.js')
    peer = faceapi.nets.faceRecognitionNet
    await peer.loadFromDisk(require.resolve('@vladmandic/face-api/package.json').replace(/package\.json$/, 'model'))
  })
  afterAll(() => {
    model.dispose()
  })

  /** Compares both networks on pictures of 150x150, and gives our embeddings. */
  async function compare(pictures: readonly Float32Array[]): Promise<Float32Array[]> {
    const { tf } = engine
    const inputs = pictures.map(picture => tf.tensor3d(picture, [SIZE, SIZE, 3]))
    const output = await peer.forward(inputs)
    const theirs = (await output.data()) as Float32Array
    tf.dispose([inputs, output])
    // That package divides by 255; the network was trained with 256, as our manifest says.
    const data = new Float32Array(pictures.length * SIZE * SIZE * 3)
    pictures.forEach((picture, k) => {
      data.set(
        picture.map((value, i) => (value - manifest.input.mean[i % 3]) / 255),
        k * picture.length,
      )
    })
    const [ours] = await model.network('embedding').run([{ data, shape: [pictures.length, SIZE, SIZE, 3] }])
    expect(ours).toHaveLength(pictures.length * DIMENSION)
    return pictures.map((_, k) => {
      const [a, b] = [ours, theirs].map(all => all.subarray(k * DIMENSION, (k + 1) * DIMENSION))
      expect(Math.max(...a.map((value, i) => Math.abs(value - b[i])))).toBeLessThan(1e-3)
      expect(dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))).toBeGreaterThan(0.99999)
      return a
    })
  }
  const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, i) => sum + value * b[i], 0)
  const distance = (a: Float32Array, b: Float32Array): number => Math.hypot(...a.map((value, i) => value - b[i]))

  test('gives on noise and on flat colours what the package of its weights gives', async () => {
    const flat = [0, 255].map(value => new Float32Array(SIZE * SIZE * 3).fill(value))
    const [random, black] = await compare([Float32Array.from(noise(SIZE, SIZE, 1).data), ...flat])
    // The comparison means something: the embedding depends on the picture, and is not normalised.
    expect(distance(random, black)).toBeGreaterThan(0.05)
    expect(Math.abs(Math.hypot(...random) - 1)).toBeGreaterThan(0.05)
  })

  test('gives on aligned faces what the package of its weights gives, and tells people apart', async () => {
    const photo = await decode(samplePhoto(3))
    const mtcnn = await createMtcnn({ backend: engine, minFaceSize: 100 })
    const faces = await mtcnn.detect(photo)
    mtcnn.dispose()
    const template = manifest.embedding.alignment.template as [number, number][]
    const chip = (landmarks: readonly Point[], turn = 0): Float32Array => {
      const out = new Float32Array(SIZE * SIZE * 3)
      // Turned and moved a little, as another detection would.
      const to = template.map(([x, y]): Point => [x + turn * (y - 75) + 2 * turn, y - turn * (x - 75)])
      const target = { width: SIZE, height: SIZE, out, offset: 0, scale: 1, shift: 0 }
      warpSimilarity(photo, estimateSimilarity(landmarks, to), target)
      return out
    }
    expect(faces).toHaveLength(3)
    const chips = faces.flatMap(({ landmarks }) => [chip(landmarks!), chip(landmarks!, 0.05)])
    const embeddings = await compare(chips)
    for (let i = 0; i < embeddings.length; i++) {
      for (let j = 0; j < i; j++) {
        const samePerson = i >> 1 === j >> 1
        if (samePerson) expect(distance(embeddings[i], embeddings[j])).toBeLessThan(0.2)
        else expect(distance(embeddings[i], embeddings[j])).toBeGreaterThan(0.4)
      }
    }
  })
})

describe('building the residual network', () => {
  test('keeps published bytes as they are, and the rest as float16', () => {
    const { model, weights } = buildDlibResnet(original, 'embedding.bin')
    const all = Uint8Array.from(weights.flatMap(file => [...file.bytes]))
    let at = 0
    let kept = 0
    for (const { name, shape, quantization } of model.weightsManifest[0].weights) {
      const size = shape.reduce((a, b) => a * b, 1)
      const each = quantization ? (quantization.dtype === 'uint8' ? 1 : 2) : 4
      const source = original[name === 'fc/kernel' ? 'fc' : name.replace(/\/kernel\/stored$/, '/conv/filters')]
      if (quantization?.dtype === 'uint8') {
        if (!source || !('bytes' in source)) throw new Error(`${name} has no bytes in the original.`)
        expect(quantization).toMatchObject({ scale: source.scale, min: source.min })
        expect(Buffer.from(all.subarray(at, at + size)).equals(Buffer.from(source.bytes)), name).toBe(true)
        kept += size
      }
      at += size * each
    }
    expect(at).toBe(all.length)
    const bytes = Object.entries(original).filter(([name]) => name === 'fc' || name.endsWith('filters'))
    const published = bytes.reduce((sum, [, weight]) => sum + ('bytes' in weight ? weight.bytes.length : 0), 0)
    expect(kept).toBe(published)
    expect(kept).toBeGreaterThan(5e6)
  })

  test.each(['conv64_down/conv2/conv/filters', 'conv32_down/scale/weights', 'conv256_1/conv1/conv/bias', 'fc'])(
    'names %s where it is missing or of another shape',
    name => {
      const { [name]: weight, ...rest } = original
      const error = (problem: string) =>
        expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringContaining(`"${name}" ${problem}`) })
      expect(() => buildDlibResnet(rest, 'x.bin')).toThrow(error('is missing'))
      const turned = { ...weight, shape: [...weight.shape, 1] }
      expect(() => buildDlibResnet({ ...rest, [name]: turned }, 'x.bin')).toThrow(error('has shape'))
    },
  )
})
