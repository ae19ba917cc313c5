import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { FacewiseError, messageOf } from '../errors.ts'
import { type Convert, type DownloadRecipe, parseRecipe } from './catalog.ts'
import { conversions } from './conversions.ts'
import { type DownloadableName, downloadableNames, isDownloadable } from './downloadable.ts'
import { packagedManifests } from './packaged.ts'

/** The models that can be pulled, and how each is made. */
export interface Catalog {
  readonly names: readonly string[]
  recipe(name: string): Promise<DownloadRecipe>
  convert(name: string): Promise<Convert>
}

/** The catalog that comes with the package. */
export const packagedCatalog: Catalog = {
  names: downloadableNames,
  async recipe(name) {
    // The same two levels up from the source and from the built files.
    const path = fileURLToPath(new URL(`../../models/${name}/download.json`, import.meta.url))
    try {
      return parseRecipe(JSON.parse(await readFile(path, 'utf8')))
    } catch (error) {
      const hint = 'Install the package again.'
      throw new FacewiseError('MODEL_INVALID', `${path} cannot be read: ${messageOf(error)} ${hint}`, { cause: error })
    }
  },
  async convert(name) {
    const load = isDownloadable(name) ? conversions[name as DownloadableName] : undefined
    if (load) return load()
    throw new FacewiseError(
      'MODEL_INVALID',
      `This version of Facewise cannot convert the model ${name}. Install the newest version.`,
    )
  },
}

/** @throws FacewiseError `INVALID_ARGUMENT` that lists the known names, unless `name` can be pulled. */
export function assertPullable(name: string, catalog: Catalog): void {
  if (catalog.names.includes(name)) return
  if (Object.hasOwn(packagedManifests, name)) {
    throw new FacewiseError('INVALID_ARGUMENT', `The model ${name} comes with the package; there is nothing to pull.`)
  }
  throw new FacewiseError(
    'INVALID_ARGUMENT',
    `There is no model "${name}" to pull; there is ${catalog.names.join(', ')}.`,
  )
}
