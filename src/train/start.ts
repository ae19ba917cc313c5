import type { Engine } from '../backends/index.ts'
import type { VectorMatrix } from '../metrics.ts'
import { embedSamples } from './embed.ts'
import { head } from './head.ts'
import type { Samples } from './samples.ts'
import type { NamedWeight } from './trainable.ts'
import { heldOutScore } from './validation.ts'
import { covarianceWithin, whitenBy } from './whitening.ts'

/** Options of {@link chooseStart}. */
export interface ChooseStartOptions {
  readonly engine: Engine
  /** Embeddings of the people that are learned from. */
  readonly samples: Samples
  /** Embeddings of others, on which the start is chosen. */
  readonly heldOut: Samples
  /** The mean embedding that the embedder subtracts by its manifest, as for `head`. */
  readonly centre?: ArrayLike<number>
  /** What is tried beside the identity; 0.3, 1, 3, 10 and 30 by default. */
  readonly shrinkages?: readonly number[]
  /** As for `train`; `heldOutScore` by default. */
  readonly score?: (embeddings: VectorMatrix, people: readonly string[]) => number
}

/** What {@link chooseStart} chose. */
export interface ChosenStart {
  /** For `head`; absent where the identity was best. */
  readonly from?: readonly NamedWeight[]
  /** That of {@link from}. */
  readonly shrinkage?: number
  readonly score: number
}

const SHRINKAGES = [0.3, 1, 3, 10, 30] as const

/**
 * What a head had best begin with: the identity, or a whitening (`whitenWithin`) of one of several shrinkages, whichever tells
 * held-out people apart best. Few people say little of how pictures of one person differ, and ask for more shrinkage; this finds out.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` as `whitenWithin`.
 */
export async function chooseStart(options: ChooseStartOptions): Promise<ChosenStart> {
  const { engine, samples, heldOut, centre, shrinkages = SHRINKAGES, score = heldOutScore } = options
  const [dimension] = samples.shape
  const scoreOf = async (from?: readonly NamedWeight[]): Promise<number> => {
    const network = head({ dimension, centre, from })
    return score(await embedSamples(engine, network, network.start([dimension], 1), heldOut), heldOut.people)
  }
  let best: ChosenStart = { score: await scoreOf() }
  const covariance = covarianceWithin(samples)
  for (const shrinkage of shrinkages) {
    const from = whitenBy(covariance, { centre, shrinkage })
    const found = await scoreOf(from)
    if (found > best.score) best = { from, shrinkage, score: found }
  }
  return best
}
