import type { Tensor2D } from '@tensorflow/tfjs-core'
import { FacewiseError } from '../errors.ts'
import type { GraphBuilder, NodeRef, Weight } from '../models/graph.ts'
import { product, productOfInput } from './product.ts'
import { normal, randomFrom } from './random.ts'
import { type NamedWeight, type Trainable, unitRows } from './trainable.ts'

/** What is learned over embeddings that stay as they are: a matrix, or a matrix beside a layer of ReLU. */
export type HeadKind = 'linear' | 'mlp'

/** All {@link HeadKind}s. */
export const HEADS: readonly HeadKind[] = ['linear', 'mlp']

/** Options of {@link head}. */
export interface HeadOptions {
  /** `linear` by default. */
  readonly kind?: HeadKind
  /** Numbers of an embedding, before and after. */
  readonly dimension: number
  /** Units of the hidden layer of `mlp`; `dimension` by default. */
  readonly hidden?: number
  /** The mean embedding that the embedder subtracts by its manifest: the head takes that over, as its first bias. */
  readonly centre?: ArrayLike<number>
  /**
   * How strongly the weights are drawn back to where they began: each step takes back `learningRate * anchor` of the difference, at most all
   * of it; 100 by default, which with Adam's rate of 1e-3 is a tenth. With few people this decides how well a head carries over to others.
   */
  readonly anchor?: number
  /**
   * Weights to begin with, and to be drawn back to, in place of the identity: those of `whitenWithin`, which have taken the mean over
   * already, or of an earlier head. What they lack of an `mlp` begins as it does otherwise.
   */
  readonly from?: readonly NamedWeight[]
}

/**
 * A map over embeddings that begins as the identity unless told otherwise, so that learning can only start from what the embedder knows:
 * - `linear`: x W + b, with W = I;
 * - `mlp`: x W + b + relu(x A + a) B, with B = 0;
 *
 * each divided by its length. Where the embedder has a mean embedding, b begins with its negative: the head does what the embedder did
 * after its network, so the manifest of the new model has no mean.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` for an unknown kind, or sizes that do not fit.
 */
export function head(options: HeadOptions): Trainable {
  const { kind = 'linear', dimension, hidden = dimension, centre, anchor = 100, from = [] } = options
  if (!HEADS.includes(kind)) {
    throw new FacewiseError('INVALID_ARGUMENT', `There is no head "${kind}"; choose among ${HEADS.join(', ')}.`)
  }
  if (
    ![dimension, hidden].every(size => Number.isInteger(size) && size > 0) ||
    !(anchor >= 0 && Number.isFinite(anchor))
  ) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `A head has whole sizes over 0 and an anchor of 0 or more; got ${dimension}, ${hidden}, ${anchor}.`,
    )
  }
  if (centre && centre.length !== dimension) {
    throw new FacewiseError('INVALID_ARGUMENT', `The mean has ${centre.length} numbers, an embedding ${dimension}.`)
  }
  return {
    dimension,
    convolutional: false,
    anchor,
    start(shape, seed) {
      if (shape.length !== 1 || shape[0] !== dimension) {
        throw new FacewiseError(
          'INVALID_ARGUMENT',
          `This head takes embeddings of ${dimension} numbers, not samples of shape [${shape}].`,
        )
      }
      const identity = new Float32Array(dimension * dimension)
      for (let i = 0; i < dimension; i++) identity[i * dimension + i] = 1
      const bias = Float32Array.from({ length: dimension }, (_, i) => (centre ? -centre[i] : 0))
      const weights: NamedWeight[] = [
        { name: 'W', shape: [dimension, dimension], values: identity },
        { name: 'b', shape: [dimension], values: bias },
      ]
      if (kind === 'linear') return begun(weights, from)
      const random = randomFrom(seed, 0x4ead)
      // Embeddings have length one, so this gives units a deviation of about one over the square root of `dimension` (He et al., 2015).
      const first = Float32Array.from({ length: dimension * hidden }, () => normal(random) * Math.sqrt(2 / dimension))
      const bent: NamedWeight[] = [
        { name: 'A', shape: [dimension, hidden], values: first },
        { name: 'a', shape: [hidden], values: new Float32Array(hidden) },
        { name: 'B', shape: [hidden, dimension], values: new Float32Array(hidden * dimension) },
      ]
      return begun([...weights, ...bent], from)
    },
    forward(tf, [W, b, A, a, B], x) {
      const straight = tf.add(productOfInput(tf, x as Tensor2D, W as Tensor2D), b)
      if (kind === 'linear') return unitRows(tf, straight as Tensor2D)
      const units = tf.relu(tf.add(productOfInput(tf, x as Tensor2D, A as Tensor2D), a))
      return unitRows(tf, tf.add(straight, product(tf, units as Tensor2D, B as Tensor2D)) as Tensor2D)
    },
  }
}

/** The weights with those of `from` in their places. */
function begun(weights: readonly NamedWeight[], from: readonly NamedWeight[]): NamedWeight[] {
  for (const { name, shape } of from) {
    const own = weights.find(weight => weight.name === name)
    if (own?.shape.join() === shape.join()) continue
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `This head cannot begin with ${name} of [${shape}]: it has ${weights.map(weight => `${weight.name} of [${weight.shape}]`).join(', ')}.`,
    )
  }
  return weights.map(weight => from.find(({ name }) => name === weight.name) ?? weight)
}

/** The nodes of a trained head after `x`, an embedding of any length. */
export function addHead(graph: GraphBuilder, x: NodeRef, weights: Readonly<Record<string, Weight>>): NodeRef {
  const { W, b, A, a, B } = weights
  const unit = graph.normalise('head/input', x)
  const straight = graph.dense('head/linear', unit, { kernel: W, bias: b })
  if (!A) return graph.normalise('head/embedding', straight)
  const units = graph.dense('head/hidden', unit, { kernel: A, bias: a, activation: 'relu' })
  const bent = graph.dense('head/residual', units, { kernel: B })
  return graph.normalise('head/embedding', graph.sum('head/sum', straight, bent))
}
