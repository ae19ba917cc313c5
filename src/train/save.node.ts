import { installModel, modelDirectory } from '../models/directory.node.ts'
import type { SaveModel } from './save.ts'

/** @see SaveModel */
export const saveModel: SaveModel = async ({ manifest, files }, directory = modelDirectory()) => {
  const { folder } = await installModel(directory, new Map(Object.entries(files)), manifest, 'float32')
  return folder
}
