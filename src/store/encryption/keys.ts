import { FacewiseError } from '../../errors.ts'
import { checkId } from '../records.ts'
import { fromBase64, toBase64 } from './base64.ts'

/** 32 random bytes, the same in base64 (44 characters, from `generateKey()`), or a key of WebCrypto for AES-GCM with 256 bits. */
export type EncryptionKey = Uint8Array | string | CryptoKey

/** The keys that a store is encrypted with. */
export interface EncryptionKeys {
  /** What records are written with. */
  readonly key: EncryptionKey
  /** The key's name, which is kept beside each record, readable: `1` by default. A new key needs a new name. */
  readonly keyId?: string
  /** Keys that records may still be encrypted with, by their names. */
  readonly previous?: Readonly<Record<string, EncryptionKey>>
}

const KEY_BYTES = 32

/** A new random key in base64, for a vault or an environment variable. Whoever loses it loses the records. */
export function generateKey(): string {
  return toBase64(crypto.getRandomValues(new Uint8Array(KEY_BYTES)))
}

/** Keys by name. WebCrypto holds them so that their bytes cannot be read again, and the fields are private to the engine. */
export class KeyRing {
  /** The name of the key that records are written with. */
  readonly current: string
  readonly #keys: ReadonlyMap<string, Promise<CryptoKey>>

  /** @throws FacewiseError `INVALID_ARGUMENT` for a key of another kind or length; its bytes are not in the message. */
  constructor({ key, keyId = '1', previous = {} }: EncryptionKeys) {
    this.current = checkId(keyId, 'The name of the key (keyId)')
    const keys = new Map([[keyId, imported(key, 'The key', ['encrypt', 'decrypt'])]])
    for (const [id, old] of Object.entries(previous)) {
      if (id === keyId) {
        throw new FacewiseError(
          'INVALID_ARGUMENT',
          `The new key and a previous one have the same name, '${id}': give the new one another keyId.`,
        )
      }
      keys.set(checkId(id, 'The name of a previous key'), imported(old, `The previous key '${id}'`, ['decrypt']))
    }
    this.#keys = keys
  }

  /** The key of this name, if it is known. */
  get(id: string): Promise<CryptoKey> | undefined {
    return this.#keys.get(id)
  }
}

function imported(key: EncryptionKey, what: string, usages: readonly KeyUsage[]): Promise<CryptoKey> {
  const { subtle } = crypto
  if (!subtle) {
    throw new FacewiseError(
      'STORE_FAILED',
      'This page has no WebCrypto, which encrypts: browsers give it to pages from https: and from localhost only.',
    )
  }
  if (key instanceof CryptoKey) {
    const { name, length } = key.algorithm as AesKeyAlgorithm
    if (name !== 'AES-GCM' || length !== KEY_BYTES * 8 || !usages.every(usage => key.usages.includes(usage))) {
      throw new FacewiseError(
        'INVALID_ARGUMENT',
        `${what} must be for AES-GCM with 256 bits, for ${usages.join(' and ')}.`,
      )
    }
    return Promise.resolve(key)
  }
  const bytes = typeof key === 'string' ? fromBase64(key) : key
  if (!(bytes instanceof Uint8Array) || bytes.length !== KEY_BYTES) {
    const got = bytes instanceof Uint8Array ? `${bytes.length} bytes` : `something else (${typeof key})`
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `${what} must be ${KEY_BYTES} random bytes, or the same in base64, as generateKey() makes them; got ${got}. A pass phrase is no key.`,
    )
  }
  const importing = subtle.importKey('raw', bytes as Uint8Array<ArrayBuffer>, 'AES-GCM', false, [...usages])
  // Whoever uses the key hears of a failure; nobody may ever use it.
  importing.catch(() => {})
  return importing
}
