import { rename } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { FacewiseError, isFacewiseError, messageOf } from '../errors.ts'

/**
 * Does something that writes below `place`.
 *
 * @throws FacewiseError `OUTPUT_FAILED` that says why and where else to write, for any error of the file system.
 */
export async function writing<T>(place: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    if (isFacewiseError(error)) throw error
    const { code } = error as NodeJS.ErrnoException
    const problem =
      code === 'ENOSPC' || code === 'EDQUOT'
        ? 'there is no space left on its disk'
        : messageOf(error).replace(/\.$/, '')
    throw new FacewiseError(
      'OUTPUT_FAILED',
      `${place} cannot be written: ${problem}. Make room or give access, or name another folder: FACEWISE_MODEL_DIR, or --dir.`,
      { cause: error },
    )
  }
}

/** Renames; on Windows a virus scanner may hold a new file for a moment, so it is tried again there. */
export async function renameWhenFree(from: string, to: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await rename(from, to)
    } catch (error) {
      const busy = ['EPERM', 'EACCES', 'EBUSY'].includes(String((error as NodeJS.ErrnoException).code))
      if (process.platform !== 'win32' || !busy || attempt > 10) throw error
      await sleep(100 * attempt)
    }
  }
}
