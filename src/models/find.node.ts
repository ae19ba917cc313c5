import { directorySource, packagedSource } from '#platform/models'
import { FacewiseError } from '../errors.ts'
import { isModelName, modelDirectory, namesIn, readModel } from './directory.node.ts'
import { downloadableNames, isDownloadable, pullCommand } from './downloadable.ts'
import type { FoundModel } from './find.ts'
import { parseManifest } from './manifest.ts'
import { type PackagedName, packagedManifests } from './packaged.ts'

export { pullModel } from './pull.node.ts'

/**
 * Finds a model by its name: among those of the package, then in the model directory. In a browser only those of the package are
 * found by name; another is given by the address of its files.
 *
 * @throws FacewiseError `MODEL_NOT_FOUND` for one that has to be pulled first, with the command that does it; `INVALID_ARGUMENT` for an
 *   unknown name, with the known ones; `MODEL_INVALID` where its manifest is damaged.
 */
export async function findModel(name: string): Promise<FoundModel> {
  if (Object.hasOwn(packagedManifests, name)) {
    return { manifest: parseManifest(packagedManifests[name as PackagedName]), source: packagedSource(name) }
  }
  const directory = modelDirectory()
  const model = isModelName(name) ? await readModel(directory, name) : undefined
  if (model) return { manifest: model.manifest, source: directorySource(model.folder) }
  if (isDownloadable(name)) {
    throw new FacewiseError(
      'MODEL_NOT_FOUND',
      `The model ${name} is not in ${directory}. Get it once: \`${pullCommand(name)}\`. FACEWISE_MODEL_DIR names another folder.`,
    )
  }
  const { models } = await namesIn(directory)
  const known = [...new Set([...Object.keys(packagedManifests), ...downloadableNames, ...models])]
  throw new FacewiseError(
    'INVALID_ARGUMENT',
    `There is no model "${name}"; there is ${known.join(', ')}. For another, give its \`manifest\` or \`source\`.`,
  )
}
