import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { FacewiseError } from '../../../errors.ts'
import { type EmbeddingStore, openStore, redactUrl } from '../../../store/index.ts'

/** How the URLs of stores look, for the help. */
export const URLS = 'file:faces.db, postgres://..., lancedb:DIR'

/**
 * Opens a store that is to be read. Engines make a file or folder that is not there; whoever only looks does not want that.
 *
 * @throws FacewiseError `STORE_UNAVAILABLE` where there is none; what `openStore` throws.
 */
export async function openExisting(url: string): Promise<EmbeddingStore> {
  const path = pathOf(url)
  if (path && !existsSync(path)) {
    throw new FacewiseError(
      'STORE_UNAVAILABLE',
      `There is no store at "${redactUrl(url)}": nothing is at ${path}. \`facewise enroll\` makes one.`,
    )
  }
  return openStore(url)
}

/** Where on this machine a store's records are, if they are in a file or folder. */
function pathOf(url: string): string | undefined {
  const [, scheme, rest] = /^(file|lancedb):(.+)$/is.exec(url) ?? []
  if (!scheme) return undefined
  if (scheme.toLowerCase() === 'lancedb') return rest.includes('://') ? undefined : rest
  const [path] = rest.split(/[?#]/)
  try {
    return path.startsWith('//') ? fileURLToPath(`file:${path}`) : decodeURIComponent(path)
  } catch {
    // Not well formed: the engine says so.
    return undefined
  }
}
