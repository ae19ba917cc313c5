import type { FacewiseError } from '../errors.ts'
import { unsupportedInput } from '../image/encoded.ts'
import { type ImageInput, isRawPixels } from '../image/index.ts'

/** A picture on its way to a worker. */
export interface Parcel {
  /** What is sent, made when it is sent: a picture that waits its turn is not held twice. */
  pack(): Packed
  /** Lets go of a snapshot that was never sent. */
  release?(): void
  /** What it means that this could not be sent. */
  refused?(error: unknown): FacewiseError
}

/** A picture that can be cloned, and what of it changes hands. */
export interface Packed {
  readonly value: unknown
  readonly transfer: readonly ArrayBuffer[]
}

/**
 * Bytes for a worker: a copy that changes hands, which costs one copying where cloning would cost two. Bytes in shared memory are not
 * copied. With `give`, the bytes themselves change hands if they are all of their buffer.
 */
export function packBytes(bytes: Uint8Array | Uint8ClampedArray, give: boolean, encoded: boolean): Packed {
  const { buffer, byteOffset, byteLength } = bytes
  // Also of a buffer that was given away before: Node loses, without a word, a message that is to transfer one.
  if (byteLength === 0) return { value: new Uint8Array(0), transfer: [] }
  const own = buffer instanceof ArrayBuffer
  // Decoders of the platform take no shared memory.
  if (!own && !encoded) return { value: bytes, transfer: [] }
  if (own && give && byteLength === buffer.byteLength) return { value: bytes, transfer: [buffer] }
  // Not `bytes.slice()`: of Node's Buffer, that is a view.
  const copy = new Uint8Array(buffer, byteOffset, byteLength).slice()
  return { value: copy, transfer: [copy.buffer as ArrayBuffer] }
}

/**
 * The parcel of a kind of picture that every platform has; nothing for the others.
 *
 * @param give whether bytes change hands.
 */
export function commonParcel(input: ImageInput, give: boolean): Parcel | undefined {
  if (typeof input === 'string') return { pack: () => ({ value: input, transfer: [] }) }
  if (input instanceof URL) return { pack: () => ({ value: input.href, transfer: [] }) }
  if (input instanceof Uint8Array) return { pack: () => packBytes(input, give, true) }
  if (input instanceof ArrayBuffer) return { pack: () => packBytes(new Uint8Array(input), give, true) }
  if (input instanceof Blob) return { pack: () => ({ value: input, transfer: [] }) }
  if (!isRawPixels(input)) return undefined
  return {
    pack() {
      const { data, width, height } = input
      const { channels } = input as { channels?: number }
      const { value, transfer } = packBytes(data as Uint8Array, give, false)
      return { value: { data: value, width, height, ...(channels !== undefined && { channels }) }, transfer }
    },
  }
}

export { unsupportedInput }
