import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { startBackend } from '../../../src/backends/index.ts'
import type { Weight, WeightMap } from '../../../src/models/graph.ts'
import { FACENET_LAYERS, type FaceNetLayer } from '../../../src/models/weights/facenet-layers.ts'
import { fromNpyFolder } from '../../../src/models/weights/facenet-npy.ts'
import { fromFacenetPytorch } from '../../../src/models/weights/facenet-pytorch.ts'
import { readNpy } from '../../../src/models/weights/npy.ts'
import { developmentData } from '../../data.ts'
import { random } from '../../random.ts'
import { failure } from './failure.ts'
import { runInceptionResnet } from './inception-resnet.ts'

const { float, integer } = random(9)

function tensor(shape: readonly number[], low = -1, high = 1): Weight {
  const values = new Float32Array(shape.reduce((a, b) => a * b, 1))
  // Whole tensors of random numbers take seconds; every 97th shows a wrong index as well.
  const fill = float(low, high)
  for (let i = 0; i < values.length; i++) values[i] = i % 97 === 0 ? float(low, high) : fill
  return { shape, values }
}

/** A state_dict of facenet-pytorch's `InceptionResnetV1`, with numbers of our own. */
function stateDict(): Record<string, Weight> {
  const state: Record<string, Weight> = { 'logits.weight': tensor([7, 512]), 'logits.bias': tensor([7]) }
  const norm = (name: string, channels: number): void => {
    state[`${name}.weight`] = tensor([channels], 0.5, 1.5)
    state[`${name}.bias`] = tensor([channels])
    state[`${name}.running_mean`] = tensor([channels])
    state[`${name}.running_var`] = tensor([channels], 0.1, 2)
    state[`${name}.num_batches_tracked`] = { shape: [], values: Float32Array.of(3) }
  }
  for (const { torch, size, inputs, outputs, scale } of FACENET_LAYERS) {
    if (!size) {
      state[`${torch}.weight`] = tensor([outputs, inputs])
      norm('last_bn', outputs)
    } else if (scale === undefined) {
      state[`${torch}.conv.weight`] = tensor([outputs, inputs, ...size])
      norm(`${torch}.bn`, outputs)
    } else {
      state[`${torch}.weight`] = tensor([outputs, inputs, ...size])
      state[`${torch}.bias`] = tensor([outputs])
    }
  }
  return state
}

const layer = (name: string): FaceNetLayer => FACENET_LAYERS.find(l => l.name === name)!

describe('the layers', () => {
  test('are the 132 convolutions and the dense layer of the network, once each', () => {
    expect(FACENET_LAYERS).toHaveLength(133)
    expect(new Set(FACENET_LAYERS.map(l => l.name)).size).toBe(133)
    expect(new Set(FACENET_LAYERS.map(l => l.torch)).size).toBe(133)
    // As the published network counts, without its classifier: one number a weight and one a bias.
    const numbers = FACENET_LAYERS.map(l => l.outputs * (l.inputs * (l.size?.[0] ?? 1) * (l.size?.[1] ?? 1) + 1))
    expect(numbers.reduce((a, b) => a + b)).toBe(23_467_824)
  })

  test('have the names of both families', () => {
    expect(layer('Conv2d_4b_3x3')).toMatchObject({ torch: 'conv2d_4b', inputs: 192, outputs: 256 })
    expect(layer('Block35_1_Branch_0_Conv2d_1x1')).toMatchObject({ torch: 'repeat_1.0.branch0', inputs: 256 })
    expect(layer('Block35_5_Branch_2_Conv2d_0c_3x3')).toMatchObject({ torch: 'repeat_1.4.branch2.2', inputs: 32 })
    expect(layer('Block35_2_Conv2d_1x1')).toMatchObject({ torch: 'repeat_1.1.conv2d', inputs: 96, scale: 0.17 })
    expect(layer('Mixed_6a_Branch_0_Conv2d_1a_3x3')).toMatchObject({ torch: 'mixed_6a.branch0', outputs: 384 })
    expect(layer('Block17_10_Branch_1_Conv2d_0b_1x7')).toMatchObject({ torch: 'repeat_2.9.branch1.1', size: [1, 7] })
    expect(layer('Block17_10_Conv2d_1x1')).toMatchObject({ inputs: 256, outputs: 896, scale: 0.1 })
    expect(layer('Mixed_7a_Branch_2_Conv2d_1a_3x3')).toMatchObject({ torch: 'mixed_7a.branch2.2', outputs: 256 })
    expect(layer('Block8_5_Conv2d_1x1')).toMatchObject({ torch: 'repeat_3.4.conv2d', scale: 0.2 })
    expect(layer('Block8_6_Branch_1_Conv2d_0c_3x1')).toMatchObject({ torch: 'block8.branch1.2', size: [3, 1] })
    expect(layer('Block8_6_Conv2d_1x1')).toMatchObject({ torch: 'block8.conv2d', scale: 1 })
    expect(layer('Bottleneck')).toMatchObject({ torch: 'last_linear', inputs: 1792, outputs: 512 })
  })
})

describe('a state_dict of facenet-pytorch', () => {
  let state: Record<string, Weight>
  let weights: WeightMap
  beforeAll(() => {
    state = stateDict()
    weights = fromFacenetPytorch(state)
  })

  /** What PyTorch computes from some inputs at one position, by the definitions, for one output. */
  function direct({ torch, size, inputs, scale }: FaceNetLayer, x: Float64Array, output: number): number {
    const [height, width] = size ?? [1, 1]
    const value = (key: string, index: number): number => state[key].values[index]
    let sum = 0
    const kernel = size && scale === undefined ? `${torch}.conv.weight` : `${torch}.weight`
    for (let i = 0; i < inputs; i++) {
      for (let row = 0; row < height; row++) {
        for (let column = 0; column < width; column++) {
          const at = (row * width + column) * inputs + i
          sum += x[at] * value(kernel, ((output * inputs + i) * height + row) * width + column)
        }
      }
    }
    if (scale !== undefined) return (sum + value(`${torch}.bias`, output)) * scale
    const norm = size ? `${torch}.bn` : 'last_bn'
    const deviation = Math.sqrt(value(`${norm}.running_var`, output) + 1e-3)
    const normal = (sum - value(`${norm}.running_mean`, output)) / deviation
    return normal * value(`${norm}.weight`, output) + value(`${norm}.bias`, output)
  }

  test.each(FACENET_LAYERS)('$name: kernel and bias do what layer and batch norm did', layer => {
    const kernel = weights[`${layer.name}/kernel`]
    const bias = weights[`${layer.name}/bias`]
    expect(kernel.shape).toEqual([...(layer.size ?? []), layer.inputs, layer.outputs])
    expect(bias.shape).toEqual([layer.outputs])
    const x = Float64Array.from({ length: kernel.values.length / layer.outputs }, () => float(-1, 1))
    for (const output of [0, layer.outputs - 1, integer(0, layer.outputs - 1)]) {
      const folded = x.reduce((sum, v, i) => sum + v * kernel.values[i * layer.outputs + output], bias.values[output])
      const expected = direct(layer, x, output)
      // Sums of thousands of float32 weights.
      expect(Math.abs(folded - expected)).toBeLessThan(1e-5 * Math.sqrt(x.length) + 1e-6 * Math.abs(expected))
    }
  })

  test('gives the layers and nothing else', () => {
    expect(Object.keys(weights)).toEqual(FACENET_LAYERS.flatMap(({ name }) => [`${name}/kernel`, `${name}/bias`]))
  })

  test('may come from DataParallel', () => {
    const wrapped = Object.fromEntries(Object.entries(state).map(([key, value]) => [`module.${key}`, value]))
    const parallel = fromFacenetPytorch(wrapped)
    const [ours, theirs] = [weights, parallel].map(w => Buffer.from(w['Bottleneck/kernel'].values.buffer))
    expect(theirs.equals(ours)).toBe(true)
    expect(Object.keys(parallel)).toEqual(Object.keys(weights))
  })

  test.each([
    'conv2d_1a.conv.weight',
    'conv2d_1a.bn.running_var',
    'repeat_1.0.conv2d.bias',
    'last_linear.weight',
    'last_bn.running_mean',
  ])('without %s is refused', key => {
    const { [key]: _, ...rest } = state
    expect(failure(() => fromFacenetPytorch(rest))).toContain(`"${key}" is missing`)
  })

  test.each(['conv2d_1a.conv.weight', 'conv2d_1a.bn.running_var', 'repeat_1.0.conv2d.bias'])(
    'with %s of another shape is refused',
    key => {
      const { shape, values } = state[key]
      const other = { ...state, [key]: { shape: [...shape, 1], values } }
      expect(failure(() => fromFacenetPytorch(other))).toContain(`"${key}" is of shape [${shape},1]`)
      const short = { ...state, [key]: { shape, values: values.subarray(1) } }
      expect(failure(() => fromFacenetPytorch(short))).toContain(`[${shape}] with ${values.length - 1} numbers`)
    },
  )

  test('of another network is refused', () => {
    expect(failure(() => fromFacenetPytorch({}))).toContain('"conv2d_1a.conv.weight" is missing')
    const wide = { ...state, 'last_linear.weight': tensor([128, 1792]) }
    expect(failure(() => fromFacenetPytorch(wide))).toContain('wants it of shape [512,1792]')
  })

  test.each([
    ['mixed_7a.branch1.1.bn.running_var', -0.5, 'The kernel of "mixed_7a.branch1.1"'],
    ['repeat_3.0.conv2d.bias', Number.NaN, 'The bias of "repeat_3.0.conv2d"'],
  ])('with %s of %d is refused', (key, value, message) => {
    const damaged = { shape: state[key].shape, values: state[key].values.slice() }
    damaged.values[5] = value
    expect(failure(() => fromFacenetPytorch({ ...state, [key]: damaged }))).toContain(message)
  })
})

describe.skipIf(!developmentData)('the published folder', () => {
  const folder = join(developmentData ?? '', 'models', 'facenet-512')
  let files: Record<string, Weight>
  let weights: WeightMap
  beforeAll(() => {
    const { files: list } = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as {
      files: { name: string; shape: number[] }[]
    }
    expect(list).toHaveLength(266)
    files = Object.fromEntries(list.map(({ name }) => [name, readNpy(readFileSync(join(folder, name)))]))
    for (const { name, shape } of list) expect([name, files[name].shape]).toEqual([name, shape])
    weights = fromNpyFolder(files)
  })

  test('has the same weights as any other file of the network', () => {
    expect(Object.keys(weights)).toEqual(FACENET_LAYERS.flatMap(({ name }) => [`${name}/kernel`, `${name}/bias`]))
    for (const { name, size, inputs, outputs } of FACENET_LAYERS) {
      expect(weights[`${name}/kernel`].shape).toEqual([...(size ?? []), inputs, outputs])
      expect(weights[`${name}/bias`].shape).toEqual([outputs])
    }
  })

  test('is OHWI, and comes as HWIO', () => {
    for (const [name, size] of [
      ['Conv2d_1a_3x3', [3, 3]],
      ['Block17_3_Branch_1_Conv2d_0c_7x1', [7, 1]],
      ['Mixed_7a_Branch_2_Conv2d_0b_3x3', [3, 3]],
    ] as const) {
      const from = files[`${name}_kernel.npy`]
      const to = weights[`${name}/kernel`]
      const [outputs, height, width, inputs] = from.shape
      expect([height, width]).toEqual(size)
      for (let i = 0; i < 200; i++) {
        const [o, h, w, c] = [outputs, height, width, inputs].map(count => integer(0, count - 1))
        const expected = from.values[((o * height + h) * width + w) * inputs + c]
        expect(to.values[((h * width + w) * inputs + c) * outputs + o]).toBe(expected)
      }
    }
    const { values } = weights['Bottleneck/kernel']
    expect(values[1791 * 512 + 3]).toBe(files['Bottleneck_kernel_transpose.npy'].values[3 * 1792 + 1791])
  })

  test('gives the published embedding', async () => {
    const { raw } = JSON.parse(readFileSync(join(folder, 'reference.json'), 'utf8')) as { raw: { embedding: number[] } }
    await startBackend({ prefer: 'wasm' })
    const planes = tf.reshape(tf.linspace(-1, 1, 3 * 160 * 160), [1, 3, 160, 160])
    const embedding = runInceptionResnet(tf, weights, tf.transpose(planes, [0, 2, 3, 1]) as tf.Tensor4D)
    const values = await embedding.data()
    expect(raw.embedding).toHaveLength(512)
    const differences = raw.embedding.map((wanted, i) => Math.abs(wanted - values[i]))
    // What float16 files leave of float32 ones.
    expect(Math.max(...differences)).toBeLessThan(3e-4)
  })

  test.each(['Conv2d_3b_1x1_Conv2D_bias.npy', 'Block8_6_Conv2d_1x1_kernel.npy', 'Bottleneck_MatMul_bias.npy'])(
    'without %s is refused',
    name => {
      const { [name]: _, ...rest } = files
      expect(failure(() => fromNpyFolder(rest))).toContain(`"${name}" is missing`)
    },
  )
})
