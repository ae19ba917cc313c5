/** What an epoch came to. */
export interface EpochRecord {
  /** From 1. */
  readonly epoch: number
  /** Mean over the epoch's batches. */
  readonly loss: number
  /** Triplets (rows, for CosFace) that were selected in the epoch, and how many of them pushed. */
  readonly terms: number
  readonly active: number
  readonly learningRate: number
  /** Mean squared distance of different faces of the last batch, 0 to 4. */
  readonly spread: number
  /** On held-out people after the epoch; higher is better. Absent where nobody was held out. */
  readonly score?: number
}
