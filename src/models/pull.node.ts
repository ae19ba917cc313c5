import { mkdir, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { FacewiseError, isFacewiseError, throwIfAborted } from '../errors.ts'
import { assertPullable, type Catalog, packagedCatalog } from './catalog.node.ts'
import { type Convert, type DownloadRecipe, downloadBytes } from './catalog.ts'
import {
  installModel,
  isModelName,
  lockPath,
  type ModelOnDisk,
  modelDirectory,
  partialFolder,
  readModel,
  removeFiles,
  removeLeftovers,
  verifyFiles,
} from './directory.node.ts'
import { type DownloadedFile, type DownloadPolicy, downloadFiles, readMirror } from './download.node.ts'
import { acquireLock, lockHolder } from './lock.node.ts'
import { parseManifest } from './manifest.ts'
import { packagedManifests } from './packaged.ts'
import type { PulledModel, PullOptions, PullProgress } from './pull.ts'
import { writing } from './writing.node.ts'

/**
 * Gets a model that is too large for the package: downloads its published files, checks each against its sha256, converts them and puts
 * the result into the model directory, where `loadModel` finds it. Where it is there already and whole, nothing is fetched.
 *
 * A pull that was stopped, even killed, goes on where it was; until it is done there is no model. Two at once do no harm: the second
 * waits, and finds it there.
 *
 * @param name `facenet-512`.
 * @throws FacewiseError `INVALID_ARGUMENT` for an unknown name or mirror; `MODEL_NOT_FOUND` where a file cannot be had;
 *   `MODEL_CORRUPT` where one has other contents than published; `MODEL_INVALID`; `OUTPUT_FAILED`; `ABORTED`. In a browser always
 *   `INVALID_ARGUMENT`: it has no model directory.
 */
export async function pullModel(name: string, options: PullOptions = {}): Promise<PulledModel> {
  return pullFrom(packagedCatalog, name, options)
}

/** {@link pullModel} from a catalog of one's own. @internal */
export async function pullFrom(
  catalog: Catalog,
  name: string,
  options: PullOptions,
  policy?: Partial<DownloadPolicy>,
): Promise<PulledModel> {
  assertPullable(name, catalog)
  const mirror = options.from === undefined ? undefined : mirrorOf(options.from)
  const directory = options.directory ?? modelDirectory()
  throwIfAborted(options.signal)
  const there = await wholeModel(directory, name, options)
  if (there) return { ...there, pulled: false }

  const [recipe, convert] = await Promise.all([catalog.recipe(name), catalog.convert(name)])
  const path = lockPath(directory, name)
  await writing(directory, () => mkdir(dirname(path), { recursive: true }))
  const report = reporter(recipe, options)
  const lock = await acquireLock(path, { signal: options.signal, onWait: () => report('wait') })
  try {
    const meanwhile = await wholeModel(directory, name, options)
    if (meanwhile) return { ...meanwhile, pulled: false }
    return { ...(await make(recipe, convert, mirror, directory, options, report, policy)), pulled: true }
  } finally {
    await lock.release()
  }
}

/**
 * Removes a pulled model, and what an unfinished pull of it left.
 *
 * @returns whether there was anything to remove.
 * @throws FacewiseError `INVALID_ARGUMENT` for a model of the package, or while it is being pulled; `OUTPUT_FAILED`.
 */
export async function removeModel(name: string, directory: string = modelDirectory()): Promise<boolean> {
  if (Object.hasOwn(packagedManifests, name) || !isModelName(name)) {
    const why = Object.hasOwn(packagedManifests, name) ? 'comes with the package and goes with it' : 'cannot exist'
    throw new FacewiseError('INVALID_ARGUMENT', `The model "${name}" ${why}.`)
  }
  const holder = await lockHolder(lockPath(directory, name))
  if (holder) {
    const who = `process ${holder.pid} on ${holder.host}`
    throw new FacewiseError('INVALID_ARGUMENT', `The model ${name} is being pulled by ${who}. Stop that first.`)
  }
  return removeFiles(directory, name)
}

async function make(
  recipe: DownloadRecipe,
  convert: Convert,
  mirror: Mirror | undefined,
  directory: string,
  { store = 'float16', signal }: PullOptions,
  report: Report,
  policy: Partial<DownloadPolicy> | undefined,
): Promise<ModelOnDisk> {
  await removeLeftovers(directory, recipe.name)
  const partial = partialFolder(directory, recipe.name)
  const download = { signal, policy, onProgress: (progress: Loaded) => report('download', progress) }
  const files =
    mirror && 'folder' in mirror
      ? await readMirror(recipe.files, mirror.folder, download)
      : await downloadFiles(recipe.files, mirror ? [mirror.base] : recipe.bases, partial, download)
  throwIfAborted(signal)
  report('convert', loaded(files))
  const converted = await convert(new Map([...files].map(([name, { bytes }]) => [name, bytes])), { store })
  const manifest = parseManifest(converted.manifest)
  if (manifest.name !== recipe.name) {
    throw new FacewiseError('MODEL_INVALID', `The files of ${recipe.name} became a model named ${manifest.name}.`)
  }
  throwIfAborted(signal)
  report('write', loaded(files))
  const model = await installModel(directory, converted.files, manifest, store)
  await writing(partial, () => rm(partial, { recursive: true, force: true }))
  return model
}

/** The model where it is there, whole, and stored as wanted. One that is damaged is as if it were not there. */
async function wholeModel(directory: string, name: string, { store }: PullOptions): Promise<ModelOnDisk | undefined> {
  try {
    const model = await readModel(directory, name)
    if (!model || (store !== undefined && model.store !== store)) return undefined
    return (await verifyFiles(model)).length === 0 ? model : undefined
  } catch (error) {
    if (isFacewiseError(error) && error.code.startsWith('MODEL_')) return undefined
    throw error
  }
}

type Mirror = { readonly folder: string } | { readonly base: string }

function mirrorOf(from: string | URL): Mirror {
  const text = String(from)
  if (!/^https?:/i.test(text)) return { folder: text.startsWith('file:') ? fileURLToPath(text) : text }
  if (!URL.canParse(text)) throw new FacewiseError('INVALID_ARGUMENT', `"${text}" is no address of a mirror.`)
  return { base: text }
}

type Loaded = Omit<PullProgress, 'model' | 'phase'>
type Report = (phase: PullProgress['phase'], progress?: Loaded) => void

function reporter(recipe: DownloadRecipe, { onProgress }: PullOptions): Report {
  const nothing = { loadedBytes: 0, totalBytes: downloadBytes(recipe), loadedFiles: 0, totalFiles: recipe.files.length }
  return (phase, progress = nothing) => onProgress?.({ model: recipe.name, phase, ...progress })
}

function loaded(files: ReadonlyMap<string, DownloadedFile>): Loaded {
  const bytes = [...files.values()].reduce((sum, file) => sum + file.bytes.length, 0)
  return { loadedBytes: bytes, totalBytes: bytes, loadedFiles: files.size, totalFiles: files.size }
}
