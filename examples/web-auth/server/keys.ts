import { createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What keyed hashes are for; each has a key of its own. */
export type HashPurpose = 'address' | 'csrf' | 'device' | 'email' | 'frame' | 'key-check' | 'recovery'

/** Everything that is derived from the one secret of the server. */
export interface Keys {
  /** For the embeddings: 32 bytes in base64, as `encrypted` of the library takes it. */
  readonly embeddings: string
  /** HMAC-SHA-256 under the key of that purpose, in base64url. Nobody without the secret can try values. */
  hash(purpose: HashPurpose, ...parts: readonly (string | Uint8Array)[]): string
}

const BYTES = 32

/**
 * Derives the keys (HKDF-SHA-256, RFC 5869): one secret to keep, and none that serves two ends.
 *
 * @param secret 32 bytes in base64.
 * @throws Error for anything else.
 */
export function deriveKeys(secret: string): Keys {
  const bytes = Buffer.from(secret, 'base64')
  if (bytes.length !== BYTES || !/^[A-Za-z0-9+/_-]+=*$/.test(secret)) {
    throw new Error('FACEWISE_WEB_KEY has to be 32 bytes in base64: `openssl rand -base64 32` makes one.')
  }
  const derive = (purpose: string): Buffer =>
    Buffer.from(hkdfSync('sha256', bytes, '', `facewise web-auth ${purpose}`, BYTES))
  const cache = new Map<HashPurpose, Buffer>()
  const keyFor = (purpose: HashPurpose): Buffer => {
    const key = cache.get(purpose) ?? derive(purpose)
    cache.set(purpose, key)
    return key
  }
  return {
    embeddings: derive('embeddings').toString('base64'),
    hash(purpose, ...parts) {
      const hmac = createHmac('sha256', keyFor(purpose))
      for (const part of parts) {
        // With its length before it, so that no two lists of parts are one text.
        const data = typeof part === 'string' ? Buffer.from(part) : part
        hmac.update(`${data.length}:`).update(data)
      }
      return hmac.digest('base64url')
    },
  }
}

/**
 * The key of development: from a file beside the database, which only its owner may read; made at the first start.
 *
 * @param warn is told where it is, since a key beside the data protects nothing from who has both.
 */
export function developmentKey(folder: string, warn: (message: string) => void): string {
  const path = join(folder, 'key')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  try {
    writeFileSync(path, `${randomBytes(BYTES).toString('base64')}\n`, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  warn(
    `The key lies beside the data, in ${path}: good for development only. Set FACEWISE_WEB_KEY where others' faces are kept.`,
  )
  return readFileSync(path, 'utf8').trim()
}
