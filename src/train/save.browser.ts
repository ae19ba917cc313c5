import { FacewiseError } from '../errors.ts'
import type { SaveModel } from './save.ts'

/** @see SaveModel */
export const saveModel: SaveModel = async () => {
  throw new FacewiseError(
    'INVALID_ARGUMENT',
    'A browser has no model directory. Give the model to `createEmbedder` as `{ manifest, source: memorySource(files) }`, and keep its files where the page keeps its own.',
  )
}
