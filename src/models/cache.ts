import { isFacewiseError } from '../errors.ts'
import type { ModelFile } from './manifest.ts'
import type { ModelSource, ReadOptions } from './source.ts'
import { verify } from './verify.ts'

const CACHE_NAME = 'facewise-models'

/** Reads a file of a manifest, and gives its bytes only if they are what the manifest says. */
export type CheckedRead = (file: ModelFile, options: ReadOptions) => Promise<Uint8Array>

/**
 * Reads from a source, checks every file, and keeps it in the browser's Cache API under its sha256, so that another version of a model is
 * another entry and none is ever stale. A kept copy that is damaged is dropped and read anew. Where there is no Cache API (Node, pages
 * without https) the source is read every time.
 */
export function checkedRead(source: ModelSource, keep: boolean): CheckedRead {
  return async (file, options) => {
    const cache = keep ? await openCache() : undefined
    // The Cache API wants addresses; this one is never fetched.
    const key = `https://facewise.invalid/models/${file.sha256}`
    const kept = await cache?.match(key).catch(() => undefined)
    if (cache && kept) {
      const bytes = new Uint8Array(await kept.arrayBuffer())
      if (await isWhole(file, bytes)) return bytes
      await cache.delete(key)
    }
    const bytes = await source.read(file.path, options)
    await verify(file, bytes, source.locate(file.path))
    // A full disk is no reason to fail: the file has been read.
    await cache?.put(key, new Response(bytes as BodyInit)).catch(() => undefined)
    return bytes
  }
}

async function isWhole(file: ModelFile, bytes: Uint8Array): Promise<boolean> {
  try {
    await verify(file, bytes, 'the kept copy')
    return true
  } catch (error) {
    if (isFacewiseError(error)) return false
    throw error
  }
}

async function openCache(): Promise<Cache | undefined> {
  if (typeof caches === 'undefined') return undefined
  return caches.open(CACHE_NAME).catch(() => undefined)
}
