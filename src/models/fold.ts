import { FacewiseError } from '../errors.ts'
import type { GraphModelJson, GraphNode } from './graph.ts'
import type { WeightSpec } from './weight.ts'
import { decodeWeight, sizeOf, storedBytes } from './weight-file.ts'

/** A graph whose weights are plain numbers. */
export interface DecodedGraph {
  readonly topology: GraphModelJson['modelTopology']
  readonly specs: WeightSpec[]
  /** All weights, one after the other. */
  readonly data: ArrayBuffer
}

/** A value that is the same in every run. */
type Constant =
  | { readonly kind: 'weight'; readonly spec: WeightSpec; readonly stored: Uint8Array }
  /** `large` and `small` have been put in this order where they came in the other; `small` repeats along the first axes. */
  | { readonly kind: 'product' | 'sum'; readonly shape: number[]; readonly large: Constant; readonly small: Constant }

const FOLDED: Readonly<Record<string, 'product' | 'sum'>> = { Mul: 'product', Add: 'sum', AddV2: 'sum' }
const PLAIN_DTYPES = ['float32', 'int32']
const QUANTISED_DTYPES = ['float16', 'uint8', 'uint16']

const shapeOf = (constant: Constant): number[] => (constant.kind === 'weight' ? constant.spec.shape : constant.shape)
/** The node that an input names: `^name` means "after name", `name:1` its second output. */
const nodeOf = (input: string): string => input.replace(/^\^/, '').replace(/:.*$/, '')

/**
 * Turns stored weights into plain ones, and every sum and product of constants into one constant, so that a run computes what depends on
 * its input and nothing else.
 *
 * @returns nothing for a graph that holds weights of kinds that this library does not write (texts, truth values, weights of functions):
 * TensorFlow.js reads such a one by itself.
 * @throws FacewiseError `MODEL_INVALID` if `data` is not as long as the weights are together.
 */
export function decodeGraph(
  { modelTopology, weightsManifest }: GraphModelJson,
  data: Uint8Array,
): DecodedGraph | undefined {
  const specs = weightsManifest.flatMap(group => group.weights)
  const known = ({ dtype, quantization }: WeightSpec): boolean =>
    quantization ? dtype === 'float32' && QUANTISED_DTYPES.includes(quantization.dtype) : PLAIN_DTYPES.includes(dtype)
  // Weights of functions within the graph have no constants at its top.
  const names = new Set(modelTopology.node.filter(node => node.op === 'Const').map(node => node.name))
  if (!specs.every(spec => known(spec) && names.has(spec.name))) return undefined
  const total = specs.reduce((sum, spec) => sum + storedBytes(spec), 0)
  if (total !== data.length) {
    throw new FacewiseError('MODEL_INVALID', `the weight files hold ${data.length} bytes; the graph wants ${total}`)
  }
  const weights = new Map<string, Constant>()
  let at = 0
  for (const spec of specs) {
    weights.set(spec.name, { kind: 'weight', spec, stored: data.subarray(at, at + storedBytes(spec)) })
    at += storedBytes(spec)
  }
  const { nodes, constants } = fold(modelTopology.node, weights)
  return { topology: { ...modelTopology, node: nodes }, ...compute(constants) }
}

/** The graph with folded nodes as constants, and without those that only they used. */
function fold(
  nodes: readonly GraphNode[],
  weights: ReadonlyMap<string, Constant>,
): { nodes: GraphNode[]; constants: Map<string, Constant> } {
  const values = new Map<string, Constant>()
  const folded = new Set<string>()
  const byName = new Map(nodes.map(node => [node.name, node]))
  const visited = new Set<string>()
  // Nodes need not stand in the order of their use.
  const visit = (node: GraphNode): void => {
    if (visited.has(node.name)) return
    visited.add(node.name)
    const weight = node.op === 'Const' ? weights.get(node.name) : undefined
    if (weight) values.set(node.name, weight)
    const kind = FOLDED[node.op]
    if (!kind || node.input?.length !== 2) return
    for (const input of node.input) {
      const source = byName.get(nodeOf(input))
      if (source) visit(source)
    }
    const [a, b] = node.input.map(input => values.get(input.replace(/:0$/, '')))
    const result = a && b && combine(kind, a, b)
    if (!result) return
    values.set(node.name, result)
    folded.add(node.name)
  }
  nodes.forEach(visit)

  const rest = nodes.filter(node => !folded.has(node.name))
  const used = new Set(rest.flatMap(node => node.input ?? []).map(nodeOf))
  const usedBefore = new Set(nodes.flatMap(node => node.input ?? []).map(nodeOf))
  // What nobody uses is an output of the graph.
  const stays = ({ name }: GraphNode): boolean => used.has(name) || !usedBefore.has(name)
  const constants = new Map<string, Constant>()
  const result: GraphNode[] = []
  for (const node of nodes) {
    const constant = values.get(node.name)
    if (!constant) result.push(node)
    else if (stays(node)) {
      constants.set(node.name, constant)
      result.push(folded.has(node.name) ? constantNode(node.name, shapeOf(constant)) : node)
    }
  }
  return { nodes: result, constants }
}

/** Nothing where the shapes are such that neither repeats the other as a whole. */
function combine(kind: 'product' | 'sum', a: Constant, b: Constant): Constant | undefined {
  if (![a, b].every(c => c.kind !== 'weight' || c.spec.dtype === 'float32')) return undefined
  const [large, small] = sizeOf(shapeOf(a)) >= sizeOf(shapeOf(b)) ? [a, b] : [b, a]
  const shape = shapeOf(large)
  const inner = shapeOf(small).slice(shapeOf(small).findIndex(size => size !== 1))
  const end = sizeOf(shapeOf(small)) === 1 ? [] : inner
  const fits =
    shapeOf(small).length <= shape.length && end.every((size, i) => size === shape[shape.length - end.length + i])
  return fits ? { kind, shape, large, small } : undefined
}

function constantNode(name: string, shape: readonly number[]): GraphNode {
  const tensorShape = { dim: shape.map(size => ({ size: String(size) })) }
  const value = { tensor: { dtype: 'DT_FLOAT', tensorShape } }
  return { name, op: 'Const', attr: { dtype: { type: 'DT_FLOAT' }, value } }
}

function compute(constants: ReadonlyMap<string, Constant>): { specs: WeightSpec[]; data: ArrayBuffer } {
  const count = [...constants.values()].reduce((sum, constant) => sum + sizeOf(shapeOf(constant)), 0)
  const values = new Float32Array(count)
  const specs: WeightSpec[] = []
  let at = 0
  for (const [name, constant] of constants) {
    const shape = shapeOf(constant)
    const size = sizeOf(shape)
    evaluate(constant, values.subarray(at, at + size))
    specs.push({ name, shape, dtype: constant.kind === 'weight' ? constant.spec.dtype : 'float32' })
    at += size
  }
  return { specs, data: values.buffer }
}

function evaluate(constant: Constant, out: Float32Array): void {
  if (constant.kind === 'weight') {
    decodeWeight(constant.spec, constant.stored, out)
    return
  }
  evaluate(constant.large, out)
  const period = sizeOf(shapeOf(constant.small))
  const small = new Float32Array(period)
  evaluate(constant.small, small)
  const product = constant.kind === 'product'
  for (let start = 0; start < out.length; start += period) {
    if (product) for (let i = 0; i < period; i++) out[start + i] *= small[i]
    else for (let i = 0; i < period; i++) out[start + i] += small[i]
  }
}
