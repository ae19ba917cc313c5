import { join } from 'node:path'
import { packagedSource } from '#platform/models'
import { type FacewiseError, isFacewiseError } from '../errors.ts'
import { type Catalog, packagedCatalog } from './catalog.node.ts'
import { downloadBytes } from './catalog.ts'
import {
  filesOf,
  looksWhole,
  modelDirectory,
  namesIn,
  partialFolder,
  readModel,
  verifyFiles,
} from './directory.node.ts'
import { type Manifest, parseManifest } from './manifest.ts'
import { type PackagedName, packagedManifests } from './packaged.ts'
import { verify } from './verify.ts'

/**
 * How a model is there.
 *
 * - `packaged`: it comes with the package.
 * - `pulled`: it is in the model directory.
 * - `damaged`: it is in the model directory, but its manifest is not valid or files are missing or cut off.
 * - `partial`: a pull of it was begun.
 * - `available`: it can be pulled.
 */
export type ModelState = 'packaged' | 'pulled' | 'damaged' | 'partial' | 'available'

/** A line of `facewise models list`. */
export interface ListedModel {
  readonly name: string
  readonly title: string
  readonly task: string
  readonly state: ModelState
  /** Of its files; of what is to be downloaded where it is not there. */
  readonly bytes: number
  /** Its folder, where it is there. */
  readonly folder?: string
  /** How its weights are stored, where a pull has noted it. */
  readonly store?: string
}

const isPackaged = (name: string): name is PackagedName => Object.hasOwn(packagedManifests, name)

/** All models: those of the package, those that can be pulled, and those that are in the model directory besides. */
export async function listModels(
  directory: string = modelDirectory(),
  catalog: Catalog = packagedCatalog,
): Promise<ListedModel[]> {
  const { models, unfinished } = await namesIn(directory)
  const packaged = (Object.keys(packagedManifests) as PackagedName[]).map((name): ListedModel => {
    const manifest = parseManifest(packagedManifests[name])
    return { ...describe(manifest), state: 'packaged', folder: packagedSource(name).locate('.') }
  })
  // A packaged name is found in the package first, so one in the directory is never used.
  const names = [...new Set([...catalog.names, ...models])].filter(name => !isPackaged(name))
  const others = names.map(async (name): Promise<ListedModel> => {
    if (models.includes(name)) return listPresent(directory, name)
    const recipe = await catalog.recipe(name)
    const { title, task } = recipe
    const state = unfinished.includes(name) ? 'partial' : 'available'
    const folder = state === 'partial' ? partialFolder(directory, name) : undefined
    return { name, title, task, state, bytes: downloadBytes(recipe), folder }
  })
  return [...packaged, ...(await Promise.all(others))]
}

/** A model whose files were checked; no errors mean that all are what the manifest says. */
export interface VerifiedModel {
  readonly name: string
  readonly files: number
  readonly bytes: number
  readonly errors: readonly FacewiseError[]
}

/**
 * Checks every file of a model against its sha256.
 *
 * @returns nothing where the model is not there.
 */
export async function verifyModel(
  name: string,
  directory: string = modelDirectory(),
): Promise<VerifiedModel | undefined> {
  try {
    if (isPackaged(name)) return await verifyPackaged(name)
    const model = await readModel(directory, name)
    if (!model) return undefined
    return { ...sizeOf(model.manifest), name, errors: await verifyFiles(model) }
  } catch (error) {
    if (!isFacewiseError(error)) throw error
    return { name, files: 0, bytes: 0, errors: [error] }
  }
}

async function verifyPackaged(name: PackagedName): Promise<VerifiedModel> {
  const manifest = parseManifest(packagedManifests[name])
  const source = packagedSource(name)
  const errors: FacewiseError[] = []
  for (const file of filesOf(manifest)) {
    try {
      await verify(file, await source.read(file.path), source.locate(file.path))
    } catch (error) {
      if (!isFacewiseError(error)) throw error
      errors.push(error)
    }
  }
  return { ...sizeOf(manifest), name, errors }
}

async function listPresent(directory: string, name: string): Promise<ListedModel> {
  const folder = join(directory, name)
  try {
    const model = await readModel(directory, name)
    if (model) {
      const state = (await looksWhole(model)) ? 'pulled' : 'damaged'
      return { ...describe(model.manifest), name, state, folder, ...(model.store && { store: model.store }) }
    }
  } catch (error) {
    if (!isFacewiseError(error)) throw error
  }
  return { name, title: '', task: '', state: 'damaged', bytes: 0, folder }
}

function describe(manifest: Manifest): Pick<ListedModel, 'name' | 'title' | 'task' | 'bytes'> {
  const { name, title, task } = manifest
  return { name, title, task, bytes: sizeOf(manifest).bytes }
}

function sizeOf(manifest: Manifest): { files: number; bytes: number } {
  const files = filesOf(manifest)
  return { files: files.length, bytes: files.reduce((sum, file) => sum + file.bytes, 0) }
}
