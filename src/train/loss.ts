import type { Scalar, Tensor2D, Variable } from '@tensorflow/tfjs-core'
import type { TensorFlow } from './gradients.ts'
import type { DistanceMatrix } from './selection.ts'

/** A batch whose embeddings are known: what a loss looks at before its gradient is taken. */
export interface EmbeddedBatch {
  /** `[count, dimension]`, each row of length one. */
  readonly embeddings: Tensor2D
  readonly distances: DistanceMatrix
  /** Whose each row is, as a number from 0 to before the number of people of the whole run. */
  readonly labels: Int32Array
}

/** What a batch comes to. */
export interface Judgement {
  /** The loss of the batch. */
  readonly value: number
  /** Triplets that were selected (rows, for a loss without triplets); 0 gives no step. */
  readonly terms: number
  /** How many of these push: triplets within the margin, rows that a wrong person would win. */
  readonly active: number
  /**
   * A scalar whose gradient at `embeddings`, the same numbers computed once more under `variableGrads`, is that of the loss. Its own value
   * says nothing.
   */
  gradientOf(embeddings: Tensor2D): Scalar
}

/** A loss with whatever variables of its own it learns. */
export interface RunningLoss {
  readonly variables: readonly Variable[]
  /** `batch` and its tensors are there until the promise is kept. */
  judge(batch: EmbeddedBatch): Judgement | Promise<Judgement>
  dispose(): void
}

/** A kind of loss; {@link tripletLoss} and {@link cosFaceLoss} make them. */
export interface Loss {
  /** With its settings: a checkpoint of another loss is refused by it. */
  readonly name: string
  /** Starts it for a run on so many people. */
  start(
    tf: TensorFlow,
    how: { readonly people: number; readonly dimension: number; readonly seed: number },
  ): RunningLoss
}
