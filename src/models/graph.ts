import { FacewiseError } from '../errors.ts'

/**
 * Builds a standard TensorFlow.js graph model (`model.json` and one weight file) from named weights.
 *
 * A network is described once, as a function of this builder and a {@link WeightMap}; what comes out is loaded by
 * `tf.loadGraphModel` of any TensorFlow.js program. Only the operations that this library's networks need are here: add one
 * where a new network wants it.
 */

/** A weight by value: row-major numbers and their shape. */
export interface Weight {
  readonly shape: readonly number[]
  readonly values: Float32Array
}

/** The weights of a network by name. */
export type WeightMap = Readonly<Record<string, Weight>>

/** A handle to the output of a node of the graph. */
export interface NodeRef {
  readonly name: string
}

/** How weights are stored in the weight file. */
export type StoredDtype = 'float32' | 'float16'

/** A built model: the JSON part and the bytes of the weights, which {@link GraphModelJson.weightsManifest} describes. */
export interface GraphModelFiles {
  readonly model: GraphModelJson
  readonly weights: Uint8Array
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

/** One weight of a graph model; they lie in the weight file in this order. */
export interface WeightSpec {
  name: string
  shape: number[]
  dtype: 'float32'
  quantization?: { dtype: 'float16'; original_dtype: 'float32' }
}

/** Options of {@link GraphBuilder.conv2d}. */
export interface Conv2dOptions {
  /** Kernel, `[height, width, in, out]`. */
  readonly filter: Weight
  /** One number an output channel. */
  readonly bias: Weight
  /** Slopes of a PReLU after the bias, one an output channel. */
  readonly prelu?: Weight
  /** Step in both directions; 1 by default. */
  readonly stride?: number
  /** `valid` by default. */
  readonly padding?: 'valid' | 'same'
  /** How the kernel is stored; `float32` by default. Biases and slopes are few and stay float32. */
  readonly store?: StoredDtype
}

const text = (value: string): { s: string } => ({ s: btoa(value) })
const integers = (values: readonly number[]): { list: { i: string[] } } => ({ list: { i: values.map(String) } })
const FLOAT = { type: 'DT_FLOAT' }
const shapeOf = (shape: readonly number[]): unknown => ({ dim: shape.map(size => ({ size: String(size) })) })

/** Collects the nodes of one network. Every method returns a handle that the next takes. */
export class GraphBuilder {
  private readonly nodes: GraphNode[] = []
  private readonly weights: { name: string; weight: Weight; dtype: StoredDtype }[] = []
  private readonly names = new Set<string>()

  /** A float32 input; -1 stands for a size that differs from call to call. */
  input(name: string, shape: readonly number[]): NodeRef {
    return this.add({ name, op: 'Placeholder', attr: { dtype: FLOAT, shape: { shape: shapeOf(shape) } } })
  }

  /** Convolution, bias and, where given, PReLU in one fused kernel. */
  conv2d(name: string, x: NodeRef, options: Conv2dOptions): NodeRef {
    const { filter, bias, prelu, stride = 1, padding = 'valid', store = 'float32' } = options
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
    const input = [x.name, this.constant(`${name}/kernel`, filter, store), this.constant(`${name}/bias`, bias)]
    const fused = ['BiasAdd']
    if (prelu) {
      input.push(this.constant(`${name}/alpha`, prelu))
      fused.push('Prelu')
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
        num_args: { i: String(fused.length) },
        epsilon: { f: 0 },
      },
    })
  }

  /** Maximum over `size` x `size`; `same` rounds the output's size up (Caffe's rule), `valid` down. */
  maxPool(name: string, x: NodeRef, size: number, stride: number, padding: 'valid' | 'same'): NodeRef {
    return this.add({
      name,
      op: 'MaxPool',
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

  /** Names `x` as an output of the model. */
  output(name: string, x: NodeRef): NodeRef {
    return this.add({ name, op: 'Identity', input: [x.name], attr: { T: FLOAT } })
  }

  /** The finished model, its weights in one file called `weightFile`. */
  build(weightFile: string): GraphModelFiles {
    const specs = this.weights.map(({ name, weight, dtype }): WeightSpec => {
      const spec: WeightSpec = { name, shape: [...weight.shape], dtype: 'float32' }
      if (dtype === 'float16') spec.quantization = { dtype: 'float16', original_dtype: 'float32' }
      return spec
    })
    return {
      model: {
        format: 'graph-model',
        generatedBy: 'facewise',
        convertedBy: null,
        modelTopology: { node: this.nodes, versions: { producer: 1 } },
        weightsManifest: [{ paths: [weightFile], weights: specs }],
      },
      weights: encodeWeights(this.weights),
    }
  }

  private constant(name: string, weight: Weight, dtype: StoredDtype = 'float32'): string {
    const size = weight.shape.reduce((a, b) => a * b, 1)
    if (size !== weight.values.length) {
      throw new FacewiseError(
        'MODEL_INVALID',
        `Weight "${name}" has ${weight.values.length} numbers; its shape [${weight.shape}] wants ${size}.`,
      )
    }
    this.weights.push({ name, weight, dtype })
    // The loader takes the numbers from the weight file; the node holds type and shape alone.
    const value = { tensor: { dtype: 'DT_FLOAT', tensorShape: shapeOf(weight.shape) } }
    return this.add({ name, op: 'Const', attr: { dtype: FLOAT, value } }).name
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

function encodeWeights(weights: readonly { weight: Weight; dtype: StoredDtype }[]): Uint8Array {
  const size = (dtype: StoredDtype): number => (dtype === 'float16' ? 2 : 4)
  const bytes = new Uint8Array(weights.reduce((sum, w) => sum + w.weight.values.length * size(w.dtype), 0))
  const view = new DataView(bytes.buffer)
  let offset = 0
  for (const { weight, dtype } of weights) {
    for (const value of weight.values) {
      if (dtype === 'float16') view.setUint16(offset, toFloat16(value), true)
      else view.setFloat32(offset, value, true)
      offset += size(dtype)
    }
  }
  return bytes
}

const scratch = new DataView(new ArrayBuffer(4))

/**
 * The IEEE 754 half-precision bits nearest to `value` (ties to even).
 *
 * @throws FacewiseError `MODEL_INVALID` if the value does not fit: a weight that became infinite would be a silent error.
 */
export function toFloat16(value: number): number {
  scratch.setFloat32(0, value)
  const bits = scratch.getUint32(0)
  const sign = (bits >>> 16) & 0x8000
  const exponent = (bits >>> 23) & 0xff
  const mantissa = bits & 0x7fffff
  const unbiased = exponent - 127
  if (exponent === 0xff || Math.abs(Math.fround(value)) >= 65520) {
    throw new FacewiseError(
      'MODEL_INVALID',
      `The weight ${value} does not fit in float16; store this model as float32.`,
    )
  }
  if (unbiased < -25) return sign
  if (unbiased < -14) {
    // Subnormal: the implicit leading one becomes explicit and shifts right.
    return sign | roundShift(mantissa | 0x800000, -unbiased - 1)
  }
  // A carry out of the mantissa runs into the exponent, which is the right result.
  return sign | (((unbiased + 15) << 10) + roundShift(mantissa, 13))
}

/** `value >>> shift`, rounded to nearest with ties to even. */
function roundShift(value: number, shift: number): number {
  const floor = value >>> shift
  const rest = value & ((1 << shift) - 1)
  const half = 1 << (shift - 1)
  return rest > half || (rest === half && (floor & 1) === 1) ? floor + 1 : floor
}
