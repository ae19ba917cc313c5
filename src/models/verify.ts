import { FacewiseError } from '../errors.ts'
import type { ModelFile } from './manifest.ts'

/** The sha256 of `bytes` in hexadecimal, by WebCrypto. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const { subtle } = globalThis.crypto ?? {}
  if (!subtle) {
    throw new FacewiseError(
      'MODEL_CORRUPT',
      'Models cannot be checked here: WebCrypto exists only on https and localhost. Serve the page over https.',
    )
  }
  const digest = new Uint8Array(await subtle.digest('SHA-256', bytes as BufferSource))
  return Array.from(digest, byte => byte.toString(16).padStart(2, '0')).join('')
}

/** @throws FacewiseError `MODEL_CORRUPT` if `bytes` are not what the manifest says. */
export async function verify(file: ModelFile, bytes: Uint8Array, where: string): Promise<void> {
  const problem =
    bytes.length !== file.bytes
      ? `has ${bytes.length} bytes instead of ${file.bytes}`
      : (await sha256(bytes)) !== file.sha256 && 'has other contents (sha256) than its manifest says'
  if (problem) {
    throw new FacewiseError(
      'MODEL_CORRUPT',
      `${where} ${problem}. It is cut off, altered or of another version: get it again.`,
    )
  }
}
