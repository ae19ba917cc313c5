import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

/** The folder for what can be made again: `FACEWISE_CACHE_DIR`, or the user's cache folder by the platform's convention. */
export function cacheDirectory(): string {
  const { FACEWISE_CACHE_DIR, XDG_CACHE_HOME, LOCALAPPDATA } = process.env
  if (FACEWISE_CACHE_DIR) return FACEWISE_CACHE_DIR
  if (process.platform === 'win32')
    return join(LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'facewise', 'Cache')
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'facewise')
  return join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'facewise')
}

/** Short strings by key in one JSON file of the cache folder. What cannot be read or written is as if it were not there. */
export function cacheFile(name: string): {
  get(key: string): string | undefined
  set(key: string, value: string): void
} {
  const read = (): Record<string, string> => {
    try {
      // Whatever else the file may hold, `null` and lists included, becomes an object.
      return { ...(JSON.parse(readFileSync(join(cacheDirectory(), name), 'utf8')) as Record<string, string>) }
    } catch {
      return {}
    }
  }
  return {
    get: key => read()[key],
    set(key, value) {
      const path = join(cacheDirectory(), name)
      try {
        mkdirSync(dirname(path), { recursive: true })
        // Written beside and renamed: a reader never sees half a file.
        const draft = `${path}.${process.pid}`
        writeFileSync(draft, JSON.stringify({ ...read(), [key]: value }))
        renameSync(draft, path)
      } catch {
        // A read-only home is no reason to fail.
      }
    },
  }
}
