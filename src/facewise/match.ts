import type { Embedder } from '../embed/index.ts'
import { FacewiseError } from '../errors.ts'
import type { EmbeddingStore } from '../store/index.ts'
import type { MatchOptions, SubjectMatch } from './facewise.ts'
import { DEFAULT_FPIR, galleryLimit } from './gallery.ts'

/** Says whose face a vector is, or that it is a stranger's. */
export type Match = (vector: Float32Array) => Promise<SubjectMatch | null>

/**
 * Says whose face a vector is, among those whom the store holds when it is called, by rules that are checked now.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` that names the rule.
 */
export function matcher(
  { fpir = DEFAULT_FPIR, threshold, margin = 0, where }: MatchOptions,
  embedder: () => Promise<Embedder>,
  store: EmbeddingStore,
  signal: AbortSignal | undefined,
): () => Promise<Match> {
  if (!(margin >= 0)) throw new FacewiseError('INVALID_ARGUMENT', `A margin is a distance, 0 or more; got ${margin}.`)
  if (threshold !== undefined && !(threshold >= 0)) {
    throw new FacewiseError('INVALID_ARGUMENT', `A threshold is a distance, 0 or more; got ${threshold}.`)
  }
  if (!(fpir > 0 && fpir < 1)) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `A false positive identification rate lies between 0 and 1; got ${fpir}.`,
    )
  }
  const search = async (part: Embedder, templates: number, vector: Float32Array): Promise<SubjectMatch | null> => {
    const limit = threshold !== undefined ? { threshold } : galleryLimit(part.manifest, fpir, templates)
    if (templates === 0) return null
    const { metric } = part.manifest.embedding
    const [best, next] = await store.search(vector, {
      k: margin > 0 ? 2 : 1,
      metric,
      where,
      per: 'subject',
      maxDistance: limit.threshold + margin,
      signal,
    })
    if (!best || best.distance > limit.threshold) return null
    if (next && next.distance - best.distance < margin) return null
    const { subject, distance, id, metadata } = best
    return {
      subject,
      distance,
      ...('fpir' in limit && { fpir: limit.fpir }),
      threshold: limit.threshold,
      id,
      metadata,
    }
  }
  return async () => {
    const [part, templates] = [await embedder(), await store.count({ signal })]
    return vector => search(part, templates, vector)
  }
}
