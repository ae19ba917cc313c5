import { beforeAll, describe, expect, test } from 'vitest'
import { type Engine, startBackend } from '../../src/backends/index.ts'
import { decodeGraph } from '../../src/models/fold.ts'
import { GraphBuilder, type GraphModelFiles, type GraphModelJson, type StoredDtype } from '../../src/models/graph.ts'
import { random } from '../random.ts'

let engine: Engine
beforeAll(async () => {
  engine = await startBackend({ prefer: 'wasm' })
})

const { float } = random(1)
const numbers = (length: number, size = 1): Float32Array => Float32Array.from({ length }, () => float(-size, size))

/** Two convolutions and a dense layer, stored in some way. */
function build(store: StoredDtype): GraphModelFiles {
  const graph = new GraphBuilder()
  const input = graph.input('input', [-1, 8, 8, 3])
  const odd = { shape: [3, 3, 3, 5], values: numbers(135) }
  const a = graph.conv2d('a', input, {
    filter: odd,
    bias: { shape: [5], values: numbers(5) },
    activation: 'relu',
    store,
  })
  const b = graph.conv2d('b', a, {
    filter: {
      shape: [3, 3, 5, 4],
      bytes: Uint8Array.from({ length: 180 }, (_, i) => (i * 37) % 256),
      scale: 0.01,
      min: -1,
    },
    factors: { shape: [4], values: numbers(4) },
    bias: { shape: [4], values: numbers(4) },
  })
  graph.output('out', graph.dense('c', graph.mean('m', b), { kernel: { shape: [4, 7], values: numbers(28) }, store }))
  return graph.build('w.bin')
}

const join = ({ weights }: GraphModelFiles): Uint8Array => Uint8Array.from(weights.flatMap(file => [...file.bytes]))

/** What a graph gives for some input, and the kernels that ran. */
async function run(
  topology: object,
  weightSpecs: GraphModelJson['weightsManifest'][0]['weights'],
  weightData: ArrayBuffer,
): Promise<{ values: Float32Array; kernels: string[] }> {
  const { tf, converter } = engine
  const model = converter.loadGraphModelSync(tf.io.fromMemorySync({ modelTopology: topology, weightSpecs, weightData }))
  const x = tf.tensor4d(
    Float32Array.from({ length: 384 }, (_, i) => Math.sin(i)),
    [2, 8, 8, 3],
  )
  const { kernels } = await tf.profile(() => model.execute(x))
  const values = (await (model.execute(x) as ReturnType<typeof tf.tensor>).data()) as Float32Array
  model.dispose()
  return { values, kernels: kernels.map(kernel => kernel.name) }
}

describe('a graph whose weights are decoded and whose constants are folded', () => {
  test.each(['float32', 'float16', 'uint8'] as const)(
    '%s: the very numbers that TensorFlow.js computes',
    async store => {
      const files = build(store)
      const stored = files.model.weightsManifest[0].weights
      const plain = await run(files.model.modelTopology, stored, Uint8Array.from(join(files)).buffer)
      const { topology, specs, data } = decodeGraph(files.model, join(files))!
      const folded = await run(topology, specs, data)
      expect(folded.values).toEqual(plain.values)
      expect(plain.kernels.filter(name => name === 'Multiply')).toHaveLength(store === 'uint8' ? 3 : 1)
      expect(folded.kernels).not.toContain('Multiply')
      expect(folded.kernels.length).toBe(plain.kernels.filter(name => name !== 'Multiply').length)
      // What only the products used is gone: a constant that nobody uses would be an output.
      expect(topology.node.map(node => node.name).filter(name => /stored|factors/.test(name))).toEqual([])
      expect(specs.every(spec => spec.quantization === undefined)).toBe(true)
    },
  )

  const constant = (name: string): { name: string; op: string } => ({ name, op: 'Const' })
  const spec = (name: string, ...shape: number[]) => ({ name, shape, dtype: 'float32' as const })
  const graph = (
    node: GraphModelJson['modelTopology']['node'],
    weights: GraphModelJson['weightsManifest'][0]['weights'],
  ): GraphModelJson => ({
    format: 'graph-model',
    generatedBy: 'test',
    convertedBy: null,
    modelTopology: { node, versions: { producer: 1 } },
    weightsManifest: [{ paths: ['w.bin'], weights }],
  })
  const bytes = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer)

  test('sums and products of sums, in any order of nodes; what the input reaches stays', () => {
    const json = graph(
      [
        { name: 'y', op: 'Mul', input: ['x', 'product'] },
        { name: 'product', op: 'Mul', input: ['row', 'sum:0'] },
        { name: 'sum', op: 'AddV2', input: ['matrix', 'one'] },
        constant('matrix'),
        constant('row'),
        constant('one'),
        { name: 'x', op: 'Placeholder' },
      ],
      [spec('matrix', 2, 2), spec('row', 1, 2), spec('one')],
    )
    const { topology, specs, data } = decodeGraph(json, bytes(1, 2, 3, 4, 10, 100, 1))!
    expect(topology.node.map(node => node.name)).toEqual(['y', 'product', 'x'])
    expect(specs).toEqual([spec('product', 2, 2)])
    expect([...new Float32Array(data)]).toEqual([20, 300, 40, 500])
  })

  test('a constant that is also used elsewhere, and one that is an output, stay', () => {
    const json = graph(
      [
        constant('a'),
        constant('b'),
        constant('output'),
        { name: 'ab', op: 'Mul', input: ['a', 'b'] },
        { name: 'x', op: 'Placeholder' },
        { name: 'y', op: 'Add', input: ['x', 'a'] },
      ],
      [spec('a', 2), spec('b', 2), spec('output', 1)],
    )
    const { specs, data } = decodeGraph(json, bytes(1, 2, 3, 4, 5))!
    expect(specs.map(({ name }) => name)).toEqual(['a', 'output', 'ab'])
    expect([...new Float32Array(data)]).toEqual([1, 2, 5, 3, 8])
  })

  test('shapes of which neither repeats the other are left to the graph', () => {
    const json = graph(
      [constant('a'), constant('b'), { name: 'ab', op: 'Mul', input: ['a', 'b'] }],
      [spec('a', 2, 1), spec('b', 1, 3)],
    )
    const { topology, specs } = decodeGraph(json, bytes(1, 2, 3, 4, 5))!
    expect(topology.node[2].op).toBe('Mul')
    expect(specs).toHaveLength(2)
  })

  test('16-bit quantised weights, and integers, as they are', () => {
    const json = graph(
      [constant('i'), constant('q')],
      [
        { name: 'i', shape: [1], dtype: 'int32' },
        { name: 'q', shape: [2], dtype: 'float32', quantization: { dtype: 'uint16', scale: 0.5, min: -1 } },
      ],
    )
    const stored = Uint8Array.of(255, 255, 255, 255, 2, 0, 0, 1)
    const { specs, data } = decodeGraph(json, stored)!
    expect(specs.map(({ dtype }) => dtype)).toEqual(['int32', 'float32'])
    expect(new Int32Array(data)[0]).toBe(-1)
    expect([...new Float32Array(data).subarray(1)]).toEqual([0, 127])
  })

  test('a graph with weights of another kind is left as it is', () => {
    const text = { name: 't', shape: [1], dtype: 'string' as 'float32' }
    expect(decodeGraph(graph([constant('t')], [text]), bytes(1))).toBeUndefined()
    expect(decodeGraph(graph([], [spec('inside-a-function', 1)]), bytes(1))).toBeUndefined()
  })

  test.each([7, 9])('%d bytes where the graph wants 8', length => {
    const json = graph([constant('a')], [spec('a', 2)])
    expect(() => decodeGraph(json, new Uint8Array(length))).toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringContaining(`hold ${length} bytes`) }),
    )
  })
})
