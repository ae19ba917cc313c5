import { FacewiseError, messageOf } from '../../errors.ts'
import type { Metadata } from '../metadata.ts'
import { readFloats, writeFloats } from '../snapshot.ts'
import type { FaceRecord, Identity } from '../store.ts'
import { fromBase64, toBase64 } from './base64.ts'
import type { KeyRing } from './keys.ts'

/*
 * How an encrypted record lies in the inner store: id, subject and time as they are; the model `encrypted:DIMENSION:MODEL`; the vector
 * [1], which every record has; metadata { key: the key's name, ciphertext: base64 }. The ciphertext is the nonce (12 bytes), then
 * AES-256-GCM (NIST SP 800-38D) of the vector (float32, little-endian) and the metadata (JSON, filled up with spaces), then its tag (16
 * bytes). What stands outside is bound to it as associated data, each part behind its length, so that no two records have the same.
 */
const PURPOSE = 'facewise record 1'
const NONCE_BYTES = 12

/** Metadata are filled up to multiples of this, so that their length says little about them. */
const PADDING = 64

const encoder = new TextEncoder()

/** What an inner store holds, for embeddings of this identity. */
export function sealedIdentity({ model, dimension }: Identity): Identity {
  return { model: `encrypted:${dimension}:${model}`, dimension: 1 }
}

/** What is encrypted in a store of this identity; nothing where it is not encrypted. */
export function openedIdentity({ model, dimension }: Identity): Identity | undefined {
  const parts = /^encrypted:([1-9]\d*):(.+)$/s.exec(model)
  return parts && dimension === 1 ? { model: parts[2], dimension: Number(parts[1]) } : undefined
}

/** The record as the inner store keeps it. */
export async function seal(record: FaceRecord, keys: KeyRing): Promise<FaceRecord> {
  const { id, subject, vector, time, model } = record
  const dimension = vector.length
  const json = encoder.encode(JSON.stringify(record.metadata))
  const plain = new Uint8Array(dimension * 4 + Math.ceil(json.length / PADDING) * PADDING).fill(0x20)
  writeFloats(plain, 0, vector)
  plain.set(json, dimension * 4)
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES))
  const additionalData = bound(record, { model, dimension }, keys.current)
  const key = (await keys.get(keys.current)) as CryptoKey
  const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv: nonce, additionalData }, key, plain)
  const bytes = new Uint8Array(NONCE_BYTES + sealed.byteLength)
  bytes.set(nonce)
  bytes.set(new Uint8Array(sealed), NONCE_BYTES)
  const metadata = { key: keys.current, ciphertext: toBase64(bytes) }
  return { id, subject, time, vector: Float32Array.of(1), model: sealedIdentity({ model, dimension }).model, metadata }
}

/**
 * The record that was sealed.
 *
 * @param identity what the store holds.
 * @throws FacewiseError `STORE_CORRUPT` that names the record, if anything of it was changed or its key is not known.
 */
export async function open(record: FaceRecord, identity: Identity, keys: KeyRing): Promise<FaceRecord> {
  const { id, subject, time } = record
  const { model, dimension } = identity
  const { key: keyId, ciphertext } = record.metadata
  const bytes = typeof ciphertext === 'string' ? fromBase64(ciphertext) : undefined
  if (typeof keyId !== 'string' || !bytes || bytes.length < NONCE_BYTES) {
    throw corrupt(id, 'has no ciphertext. Restore it from a copy, or delete it')
  }
  const key = keys.get(keyId)
  if (!key) throw corrupt(id, `is encrypted with the key '${keyId}', which was not given. Add it to \`previous\``)
  const iv = bytes.subarray(0, NONCE_BYTES) as Uint8Array<ArrayBuffer>
  const additionalData = bound(record, identity, keyId)
  const sealed = bytes.subarray(NONCE_BYTES) as Uint8Array<ArrayBuffer>
  let plain: Uint8Array
  try {
    plain = new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-GCM', iv, additionalData }, await key, sealed))
  } catch (cause) {
    // WebCrypto says no more, on purpose.
    throw corrupt(
      id,
      `cannot be decrypted with the key '${keyId}': it was damaged, changed or moved, or that is another key than it was encrypted ` +
        'with. Give the right key, restore the record from a copy, or delete it',
      cause,
    )
  }
  try {
    const json = new TextDecoder('utf-8', { fatal: true }).decode(plain.subarray(dimension * 4))
    const metadata = JSON.parse(json) as Metadata
    return { id, subject, vector: readFloats(plain, 0, dimension), model, time, metadata }
  } catch (cause) {
    throw corrupt(id, `is encrypted well but was written wrongly (${messageOf(cause)}). Delete it`, cause)
  }
}

/** What a ciphertext belongs to. Each part stands behind its length: `('ab', 'c')` and `('a', 'bc')` are two. */
function bound(
  { id, subject, time }: FaceRecord,
  { model, dimension }: Identity,
  keyId: string,
): Uint8Array<ArrayBuffer> {
  const parts = [PURPOSE, keyId, id, subject, model, String(dimension), String(time)].map(part => encoder.encode(part))
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + 4 + part.length, 0))
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const part of parts) {
    view.setUint32(at, part.length, true)
    bytes.set(part, at + 4)
    at += 4 + part.length
  }
  return bytes
}

function corrupt(id: string, why: string, cause?: unknown): FacewiseError {
  return new FacewiseError('STORE_CORRUPT', `The record "${id}" ${why}.`, { cause })
}
