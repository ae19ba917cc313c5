import { randomUUID } from 'node:crypto'
import { open, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { FacewiseError, messageOf } from '../errors.ts'

/**
 * Writes a snapshot to a file, whole or not at all: into a file beside it first, which takes its place when its bytes are on the disk. When
 * this resolves, the file outlives the process and a loss of power. A process that is killed meanwhile leaves the old file as it was,
 * and the unfinished one (`NAME.*.part`), which may be deleted.
 *
 * @param bytes What `MemoryStore.snapshot()` gives.
 * @throws FacewiseError `OUTPUT_FAILED`: the file is as it was before.
 */
export async function saveSnapshot(path: string | URL, bytes: Uint8Array): Promise<void> {
  const place = pathOf(path)
  if (!(bytes instanceof Uint8Array)) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      'saveSnapshot needs the bytes of a snapshot: await store.snapshot() first.',
    )
  }
  // A link goes on to point to the file.
  const target = await realpath(place).catch(() => place)
  const part = `${target}.${randomUUID()}.part`
  try {
    const mode = await stat(target).then(
      old => old.mode & 0o777,
      () => 0o666,
    )
    const file = await open(part, 'wx', mode)
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(part, target)
    await syncFolder(dirname(target))
  } catch (error) {
    await rm(part, { force: true }).catch(() => {})
    throw new FacewiseError(
      'OUTPUT_FAILED',
      `The snapshot ${place} could not be written: ${messageOf(error)}. Check that its folder exists and may be written, and the space on its disk.`,
      { cause: error },
    )
  }
}

/**
 * Reads the bytes of a snapshot from a file, for `memoryStore({ snapshot })`, which checks them.
 *
 * @throws FacewiseError `STORE_FAILED` if the file is not there (its `cause` has the code `ENOENT`) or cannot be read.
 */
export async function readSnapshot(path: string | URL): Promise<Uint8Array> {
  const place = pathOf(path)
  try {
    return new Uint8Array(await readFile(place))
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    throw new FacewiseError(
      'STORE_FAILED',
      missing
        ? `There is no snapshot ${place}: check the path, or make one with saveSnapshot; to begin with nothing, open the store without.`
        : `The snapshot ${place} cannot be read: ${messageOf(error)}. Check its permissions, and that it is a file.`,
      { cause: error },
    )
  }
}

function pathOf(path: string | URL): string {
  if (typeof path === 'string' && path !== '' && !path.includes('\0')) return path
  if (path instanceof URL && path.protocol === 'file:') return fileURLToPath(path)
  throw new FacewiseError('INVALID_ARGUMENT', `A snapshot needs the path of a file, or a file: URL; got '${path}'.`)
}

/** The new name is on the disk only when the folder is. Windows cannot do so, and keeps names in its journal. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
