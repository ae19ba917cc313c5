import type { Tensor, Tensor2D, Tensor4D, Variable } from '@tensorflow/tfjs-core'
import type { Engine } from '../../src/backends/index.ts'
import type { GraphModelJson, GraphNode } from '../../src/models/graph.ts'
import type { EmbedderManifest, ModelSource } from '../../src/models/index.ts'
import { unitRows } from '../../src/train/trainable.ts'

/** An embedder whose every weight can learn. */
export interface GraphNetwork {
  readonly variables: readonly Variable[]
  /** `[batch, height, width, 3]`, normalised, to `[batch, dimension]`, each row of length one. */
  forward(x: Tensor4D): Tensor2D
}

type Attributes = Readonly<Record<string, { s?: string; b?: boolean; list?: { i?: string[]; s?: string[] } }>>

/**
 * Reads the graph of a model operation by operation: TensorFlow.js' own executor throws away on the way what gradients need. It knows
 * the operations of `dlib-resnet-128`.
 *
 * @throws Error that names an operation that it does not know.
 */
export async function graphNetwork(
  { tf }: Engine,
  { networks: [network] }: EmbedderManifest,
  source: ModelSource,
): Promise<GraphNetwork> {
  const { modelTopology, weightsManifest } = JSON.parse(
    new TextDecoder().decode(await source.read(network.graph.path)),
  ) as GraphModelJson
  const constants = new Map<string, Tensor>()
  for (const { paths, weights } of weightsManifest) {
    const files = await Promise.all(paths.map(path => source.read(path)))
    const bytes = new Uint8Array(await new Blob(files as BlobPart[]).arrayBuffer())
    const found = tf.io.decodeWeights(bytes.buffer, weights as Parameters<typeof tf.io.decodeWeights>[1])
    for (const [name, tensor] of Object.entries(found)) constants.set(name, tensor)
  }
  const nodes = modelTopology.node
  const isConstant = (name: string): boolean => constants.has(name)
  // Kernels are kept small on disk: bytes times a factor for each channel. What learns is the product.
  const learned = new Map<string, Variable>()
  for (const { name, op, input = [] } of nodes) {
    if (op === 'Mul' && input.every(isConstant)) {
      learned.set(name, tf.variable(tf.mul(constants.get(input[0])!, constants.get(input[1])!)))
    }
  }
  for (const { op, input = [] } of nodes) {
    if (op !== '_FusedConv2D' && op !== 'MatMul') continue
    for (const name of input.slice(1)) {
      const constant = constants.get(name)
      if (constant) learned.set(name, tf.variable(constant))
    }
  }
  return {
    variables: [...learned.values()],
    forward(x) {
      const values = new Map<string, Tensor>([...constants, ...learned])
      let last: Tensor = x
      for (const node of nodes) {
        if (values.has(node.name)) continue
        last = run(node, values, x)
        values.set(node.name, last)
      }
      return unitRows(tf, last as Tensor2D)
    },
  }

  function run(node: GraphNode, values: ReadonlyMap<string, Tensor>, x: Tensor4D): Tensor {
    const [a, b, c] = (node.input ?? []).map(name => values.get(name)!)
    const attributes = (node.attr ?? {}) as Attributes
    const text = (key: string): string => atob(attributes[key]?.s ?? '')
    const sides = (key: string): [number, number] => {
      const [, high, wide] = attributes[key].list!.i!.map(Number)
      return [high, wide]
    }
    const padding = (): 'same' | 'valid' => (text('padding') === 'SAME' ? 'same' : 'valid')
    switch (node.op) {
      case 'Placeholder':
        return x
      case 'Identity':
        return a
      case 'Relu':
        return tf.relu(a)
      case 'AddV2':
        return tf.add(a, b)
      case '_FusedConv2D': {
        const fused = attributes.fused_ops.list!.s!.map(atob)
        const convolved = tf.add(tf.conv2d(a as Tensor4D, b as Tensor4D, sides('strides'), padding()), c)
        if (fused.join() === 'BiasAdd') return convolved
        if (fused.join() === 'BiasAdd,Relu') return tf.relu(convolved)
        break
      }
      case 'MaxPool':
        return tf.maxPool(a as Tensor4D, sides('ksize'), sides('strides'), padding())
      case 'AvgPool':
        return tf.avgPool(a as Tensor4D, sides('ksize'), sides('strides'), padding())
      case 'Pad':
        return tf.pad(a, b.arraySync() as [number, number][])
      case 'Mean':
        return tf.mean(a, [...b.dataSync()])
      case 'MatMul':
        return tf.matMul(a as Tensor2D, b as Tensor2D)
    }
    throw new Error(`No gradient is known here for ${node.op} (${node.name}).`)
  }
}
