import type { ModelFile } from './manifest.ts'
import type { ModelSource, ReadOptions } from './source.ts'

const CACHE_NAME = 'facewise-models'

/** A source that is told which file of a manifest it reads. */
export interface CachingSource extends Omit<ModelSource, 'read'> {
  read(path: string, options: ReadOptions & { readonly file: ModelFile }): Promise<Uint8Array>
}

/**
 * Keeps what a source reads in the browser's Cache API under the file's sha256, so that another version of a model is another entry
 * and none is ever stale. Where there is no Cache API (Node, pages without https) the source is read every time.
 */
export function withBrowserCache(source: ModelSource, enabled: boolean): CachingSource {
  return {
    locate: path => source.locate(path),
    async read(path, { file, ...options }) {
      const cache = enabled ? await openCache() : undefined
      if (!cache) return source.read(path, options)
      // The Cache API wants addresses; this one is never fetched.
      const key = new Request(`https://facewise.invalid/models/${file.sha256}`)
      const hit = await cache.match(key).catch(() => undefined)
      if (hit) {
        const bytes = new Uint8Array(await hit.arrayBuffer())
        if (bytes.length === file.bytes) return bytes
        await cache.delete(key)
      }
      const bytes = await source.read(path, options)
      // A full disk is no reason to fail: the file has been read.
      if (bytes.length === file.bytes) await cache.put(key, new Response(bytes as BodyInit)).catch(() => undefined)
      return bytes
    },
  }
}

async function openCache(): Promise<Cache | undefined> {
  if (typeof caches === 'undefined') return undefined
  return caches.open(CACHE_NAME).catch(() => undefined)
}
