import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import * as converter from '@tensorflow/tfjs-converter'
import * as tf from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startBackend } from '../../src/backends/index.ts'
import { GraphBuilder, type GraphModelFiles, type GraphModelJson, type Weight } from '../../src/models/graph.ts'
import {
  buildMtcnn,
  MTCNN_CHANNELS,
  MTCNN_NETWORKS,
  type MtcnnNetwork,
  swapSpatialAxes,
} from '../../src/models/networks/mtcnn.ts'
import { random } from '../random.ts'
import { randomWeights, runDirectly } from './direct.ts'

const folder = fileURLToPath(new URL('../../models/mtcnn/', import.meta.url))
const weights = randomWeights(1)

/** Sizes that each network takes, and the cells that it gives for them. */
const sizes: Record<MtcnnNetwork, { input: [number, number, number]; cells: [number, number] }> = {
  // Odd sides, so that pooling must round up, and unequal ones, so that exchanged axes show.
  pnet: { input: [1, 33, 26], cells: [12, 8] },
  rnet: { input: [3, 24, 24], cells: [1, 1] },
  onet: { input: [2, 48, 48], cells: [1, 1] },
}

function picture([batch, height, width]: readonly number[], seed: number): tf.Tensor4D {
  const { float } = random(seed)
  const values = Float32Array.from({ length: batch * height * width * 3 }, () => float(-1, 1))
  return tf.tensor4d(values, [batch, height, width, 3])
}

function load({ model, weights: bytes }: GraphModelFiles): Promise<converter.GraphModel> {
  const { format, modelTopology, weightsManifest } = model
  const weightSpecs = weightsManifest.flatMap(group => group.weights)
  const weightData = Uint8Array.from(bytes).buffer
  return converter.loadGraphModel(tf.io.fromMemory({ format, modelTopology, weightSpecs, weightData }))
}

function readPackaged(network: MtcnnNetwork): GraphModelFiles {
  const model = JSON.parse(readFileSync(`${folder}${network}.graph.json`, 'utf8')) as GraphModelJson
  return { model, weights: readFileSync(`${folder}${network}.bin`) }
}

/** The face's logit turned into its probability, as the direct form gives it. */
function withProbability(output: tf.Tensor4D): tf.Tensor4D {
  const [face, rest] = tf.split(output, [1, output.shape[3] - 1], 3)
  return tf.concat([tf.sigmoid(face), rest], 3) as tf.Tensor4D
}

beforeAll(async () => {
  await startBackend({ prefer: 'wasm' })
})

describe.each(MTCNN_NETWORKS)('%s', network => {
  const { input, cells } = sizes[network]
  const shape = [input[0], ...cells, MTCNN_CHANNELS[network]]

  test('is the published network, written another way', async () => {
    const graph = await load(buildMtcnn(network, swapSpatialAxes(weights), 'x.bin', 'float32'))
    const x = picture(input, 2)
    const expected = runDirectly(tf, network, weights, x)
    const actual = withProbability(graph.execute(x) as tf.Tensor4D)
    expect(expected.shape).toEqual(shape)
    expect(actual.shape).toEqual(shape)
    const [a, e] = [await actual.data(), await expected.data()]
    const spread = Math.max(...e) - Math.min(...e)
    // Other sums in another order: float32 leaves some 1e-6 of their size.
    expect(Math.max(...e.map((v, i) => Math.abs(v - a[i])))).toBeLessThan(1e-4 * spread)
    // The comparison means something: the face's probability is not stuck at 0 or 1, and no two cells are equal.
    expect(spread).toBeGreaterThan(0.1)
    expect(new Set(e).size).toBe(e.length)
    graph.dispose()
  })

  test('as packaged, loads from memory and has the shape that its manifest says', async () => {
    const graph = await load(readPackaged(network))
    expect(graph.inputs.map(i => [i.name, i.dtype, i.shape])).toEqual([['input', 'float32', [-1, -1, -1, 3]]])
    expect(graph.outputs.map(o => o.name)).toEqual(['output'])
    const output = graph.predict(picture(input, 3)) as tf.Tensor4D
    expect(output.shape).toEqual(shape)
    const values = await output.data()
    expect(values.every(Number.isFinite)).toBe(true)
    graph.dispose()
  })
})

describe('over http', () => {
  let server: Server
  let address: string

  beforeAll(async () => {
    server = createServer((request, response) => response.end(readFileSync(folder + request.url!.slice(1))))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  test.each(MTCNN_NETWORKS)('%s loads with tf.loadGraphModel(address) and gives the same', async network => {
    const fetched = await converter.loadGraphModel(`${address}/${network}.graph.json`)
    const held = await load(readPackaged(network))
    const x = picture(sizes[network].input, 4)
    const [a, b] = [fetched, held].map(graph => (graph.predict(x) as tf.Tensor).dataSync())
    expect(a).toEqual(b)
    fetched.dispose()
    held.dispose()
  })
})

test('weights stored as float16 differ from float32 ones in the first dense layer alone', () => {
  const swapped = swapSpatialAxes(weights)
  for (const network of MTCNN_NETWORKS) {
    const [half, full] = (['float16', 'float32'] as const).map(dtype => buildMtcnn(network, swapped, 'x.bin', dtype))
    const specs = half.model.weightsManifest[0].weights
    const stored = specs.filter(spec => spec.quantization).map(spec => spec.name)
    expect(stored).toEqual(network === 'pnet' ? [] : ['fc1/kernel'])
    const saved = specs.filter(s => s.quantization).reduce((sum, s) => sum + s.shape.reduce((a, b) => a * b, 1) * 2, 0)
    expect(full.weights.length - half.weights.length).toBe(saved)
  }
})

describe('exchanging the spatial axes', () => {
  test('twice is nothing', () => {
    expect(swapSpatialAxes(swapSpatialAxes(weights))).toEqual(weights)
  })

  test('of a kernel: one with other heights and widths comes out transposed', () => {
    const filter: Weight = { shape: [2, 2, 1, 2], values: Float32Array.from([1, 2, 3, 4, 5, 6, 7, 8]) }
    expect([...swapSpatialAxes({ 'a/weights': filter })['a/weights'].values]).toEqual([1, 2, 5, 6, 3, 4, 7, 8])
    const bias: Weight = { shape: [4], values: Float32Array.from([1, 2, 3, 4]) }
    expect(swapSpatialAxes({ 'a/bias': bias })['a/bias']).toBe(bias)
  })

  test('is the same as exchanging rows and columns of the picture', async () => {
    const plain = await load(buildMtcnn('pnet', weights, 'x.bin'))
    const swapped = await load(buildMtcnn('pnet', swapSpatialAxes(weights), 'x.bin'))
    const x = picture([1, 20, 31], 5)
    const y = tf.transpose(plain.execute(tf.transpose(x, [0, 2, 1, 3])) as tf.Tensor4D, [0, 2, 1, 3])
    const z = swapped.execute(x) as tf.Tensor
    expect(z.shape).toEqual(y.shape)
    const [a, b] = [await y.data(), await z.data()]
    expect(Math.max(...a.map((v, i) => Math.abs(v - b[i])))).toBeLessThan(1e-4)
    plain.dispose()
    swapped.dispose()
  })
})

describe('the graph builder', () => {
  const vector = (...values: number[]): Weight => ({ shape: [values.length], values: Float32Array.from(values) })
  const filter: Weight = { shape: [1, 1, 1, 2], values: Float32Array.from([2, -3]) }

  test('a small graph by hand: convolution, bias, slopes, pooling', async () => {
    const graph = new GraphBuilder()
    const x = graph.input('x', [-1, -1, -1, 1])
    const conv = graph.conv2d('conv', x, { filter, bias: vector(1, 1), prelu: vector(10, 100) })
    graph.output('y', graph.maxPool('pool', conv, 2, 2, 'same'))
    const files = graph.build('w.bin')
    expect(files.model.weightsManifest[0].paths).toEqual(['w.bin'])
    const model = await load(files)
    // 1, 2, 3 become (3, -200), (5, -500), (7, -800); pooling by two, rounded up, keeps the larger of each pair.
    const y = model.execute(tf.tensor4d([1, 2, 3], [1, 1, 3, 1])) as tf.Tensor
    expect(y.shape).toEqual([1, 1, 2, 2])
    expect([...(await y.data())]).toEqual([5, -200, 7, -800])
    model.dispose()
  })

  test('stride and same padding', async () => {
    const graph = new GraphBuilder()
    const sum: Weight = { shape: [3, 3, 1, 1], values: new Float32Array(9).fill(1) }
    const x = graph.input('x', [-1, -1, -1, 1])
    graph.output('y', graph.conv2d('conv', x, { filter: sum, bias: vector(0), stride: 2, padding: 'same' }))
    const model = await load(graph.build('w.bin'))
    const y = model.execute(tf.ones([1, 3, 3, 1])) as tf.Tensor
    expect([...(await y.data())]).toEqual([4, 4, 4, 4])
    model.dispose()
  })

  const invalid = expect.objectContaining({ code: 'MODEL_INVALID' })
  test('refuses what does not fit', () => {
    const graph = new GraphBuilder()
    const x = graph.input('x', [-1, -1, -1, 1])
    expect(() => graph.conv2d('a', x, { filter, bias: vector(1) })).toThrow(invalid)
    expect(() => graph.conv2d('b', x, { filter: vector(1, 2), bias: vector(1, 2) })).toThrow(invalid)
    const short = { ...filter, values: new Float32Array(1) }
    expect(() => graph.conv2d('c', x, { filter: short, bias: vector(1, 1) })).toThrow(invalid)
    expect(() => graph.conv2d('d', x, { filter, bias: vector(1, 1), prelu: vector(1) })).toThrow(invalid)
    expect(() => graph.input('x', [1])).toThrow(/called "x"/)
  })

  test('names the weight that is missing', () => {
    const { 'rnet/prelu3_alpha': _, ...rest } = weights
    expect(() => buildMtcnn('rnet', rest, 'x.bin')).toThrow(/"rnet\/prelu3_alpha" is missing/)
  })
})
