import { FacewiseError } from '../errors.ts'
import type { QuantisedWeight, StoredDtype, Weight, WeightMap, WeightSpec } from './weight.ts'
import {
  encodeWeights,
  isQuantised,
  quantiseByChannel,
  type StoredWeight,
  sizeOf,
  specOf,
  splitIntoFiles,
  type WeightFile,
} from './weight-file.ts'

export type { QuantisedWeight, StoredDtype, Weight, WeightMap, WeightSpec }

/**
 * Builds a standard TensorFlow.js graph model (`model.json` and weight files) from named weights.
 *
 * A network is described once, as a function of this builder and a {@link WeightMap}; what comes out is loaded by
 * `tf.loadGraphModel` of any TensorFlow.js program. Only the operations that this library's networks need are here: add one
 * where a new network wants it.
 */

/** A handle to the output of a node of the graph. */
export interface NodeRef {
  readonly name: string
}

/** A built model: the JSON part and the weight files, which {@link GraphModelJson.weightsManifest} describes. */
export interface GraphModelFiles {
  readonly model: GraphModelJson
  /** In order; together they hold all weights without gaps. None has more than 4 MiB. */
  readonly weights: readonly WeightFile[]
}

/** The `model.json` of a TensorFlow.js graph model, as far as this library writes and reads it. */
export interface GraphModelJson {
  format: 'graph-model'
  generatedBy: string
  convertedBy: null
  modelTopology: { node: GraphNode[]; versions: { producer: number } }
  weightsManifest: { paths: string[]; weights: WeightSpec[] }[]
}

/** One operation of a graph model. */
export interface GraphNode {
  name: string
  op: string
  input?: string[]
  attr?: Record<string, unknown>
}

/** How a kernel is stored. */
export interface KernelOptions {
  /**
   * `float32` by default. With `uint8`, bytes in one scale are multiplied by a factor for each output channel. The product is a node of
   * the graph, which this library's loader computes once; any other program computes it in each run, with the same result. Biases,
   * slopes and factors are few and stay float32. Without effect on a kernel that comes quantised.
   */
  readonly store?: StoredDtype
  /** What the kernel is multiplied by, one number an output channel; 1 by default. Goes with a kernel that comes quantised. */
  readonly factors?: Weight
}

/** What a convolution or a dense layer does with its sums. */
export type Activation = 'none' | 'relu'

/** Options of {@link GraphBuilder.conv2d}. */
export interface Conv2dOptions extends KernelOptions {
  /** Kernel, `[height, width, in, out]`. */
  readonly filter: Weight | QuantisedWeight
  /** One number an output channel. */
  readonly bias: Weight
  /** After the bias; `none` by default. */
  readonly activation?: Activation
  /** Slopes of a PReLU after the bias, one an output channel. Takes the place of `activation`. */
  readonly prelu?: Weight
  /** Step in both directions; 1 by default. */
  readonly stride?: number
  /** `valid` by default. */
  readonly padding?: 'valid' | 'same'
}

/** Options of {@link GraphBuilder.depthwiseConv2d}. */
export interface DepthwiseConv2dOptions extends KernelOptions {
  /** Kernel, `[height, width, channels, 1]`. */
  readonly filter: Weight | QuantisedWeight
  /** Step in both directions; 1 by default. */
  readonly stride?: number
  /** `valid` by default. */
  readonly padding?: 'valid' | 'same'
}

/** Options of {@link GraphBuilder.dense}. */
export interface DenseOptions extends KernelOptions {
  /** `[in, out]`. */
  readonly kernel: Weight | QuantisedWeight
  /** One number an output; none by default. */
  readonly bias?: Weight
  /** `none` by default. */
  readonly activation?: Activation
}

const text = (value: string): { s: string } => ({ s: btoa(value) })
const integers = (values: readonly number[]): { list: { i: string[] } } => ({ list: { i: values.map(String) } })
const FLOAT = { type: 'DT_FLOAT' }
const INTEGER = { type: 'DT_INT32' }
const shapeOf = (shape: readonly number[]): unknown => ({ dim: shape.map(size => ({ size: String(size) })) })

/** Collects the nodes of one network. Every method returns a handle that the next takes. */
export class GraphBuilder {
  private readonly nodes: GraphNode[] = []
  private readonly weights: StoredWeight[] = []
  private readonly names = new Set<string>()

  /** A float32 input; -1 stands for a size that differs from call to call. */
  input(name: string, shape: readonly number[]): NodeRef {
    return this.add({ name, op: 'Placeholder', attr: { dtype: FLOAT, shape: { shape: shapeOf(shape) } } })
  }

  /** Convolution, bias and, where given, ReLU or PReLU in one fused kernel. */
  conv2d(name: string, x: NodeRef, options: Conv2dOptions): NodeRef {
    const { filter, bias, prelu, activation = 'none', stride = 1, padding = 'valid' } = options
    const channels = filter.shape[3]
    for (const [what, weight] of [
      ['bias', bias],
      ['PReLU', prelu],
    ] as const) {
      if (filter.shape.length === 4 && (!weight || weight.values.length === channels)) continue
      throw new FacewiseError(
        'MODEL_INVALID',
        `Convolution "${name}": a kernel of shape [${filter.shape}] does not fit a ${what} of ${weight?.values.length} numbers.`,
      )
    }
    const input = [x.name, this.kernel(`${name}/kernel`, filter, options), this.constant(`${name}/bias`, bias)]
    const fused = ['BiasAdd']
    if (prelu) {
      input.push(this.constant(`${name}/alpha`, prelu))
      fused.push('Prelu')
    } else if (activation === 'relu') {
      fused.push('Relu')
    }
    return this.add({
      name,
      op: '_FusedConv2D',
      input,
      attr: {
        T: FLOAT,
        data_format: text('NHWC'),
        padding: text(padding.toUpperCase()),
        strides: integers([1, stride, stride, 1]),
        dilations: integers([1, 1, 1, 1]),
        explicit_paddings: integers([]),
        fused_ops: { list: { s: fused.map(btoa) } },
        num_args: { i: String(input.length - 2) },
        epsilon: { f: 0 },
      },
    })
  }

  /** Convolution of each channel by itself, without a bias: the first half of a separable convolution. */
  depthwiseConv2d(name: string, x: NodeRef, options: DepthwiseConv2dOptions): NodeRef {
    const { filter, stride = 1, padding = 'valid' } = options
    if (filter.shape.length !== 4 || filter.shape[3] !== 1) {
      throw new FacewiseError(
        'MODEL_INVALID',
        `Depthwise convolution "${name}": a kernel of shape [${filter.shape}] is not [height, width, channels, 1].`,
      )
    }
    return this.add({
      name,
      op: 'DepthwiseConv2dNative',
      input: [x.name, this.kernel(`${name}/kernel`, filter, options)],
      attr: {
        T: FLOAT,
        data_format: text('NHWC'),
        padding: text(padding.toUpperCase()),
        strides: integers([1, stride, stride, 1]),
        dilations: integers([1, 1, 1, 1]),
        explicit_paddings: integers([]),
      },
    })
  }

  /** Dense layer on `[batch, in]`: matrix product and, where given, bias and ReLU in one fused kernel. */
  dense(name: string, x: NodeRef, options: DenseOptions): NodeRef {
    const { kernel, bias, activation = 'none' } = options
    const outputs = kernel.shape[1]
    if (kernel.shape.length !== 2 || (bias && bias.values.length !== outputs)) {
      throw new FacewiseError(
        'MODEL_INVALID',
        `Dense layer "${name}": a kernel of shape [${kernel.shape}] does not fit a bias of ${bias?.values.length} numbers.`,
      )
    }
    const matrix = this.kernel(`${name}/kernel`, kernel, options)
    const transpose = { transpose_a: { b: false }, transpose_b: { b: false } }
    if (!bias) {
      const product = activation === 'relu' ? `${name}/product` : name
      const sums = this.add({ name: product, op: 'MatMul', input: [x.name, matrix], attr: { T: FLOAT, ...transpose } })
      return activation === 'relu' ? this.operation('Relu', name, [sums]) : sums
    }
    return this.add({
      name,
      op: '_FusedMatMul',
      input: [x.name, matrix, this.constant(`${name}/bias`, bias)],
      attr: {
        T: FLOAT,
        ...transpose,
        fused_ops: { list: { s: (activation === 'relu' ? ['BiasAdd', 'Relu'] : ['BiasAdd']).map(btoa) } },
        num_args: { i: '1' },
        epsilon: { f: 0 },
      },
    })
  }

  /** Maximum over `size` x `size`; `same` rounds the output's size up (Caffe's rule), `valid` down. */
  maxPool(name: string, x: NodeRef, size: number, stride: number, padding: 'valid' | 'same'): NodeRef {
    return this.pool('MaxPool', name, x, size, stride, padding)
  }

  /** Mean over `size` x `size`. With `same`, what lies outside the map does not count. */
  avgPool(name: string, x: NodeRef, size: number, stride: number, padding: 'valid' | 'same'): NodeRef {
    return this.pool('AvgPool', name, x, size, stride, padding)
  }

  /** The sum of two maps of one shape, and ReLU over it where asked for. */
  sum(name: string, a: NodeRef, b: NodeRef, activation: Activation = 'none'): NodeRef {
    const sum = this.operation('AddV2', activation === 'relu' ? `${name}/sum` : name, [a, b])
    return activation === 'relu' ? this.operation('Relu', name, [sum]) : sum
  }

  /** ReLU of a map that is also used without it; where it is not, an `activation` costs nothing. */
  relu(name: string, x: NodeRef): NodeRef {
    return this.operation('Relu', name, [x])
  }

  /** `1 / (1 + exp(-x))` of every number. */
  sigmoid(name: string, x: NodeRef): NodeRef {
    return this.operation('Sigmoid', name, [x])
  }

  /** Along the last axis: positive numbers that sum to 1. */
  softmax(name: string, x: NodeRef): NodeRef {
    return this.operation('Softmax', name, [x])
  }

  /** Each channel times a factor, plus a shift: a batch normalisation that no convolution can take in. */
  affine(name: string, x: NodeRef, factors: Weight, shifts: Weight): NodeRef {
    const product = this.operation('Mul', `${name}/product`, [x, { name: this.constant(`${name}/factors`, factors) }])
    return this.operation('AddV2', name, [product, { name: this.constant(`${name}/shifts`, shifts) }])
  }

  /** Joins maps along their channels; rows (`[batch, n]`) where `rank` is 2. */
  concat(name: string, maps: readonly NodeRef[], rank: 2 | 4 = 4): NodeRef {
    const axis = this.integers(`${name}/axis`, [], [rank - 1])
    return this.add({
      name,
      op: 'ConcatV2',
      input: [...maps.map(map => map.name), axis],
      attr: { T: FLOAT, Tidx: INTEGER, N: { i: String(maps.length) } },
    })
  }

  /** Zeros after the last row, after the last column and after the last channel of a map. */
  pad(name: string, x: NodeRef, { rows = 0, columns = 0, channels = 0 }): NodeRef {
    const paddings = this.integers(`${name}/paddings`, [4, 2], [0, 0, 0, rows, 0, columns, 0, channels])
    return this.add({ name, op: 'Pad', input: [x.name, paddings], attr: { T: FLOAT, Tpaddings: INTEGER } })
  }

  /** The mean over the whole of each channel's map: `[batch, height, width, channels]` to `[batch, channels]`. */
  mean(name: string, x: NodeRef): NodeRef {
    return this.reduction('Mean', name, x, [1, 2], false)
  }

  /** Each row of `[batch, n]` over its Euclidean length. */
  normalise(name: string, x: NodeRef): NodeRef {
    const squares = this.operation('Square', `${name}/squares`, [x])
    const sum = this.reduction('Sum', `${name}/sum`, squares, [1], true)
    // A row of zeros stays one instead of becoming not-a-number.
    const least = { name: this.constant(`${name}/least`, { shape: [], values: Float32Array.of(1e-10) }) }
    const inverse = this.operation('Rsqrt', `${name}/inverse`, [
      this.operation('Maximum', `${name}/positive`, [sum, least]),
    ])
    return this.operation('Mul', name, [x, inverse])
  }

  /** Names `x` as an output of the model. */
  output(name: string, x: NodeRef): NodeRef {
    return this.add({ name, op: 'Identity', input: [x.name], attr: { T: FLOAT } })
  }

  /**
   * The finished model.
   *
   * @param weightFile the name of its weight file, `name.bin`; where the weights are more than a file should hold, they become
   * `name.1of3.bin` and so on.
   */
  build(weightFile: string): GraphModelFiles {
    const weights = splitIntoFiles(weightFile, encodeWeights(this.weights))
    return {
      model: {
        format: 'graph-model',
        generatedBy: 'facewise',
        convertedBy: null,
        modelTopology: { node: this.nodes, versions: { producer: 1 } },
        weightsManifest: [{ paths: weights.map(file => file.path), weights: this.weights.map(specOf) }],
      },
      weights,
    }
  }

  /** The constant `name`, or a product of that name of the two constants that it is stored as. */
  private kernel(name: string, weight: Weight | QuantisedWeight, options: KernelOptions): string {
    const { store = 'float32', factors } = options
    const channels = weight.shape[weight.shape.length - 1]
    if (factors && factors.values.length !== channels) {
      throw new FacewiseError(
        'MODEL_INVALID',
        `The kernel "${name}" of shape [${weight.shape}] does not fit ${factors.values.length} factors.`,
      )
    }
    if (store === 'uint8' && !isQuantised(weight)) {
      this.checkSize(name, weight)
      const split = quantiseByChannel(weight)
      const product = split.factors.values.map((value, c) => value * (factors?.values[c] ?? 1))
      return this.kernel(name, split.quantised, { factors: { shape: [channels], values: product } })
    }
    const dtype = store === 'float16' ? store : 'float32'
    if (!factors) return this.constant(name, weight, dtype)
    const parts = [
      this.constant(`${name}/stored`, weight, dtype),
      this.constant(`${name}/factors`, { shape: [channels], values: factors.values }),
    ]
    return this.operation(
      'Mul',
      name,
      parts.map(part => ({ name: part })),
    ).name
  }

  private constant(name: string, weight: Weight | QuantisedWeight, dtype: StoredWeight['dtype'] = 'float32'): string {
    this.checkSize(name, weight)
    this.weights.push({ name, weight, dtype })
    const type = dtype === 'int32' ? 'DT_INT32' : 'DT_FLOAT'
    // The loader takes the numbers from the weight file; the node holds type and shape alone.
    const value = { tensor: { dtype: type, tensorShape: shapeOf(weight.shape) } }
    return this.add({ name, op: 'Const', attr: { dtype: { type }, value } }).name
  }

  private checkSize(name: string, weight: Weight | QuantisedWeight): void {
    const count = isQuantised(weight) ? weight.bytes.length : weight.values.length
    const size = sizeOf(weight.shape)
    if (size === count) return
    throw new FacewiseError(
      'MODEL_INVALID',
      `Weight "${name}" has ${count} numbers; its shape [${weight.shape}] wants ${size}.`,
    )
  }

  private pool(op: string, name: string, x: NodeRef, size: number, stride: number, padding: 'valid' | 'same'): NodeRef {
    return this.add({
      name,
      op,
      input: [x.name],
      attr: {
        T: FLOAT,
        data_format: text('NHWC'),
        padding: text(padding.toUpperCase()),
        ksize: integers([1, size, size, 1]),
        strides: integers([1, stride, stride, 1]),
      },
    })
  }

  private integers(name: string, shape: readonly number[], values: readonly number[]): string {
    return this.constant(name, { shape, values: Float32Array.from(values) }, 'int32')
  }

  private operation(op: string, name: string, inputs: readonly NodeRef[]): NodeRef {
    return this.add({ name, op, input: inputs.map(input => input.name), attr: { T: FLOAT } })
  }

  private reduction(op: string, name: string, x: NodeRef, axes: readonly number[], keep: boolean): NodeRef {
    const input = [x.name, this.integers(`${name}/axes`, [axes.length], axes)]
    return this.add({ name, op, input, attr: { T: FLOAT, Tidx: INTEGER, keep_dims: { b: keep } } })
  }

  private add(node: GraphNode): NodeRef {
    if (this.names.has(node.name)) {
      throw new FacewiseError('MODEL_INVALID', `Two nodes of the graph are called "${node.name}".`)
    }
    this.names.add(node.name)
    this.nodes.push(node)
    return { name: node.name }
  }
}
