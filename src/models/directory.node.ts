import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { cacheDirectory } from '../backends/memory.node.ts'
import { FacewiseError, isFacewiseError, messageOf } from '../errors.ts'
import { PULLED_DTYPES, type PulledDtype } from './catalog.ts'
import { type Manifest, type ModelFile, parseManifest } from './manifest.ts'
import { verify } from './verify.ts'
import { renameWhenFree, writing } from './writing.node.ts'

/** Unfinished work lies here, below the model directory and so on the same disk: a rename brings it into place. */
const PARTIAL = '.partial'
const MANIFEST = 'manifest.json'
/** What a pull notes of itself beside the manifest. */
const RECEIPT = 'pull.json'

/**
 * The folder for models that do not come with the package: `FACEWISE_MODEL_DIR`, or `models` in the user's cache folder by the
 * platform's convention (Linux `~/.cache/facewise`, macOS `~/Library/Caches/facewise`, Windows `%LOCALAPPDATA%\facewise\Cache`).
 */
export function modelDirectory(): string {
  return process.env.FACEWISE_MODEL_DIR || join(cacheDirectory(), 'models')
}

/** Whether a model can have this name: a word, never a way out of the directory. */
export function isModelName(name: string): boolean {
  return /^[a-z0-9][a-z0-9._+-]*$/.test(name)
}

/** The folder for the unfinished pull of a model. */
export function partialFolder(directory: string, name: string): string {
  return join(directory, PARTIAL, name)
}

/** The lock file of a model. */
export function lockPath(directory: string, name: string): string {
  return join(directory, PARTIAL, `${name}.lock`)
}

/** A model of the model directory, as its manifest says; whether the files are whole is not looked at. */
export interface ModelOnDisk {
  readonly folder: string
  readonly manifest: Manifest
  /** How its weights are stored, where a pull has noted it. */
  readonly store: PulledDtype | undefined
}

/**
 * Reads the manifest of a model. A folder is a model if and only if it has one: it is put into place with the files, by one rename.
 *
 * @returns nothing where there is no such model.
 * @throws FacewiseError `MODEL_INVALID` where the manifest is not valid; `MODEL_NOT_FOUND` where it cannot be read.
 */
export async function readModel(directory: string, name: string): Promise<ModelOnDisk | undefined> {
  const folder = join(directory, name)
  const path = join(folder, MANIFEST)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(String((error as NodeJS.ErrnoException).code))) return undefined
    throw new FacewiseError('MODEL_NOT_FOUND', `${path} cannot be read: ${messageOf(error)}`, { cause: error })
  }
  return { folder, manifest: parseAt(text, path), store: await readStore(folder) }
}

/** The files that a manifest lists, graphs and weights. */
export function filesOf({ networks }: Manifest): ModelFile[] {
  return networks.flatMap(network => [network.graph, ...network.weights])
}

/**
 * Checks every file of a model of the model directory against its manifest.
 *
 * @returns what is wrong, one error a file; empty where all is right.
 */
export async function verifyFiles({ folder, manifest }: ModelOnDisk): Promise<FacewiseError[]> {
  const problems: FacewiseError[] = []
  // One after the other: a model may be large.
  for (const file of filesOf(manifest)) {
    const path = join(folder, file.path)
    try {
      await verify(file, await readFile(path), path)
    } catch (error) {
      problems.push(
        isFacewiseError(error)
          ? error
          : new FacewiseError('MODEL_NOT_FOUND', `${path} cannot be read: ${messageOf(error)}.`, { cause: error }),
      )
    }
  }
  return problems
}

/** Whether all files are there with their sizes. Quick: contents are for {@link verifyFiles}. */
export async function looksWhole({ folder, manifest }: ModelOnDisk): Promise<boolean> {
  const right = filesOf(manifest).map(async ({ path, bytes }) => {
    const entry = await stat(join(folder, path)).catch(() => undefined)
    return entry?.size === bytes
  })
  return (await Promise.all(right)).every(Boolean)
}

/** The names of all folders with a manifest in the model directory, and of those whose pull is unfinished; each sorted. */
export async function namesIn(directory: string): Promise<{ models: string[]; unfinished: string[] }> {
  const foldersOf = async (folder: string): Promise<string[]> => {
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
    // A model may be linked to from elsewhere.
    return entries.filter(entry => entry.isDirectory() || entry.isSymbolicLink()).map(entry => entry.name)
  }
  const folders = (await foldersOf(directory)).filter(name => !name.startsWith('.'))
  const isModel = await Promise.all(
    folders.map(name =>
      stat(join(directory, name, MANIFEST)).then(
        () => true,
        () => false,
      ),
    ),
  )
  const unfinished = (await foldersOf(join(directory, PARTIAL))).filter(name => !name.includes('~'))
  return { models: folders.filter((_, i) => isModel[i]).sort(), unfinished: unfinished.sort() }
}

/**
 * Puts a model into the model directory: written beside it, the manifest last, every file checked, then renamed. Whoever looks sees the
 * old model, or for a moment none, or the new one.
 *
 * @throws FacewiseError `MODEL_INVALID`, `MODEL_CORRUPT` where files and manifest disagree; `OUTPUT_FAILED`.
 */
export async function installModel(
  directory: string,
  contents: ReadonlyMap<string, Uint8Array>,
  manifest: Manifest,
  store: PulledDtype,
): Promise<ModelOnDisk> {
  const draft = asidePath(directory, manifest.name)
  try {
    for (const file of filesOf(manifest)) {
      const bytes = contents.get(file.path)
      if (!bytes)
        throw new FacewiseError(
          'MODEL_INVALID',
          `The manifest of ${manifest.name} lists ${file.path}, which was not made.`,
        )
      await verify(file, bytes, file.path)
      await write(join(draft, file.path), bytes)
    }
    await write(join(draft, RECEIPT), `${JSON.stringify({ store, date: new Date().toISOString() })}\n`)
    await write(join(draft, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`)
    await takeOut(directory, manifest.name)
    const folder = join(directory, manifest.name)
    await writing(folder, () => renameWhenFree(draft, folder))
    return { folder, manifest, store }
  } finally {
    // Where this fails too, the error above says why; the next pull tidies up.
    await rm(draft, { recursive: true, force: true }).catch(() => undefined)
  }
}

/**
 * Removes a model of the model directory, and what an unfinished pull of it left.
 *
 * @returns whether there was anything.
 * @throws FacewiseError `OUTPUT_FAILED`.
 */
export async function removeFiles(directory: string, name: string): Promise<boolean> {
  const partial = partialFolder(directory, name)
  const begun = await exists(partial)
  await writing(partial, () => rm(partial, { recursive: true, force: true }))
  return (await takeOut(directory, name)) || begun
}

/** Removes what pulls that were killed left beside. Only for who holds the lock of the model. */
export async function removeLeftovers(directory: string, name: string): Promise<void> {
  const folder = join(directory, PARTIAL)
  const left = (await readdir(folder)).filter(entry => entry.startsWith(`${name}~`))
  await writing(folder, () => Promise.all(left.map(entry => rm(join(folder, entry), { recursive: true, force: true }))))
}

/** Takes a model out of sight first, so that none is ever seen with some of its files gone. */
async function takeOut(directory: string, name: string): Promise<boolean> {
  const folder = join(directory, name)
  if (!(await exists(folder))) return false
  const aside = asidePath(directory, name)
  await writing(folder, async () => {
    await mkdir(dirname(aside), { recursive: true })
    await renameWhenFree(folder, aside)
    await rm(aside, { recursive: true, force: true })
  })
  return true
}

/** `~` is in no name of a model. */
function asidePath(directory: string, name: string): string {
  return join(directory, PARTIAL, `${name}~${randomUUID()}`)
}

async function write(path: string, contents: Uint8Array | string): Promise<void> {
  await writing(path, async () => {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, contents)
  })
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

/** Reads a manifest; both kinds of damage name the file. */
function parseAt(text: string, path: string): Manifest {
  try {
    return parseManifest(JSON.parse(text))
  } catch (error) {
    throw new FacewiseError('MODEL_INVALID', `${path}: ${messageOf(error)}`, { cause: error })
  }
}

async function readStore(folder: string): Promise<PulledDtype | undefined> {
  try {
    const { store } = JSON.parse(await readFile(join(folder, RECEIPT), 'utf8')) as { store?: unknown }
    return PULLED_DTYPES.find(known => known === store)
  } catch {
    // A model that was put there by hand has no note.
    return undefined
  }
}
