import { rateFor } from '../embed/index.ts'
import { FacewiseError } from '../errors.ts'
import type { EmbedderManifest, ThresholdRate } from '../models/index.ts'

/** The default share of strangers that may be taken for somebody. */
export const DEFAULT_FPIR = 0.01

/** Up to which distance a face counts as an enrolled person's, and what that means. */
export interface GalleryLimit {
  readonly threshold: number
  /** False match rate of one comparison at this threshold; absent with a threshold of one's own. */
  readonly fmr?: number
  /** False positive identification rate among that many templates. */
  readonly fpir?: number
}

/**
 * The false match rate of one comparison at which a stranger matches none of `templates` with the probability 1 - `fpir`:
 * 1 - (1 - fpir)^(1 / templates), about fpir / templates. Comparisons are taken for independent; those with several templates of one
 * person are not, so the real rate is a little lower.
 */
export function fmrForGallery(fpir: number, templates: number): number {
  return -Math.expm1(Math.log1p(-fpir) / Math.max(1, templates))
}

/** The share of strangers that match one of `templates` at a false match rate: 1 - (1 - fmr)^templates. */
export function fpirOfGallery(fmr: number, templates: number): number {
  return -Math.expm1(Math.log1p(-fmr) * templates)
}

/**
 * The threshold for a wanted false positive identification rate. Between two rates of the model's table it is interpolated in the
 * logarithm of the rate. Where the gallery is so large that the table does not reach, the strictest measured threshold is taken, and the
 * `fpir` of the result says what is to be expected of it: more than was wanted. Never looser than the table's line for 1e-3 or, if it has
 * none, its strictest: with few enrolled, nobody should pass by a loose threshold alone.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` for a rate that is none, or a model without a table.
 */
export function galleryLimit(manifest: EmbedderManifest, fpir: number, templates: number): GalleryLimit {
  if (!(fpir > 0 && fpir < 1)) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `A false positive identification rate lies between 0 and 1; got ${fpir}.`,
    )
  }
  const rates = [...(manifest.embedding.thresholds?.rates ?? [])].sort((a, b) => a.fmr - b.fmr)
  const strictest = rates[0]
  if (!strictest) rateFor([], fpir, manifest.name)
  const wanted = Math.min(fmrForGallery(fpir, templates), Math.max(1e-3, strictest.fmr))
  const { fmr, threshold } = wanted <= strictest.fmr ? strictest : between(rates, wanted)
  return { threshold, fmr, fpir: fpirOfGallery(fmr, Math.max(1, templates)) }
}

function between(rates: readonly ThresholdRate[], fmr: number): Pick<ThresholdRate, 'fmr' | 'threshold'> {
  const above = rates.findIndex(rate => rate.fmr >= fmr)
  if (above < 0) return rates[rates.length - 1]
  const [low, high] = [rates[above - 1], rates[above]]
  const share = Math.log(fmr / low.fmr) / Math.log(high.fmr / low.fmr)
  return { fmr, threshold: low.threshold + share * (high.threshold - low.threshold) }
}
