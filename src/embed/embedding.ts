import { FacewiseError } from '../errors.ts'

/** A face as numbers: near those of the same person, far from those of others. */
export interface Embedding {
  /** As many numbers as the model's manifest says. */
  readonly vector: Float32Array
  /**
   * What made it: the model's name, and what was changed of the manifest, as in `facenet-512#mirror=false`. Only embeddings with the
   * same can be compared.
   */
  readonly model: string
}

/** @throws FacewiseError `INVALID_ARGUMENT` if one of them is not of the model `id`. */
export function assertOf(id: string, dimension: number, embeddings: readonly Embedding[]): void {
  for (const { model, vector } of embeddings) {
    if (model !== id) {
      throw new FacewiseError(
        'INVALID_ARGUMENT',
        `An embedding of ${model} cannot be compared by ${id}: make both with the same model.`,
      )
    }
    if (vector.length !== dimension) {
      throw new FacewiseError(
        'INVALID_ARGUMENT',
        `An embedding of ${id} has ${dimension} numbers; this one has ${vector.length}.`,
      )
    }
  }
}
