import { FacewiseError } from '../errors.ts'
import { distance } from '../metrics.ts'
import type { EmbedderManifest, ThresholdRate } from '../models/manifest.ts'
import { confidence } from './calibration.ts'
import { assertOf, type Embedding } from './embedding.ts'

/** How sure a match has to be: a false match rate that the model's table has, or a distance of one's own. */
export interface VerifyOptions {
  /** Share of pairs of two different people that may pass as one person; 1e-3 by default, or the nearest lower rate of the table. */
  readonly fmr?: number
  /** The largest distance of one person, in the model's metric; takes the place of `fmr`. */
  readonly threshold?: number
}

/** Whether two faces are one person's. */
export interface Verification {
  /** `distance <= threshold`. */
  readonly same: boolean
  readonly distance: number
  readonly metric: 'cosine' | 'euclidean'
  readonly threshold: number
  /** The rate of the table that the threshold is for; absent with a threshold of one's own. */
  readonly fmr?: number
  /** Share of pairs of one person that this threshold rejects, by the same table. */
  readonly fnmr?: number
  /**
   * How likely the two are one person, 0 to 1, if both were as likely before: from the measured distances of both kinds. Absent where
   * the model was not calibrated.
   */
  readonly confidence?: number
  readonly model: string
}

/** The default false match rate: one stranger in a thousand passes. */
export const DEFAULT_FMR = 1e-3

/**
 * Compares two embeddings of one model.
 *
 * @param id what both must be of. @param own whether the model is used as its manifest says, which its table is for.
 * @throws FacewiseError `INVALID_ARGUMENT` for embeddings of another model, or a rate that the table does not reach.
 */
export function verifyEmbeddings(
  a: Embedding,
  b: Embedding,
  manifest: EmbedderManifest,
  id: string,
  own: boolean,
  options: VerifyOptions,
): Verification {
  const { embedding } = manifest
  assertOf(id, embedding.dimension, [a, b])
  const { metric, calibration } = embedding
  const limit = limitFor(manifest, id, own, options)
  const between = distance(a.vector, b.vector, metric)
  return {
    same: between <= limit.threshold,
    distance: between,
    metric,
    ...limit,
    ...(own && calibration && { confidence: confidence(between, calibration) }),
    model: id,
  }
}

/**
 * Up to which distance two faces count as one person's, and what the model's table says about it.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` for a rate that the table does not reach, or one of a model that is not used as measured.
 */
export function limitFor(
  { embedding, name }: EmbedderManifest,
  id: string,
  own: boolean,
  { fmr = DEFAULT_FMR, threshold }: VerifyOptions,
): Pick<Verification, 'threshold' | 'fmr' | 'fnmr'> {
  if (threshold !== undefined) {
    if (threshold >= 0) return { threshold }
    throw new FacewiseError('INVALID_ARGUMENT', `A threshold is a distance, 0 or more; got ${threshold}.`)
  }
  if (!own) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `The thresholds of ${name} were measured as its manifest says, not as ${id}: give \`threshold\`, a distance of your own measuring.`,
    )
  }
  const rate = rateFor(embedding.thresholds?.rates ?? [], fmr, name)
  return { threshold: rate.threshold, fmr: rate.fmr, fnmr: rate.fnmr }
}

/**
 * The line of a table with the largest false match rate that is not over the wanted one.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` if all are over it: nothing that was not measured is promised.
 */
export function rateFor(rates: readonly ThresholdRate[], fmr: number, model: string): ThresholdRate {
  if (!(fmr > 0 && fmr < 1)) {
    throw new FacewiseError('INVALID_ARGUMENT', `A false match rate lies between 0 and 1; got ${fmr}.`)
  }
  // A rate may have gone through text, or arithmetic, on its way here.
  const fitting = rates.filter(rate => rate.fmr <= fmr * (1 + 1e-9)).sort((a, b) => b.fmr - a.fmr)
  if (fitting.length > 0) return fitting[0]
  const known = rates.map(rate => rate.fmr).join(', ')
  throw new FacewiseError(
    'INVALID_ARGUMENT',
    known === ''
      ? `${model} has no table of thresholds: give \`threshold\`, or measure one (\`facewise evaluate pairs\`).`
      : `${model} was measured at false match rates of ${known}; for ${fmr} measure on more pairs and give \`threshold\`.`,
  )
}
