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
  const weightData = Uint8Array.from(bytes.flatMap(file => [...file.bytes])).buffer
  return converter.loadGraphModel(tf.io.fromMemory({ format, modelTopology, weightSpecs, weightData }))
}

function readPackaged(network: MtcnnNetwork): GraphModelFiles {
  const model = JSON.parse(readFileSync(`${folder}${network}.graph.json`, 'utf8')) as GraphModelJson
  return { model, weights: [{ path: `${network}.bin`, bytes: readFileSync(`${folder}${network}.bin`) }] }
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
    expect(full.weights[0].bytes.length - half.weights[0].bytes.length).toBe(saved)
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

  /** A graph's output for numbers from -1 to 1 in the shape of its input. */
  async function run(graph: GraphBuilder, shape: [number, number, number, number]): Promise<[tf.Tensor4D, tf.Tensor]> {
    const model = await load(graph.build('w.bin'))
    const { float } = random(6)
    const x = tf.tensor4d(
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => float(-1, 1)),
      shape,
    )
    const y = model.execute(x) as tf.Tensor
    model.dispose()
    return [x, y]
  }
  const weight = (...shape: number[]): Weight => {
    const { float } = random(shape.length + shape[0])
    return { shape, values: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => float(-1, 1)) }
  }
  const tensor = ({ shape, values }: Weight): tf.Tensor => tf.tensor(values, [...shape])
  function expectEqual(actual: tf.Tensor, expected: tf.Tensor): void {
    expect(actual.shape).toEqual(expected.shape)
    const [a, e] = [actual.dataSync(), expected.dataSync()]
    expect(Math.max(...a.map((value, i) => Math.abs(value - e[i])))).toBeLessThan(1e-5)
    expect(Math.max(...e) - Math.min(...e)).toBeGreaterThan(0.1)
  }

  test.each([
    [[3, 3], 2, 'valid'],
    [[1, 7], 1, 'same'],
    [[7, 1], 1, 'same'],
    [[2, 3], 2, 'same'],
  ] as const)('a convolution of %j, stride %d, %s, with ReLU', async ([height, width], stride, padding) => {
    const graph = new GraphBuilder()
    const options = {
      filter: weight(height, width, 3, 4),
      bias: weight(4),
      activation: 'relu',
      stride,
      padding,
    } as const
    graph.output('y', graph.conv2d('conv', graph.input('x', [-1, -1, -1, 3]), options))
    const [x, y] = await run(graph, [2, 9, 10, 3])
    const sums = tf.conv2d(x, tensor(options.filter) as tf.Tensor4D, stride, padding)
    expectEqual(y, tf.relu(tf.add(sums, tensor(options.bias))))
  })

  test('a residual sum, a concatenation, zeros beside a map, means and lengths', async () => {
    const graph = new GraphBuilder()
    const x = graph.input('x', [-1, -1, -1, 3])
    const pooled = graph.avgPool('pool', x, 2, 2, 'valid')
    const filter = weight(1, 1, 3, 3)
    const other = graph.conv2d('conv', pooled, { filter, bias: weight(3) })
    const sum = graph.sum('sum', pooled, other, 'relu')
    const plain = graph.sum('plain', pooled, other)
    const joined = graph.concat('joined', [sum, plain, pooled])
    const padded = graph.pad('padded', joined, { rows: 2, columns: 1, channels: 3 })
    const means = graph.mean('means', padded)
    const kernel = weight(12, 5)
    const dense = graph.dense('dense', means, { kernel, bias: weight(5), activation: 'relu' })
    const second = graph.dense('second', dense, { kernel: weight(5, 6), activation: 'relu' })
    const third = graph.dense('third', second, { kernel: weight(6, 4) })
    graph.output('y', graph.normalise('unit', third))
    const [input, y] = await run(graph, [2, 7, 9, 3])

    const a = tf.avgPool(input, 2, 2, 'valid')
    const b = tf.add(tf.conv2d(a, tensor(filter) as tf.Tensor4D, 1, 'valid'), tensor(weight(3)))
    const all = tf.concat([tf.relu(tf.add(a, b)), tf.add(a, b), a], 3)
    const wide = tf.pad(all, [
      [0, 0],
      [0, 2],
      [0, 1],
      [0, 3],
    ])
    const m = tf.mean(wide, [1, 2]) as tf.Tensor2D
    const d = tf.relu(tf.add(tf.matMul(m, tensor(kernel) as tf.Tensor2D), tensor(weight(5)))) as tf.Tensor2D
    const e = tf.relu(tf.matMul(d, tensor(weight(5, 6)) as tf.Tensor2D)) as tf.Tensor2D
    const f = tf.matMul(e, tensor(weight(6, 4)) as tf.Tensor2D)
    expectEqual(y, tf.div(f, tf.norm(f, 2, 1, true)))
  })

  test('a row of zeros keeps its length', async () => {
    const graph = new GraphBuilder()
    const bias: Weight = { shape: [2], values: new Float32Array(2) }
    const zeros = graph.dense('d', graph.mean('m', graph.input('x', [-1, -1, -1, 3])), {
      kernel: { shape: [3, 2], values: new Float32Array(6) },
      bias,
    })
    graph.output('y', graph.normalise('unit', zeros))
    const [, y] = await run(graph, [1, 2, 2, 3])
    expect([...y.dataSync()]).toEqual([0, 0])
  })

  test('kernels as bytes: each output channel uses all 255 of them, however small it is', async () => {
    const sizes = [1, 1e-3, 50, 0]
    const kernel = weight(3, 3, 8, 4)
    kernel.values.forEach((value, i) => {
      kernel.values[i] = value * sizes[i % 4]
    })
    const graph = new GraphBuilder()
    const x = graph.input('x', [-1, -1, -1, 8])
    graph.output('y', graph.conv2d('conv', x, { filter: kernel, bias: vector(0, 0, 0, 0), store: 'uint8' }))
    const { model: json, weights: files } = graph.build('w.bin')
    const [stored] = json.weightsManifest[0].weights
    expect(stored).toMatchObject({ name: 'conv/kernel/stored', quantization: { dtype: 'uint8', min: -1 } })
    expect(files[0].bytes.length).toBe(288 + 4 * 4 + 4 * 4)
    // Through the graph: each tap of each channel by a one at its place.
    const model = await load({ model: json, weights: files })
    const ones = tf.reshape(tf.eye(72), [72, 3, 3, 8]) as tf.Tensor4D
    const read = (model.execute(ones) as tf.Tensor).dataSync()
    model.dispose()
    const carried = [0, 0, 0, 0]
    kernel.values.forEach((value, i) => {
      const largest = sizes[i % 4]
      // Half a step of rounding, and at most as much that was carried on.
      expect(Math.abs(read[i] - value)).toBeLessThanOrEqual((1.001 * largest) / 127)
      carried[i % 4] += read[i] - value
    })
    // The errors of a channel add up to less than one step.
    carried.forEach((error, c) => {
      expect(Math.abs(error)).toBeLessThanOrEqual(sizes[c] / 127)
    })
  })

  test('weights over 4 MiB are split into files, with no number lost', async () => {
    const graph = new GraphBuilder()
    const kernel = weight(3, 1_500_000)
    graph.output('y', graph.dense('d', graph.mean('m', graph.input('x', [-1, -1, -1, 3])), { kernel }))
    const { model: json, weights: files } = graph.build('big.bin')
    expect(files.map(file => [file.path, file.bytes.length])).toEqual([
      ['big.1of5.bin', 4_194_304],
      ['big.2of5.bin', 4_194_304],
      ['big.3of5.bin', 4_194_304],
      ['big.4of5.bin', 4_194_304],
      ['big.5of5.bin', 18_000_000 + 8 - 4 * 4_194_304],
    ])
    expect(json.weightsManifest[0].paths).toEqual(files.map(file => file.path))
    const whole = Buffer.concat(files.map(file => file.bytes))
    const axes = json.weightsManifest[0].weights.findIndex(spec => spec.name === 'm/axes')
    expect(axes).toBe(0)
    expect(whole.subarray(8).equals(Buffer.from(kernel.values.buffer))).toBe(true)
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
    const kernel = weight(2, 3)
    expect(() => graph.dense('e', x, { kernel, bias: weight(2) })).toThrow(invalid)
    expect(() => graph.dense('f', x, { kernel, factors: weight(2) })).toThrow(invalid)
    expect(() => graph.dense('g', x, { kernel: filter })).toThrow(invalid)
    expect(() =>
      graph.dense('h', x, { kernel: { ...kernel, values: kernel.values.fill(Number.NaN) }, store: 'uint8' }),
    ).toThrow(invalid)
    expect(() => graph.input('x', [1])).toThrow(/called "x"/)
  })

  test('names the weight that is missing', () => {
    const { 'rnet/prelu3_alpha': _, ...rest } = weights
    expect(() => buildMtcnn('rnet', rest, 'x.bin')).toThrow(/"rnet\/prelu3_alpha" is missing/)
  })
})
