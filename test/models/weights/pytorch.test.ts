import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as converter from '@tensorflow/tfjs-converter'
import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { startBackend } from '../../../src/backends/index.ts'
import type { Weight, WeightMap } from '../../../src/models/graph.ts'
import { buildInceptionResnetV1 } from '../../../src/models/networks/inception-resnet-v1.ts'
import { FACENET_LAYERS } from '../../../src/models/weights/facenet-layers.ts'
import { fromFacenetPytorch } from '../../../src/models/weights/facenet-pytorch.ts'
import { readNpy } from '../../../src/models/weights/npy.ts'
import { readStateDict } from '../../../src/models/weights/torch.ts'
import { failure } from './failure.ts'
import { runInceptionResnet } from './inception-resnet.ts'

/**
 * Against files and results that PyTorch has just made: `npm run test:torch` installs PyTorch, runs `scripts/torch-reference.py` and then
 * this. Everything here is skipped without.
 */
const reference = process.env.FACEWISE_TORCH_REFERENCE
const file = (name: string): Uint8Array => readFileSync(join(reference!, name))

const largest = (values: Iterable<number>): number => {
  let most = 0
  for (const value of values) most = Math.max(most, Math.abs(value))
  return most
}

describe.skipIf(!reference)('files of the installed PyTorch', () => {
  test.each(['small', 'checkpoint'])('%s.pt is read to the bit', name => {
    const { tensors } = JSON.parse(new TextDecoder().decode(file(`${name}.json`))) as {
      tensors: Record<string, { shape: number[]; values: (number | string)[] }>
    }
    const state = readStateDict(file(`${name}.pt`))
    expect(Object.keys(state)).toEqual(Object.keys(tensors))
    for (const [key, { shape, values }] of Object.entries(tensors)) {
      expect([key, state[key].shape]).toEqual([key, shape])
      const written = Array.from(state[key].values, v =>
        Number.isFinite(v) ? v : String(v).replace('Infinity', 'inf'),
      )
      expect([key, written]).toEqual([key, values])
    }
  })

  test.each(['legacy.pt', 'module.pt', 'script.pt'])('%s is refused', name => {
    failure(() => readStateDict(file(name)))
  })
})

describe.skipIf(!reference)('FaceNet with random weights', () => {
  let state: Record<string, Weight>
  let weights: WeightMap
  let x: tf.Tensor4D
  let expected: Weight
  beforeAll(async () => {
    await startBackend({ prefer: 'wasm' })
    state = readStateDict(file('facenet.pt'))
    weights = fromFacenetPytorch(state)
    const input = readNpy(file('input.npy'))
    x = tf.tensor4d(input.values, input.shape as [number, number, number, number])
    expected = readNpy(file('embedding.npy'))
    expect(expected.shape).toEqual([2, 512])
  })

  test('is read whole', () => {
    // 111 convolutions and the dense layer: a kernel, and five tensors of the norm; 21 projections and the classifier: kernel and bias.
    expect(Object.keys(state)).toHaveLength((111 + 1) * 6 + (21 + 1) * 2)
    expect(Object.keys(weights)).toHaveLength(266)
  })

  test('gives, layer by layer, what PyTorch gives', () => {
    const layers = readStateDict(file('layers.pt'))
    expect(Object.keys(layers)).toHaveLength(2 * FACENET_LAYERS.length)
    let worst = 0
    for (const { name, torch, inputs, outputs } of FACENET_LAYERS) {
      const kernel = weights[`${name}/kernel`].values
      const bias = weights[`${name}/bias`].values
      const { values } = layers[`${torch}/input`]
      const result = layers[`${torch}/output`].values
      expect(result).toHaveLength(outputs)
      const positions = values.length / inputs
      const difference = result.map((wanted, output) => {
        let sum = bias[output]
        for (let i = 0; i < inputs; i++) {
          for (let p = 0; p < positions; p++)
            sum += values[i * positions + p] * kernel[(p * inputs + i) * outputs + output]
        }
        return sum - wanted
      })
      const share = largest(difference) / largest(result)
      worst = Math.max(worst, share)
      expect(share, name).toBeLessThan(1e-5)
    }
    console.log(`largest difference of a layer: ${worst.toExponential(1)} of its largest output`)
  })

  /** How far embeddings are from PyTorch's, which are of length 1. */
  async function compare(actual: tf.Tensor): Promise<void> {
    expect(actual.shape).toEqual([2, 512])
    const unit = tf.div(actual, tf.norm(actual, 2, 1, true))
    const values = await unit.data()
    const difference = largest(values.map((v, i) => v - expected.values[i]))
    console.log(`largest difference of an embedding: ${difference.toExponential(1)}`)
    expect(difference).toBeLessThan(1e-5)
    // The comparison means something: the two inputs do not give the same.
    expect(largest(values.subarray(0, 512).map((v, i) => v - values[512 + i]))).toBeGreaterThan(1e-3)
  }

  test('gives PyTorch’s embeddings, operation by operation', async () => {
    await compare(runInceptionResnet(tf, weights, x))
  })

  test('gives PyTorch’s embeddings as a graph model', async () => {
    const { model, weights: files } = buildInceptionResnetV1(weights, 'facenet.bin', 'float32')
    const graph = await converter.loadGraphModel(
      tf.io.fromMemory({
        modelTopology: model.modelTopology,
        weightSpecs: model.weightsManifest.flatMap(group => group.weights),
        weightData: Uint8Array.from(Buffer.concat(files.map(file => file.bytes))).buffer,
      }),
    )
    await compare(graph.execute(x) as tf.Tensor)
    graph.dispose()
  })
})
