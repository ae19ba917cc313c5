import type { TrainedModel } from './merge.ts'

/**
 * Writes a model into the model directory, where `createEmbedder` finds it by its name; one of that name is replaced.
 *
 * @param directory by default that of `FACEWISE_MODEL_DIR`, or the user's cache.
 * @returns its folder.
 * @throws FacewiseError `OUTPUT_FAILED`; in a browser always `INVALID_ARGUMENT`: it has no model directory.
 */
export type SaveModel = (model: TrainedModel, directory?: string) => Promise<string>
