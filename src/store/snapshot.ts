import { FacewiseError, messageOf } from '../errors.ts'
import type { Metadata } from './metadata.ts'
import type { FaceRecord, Identity } from './store.ts'

/*
 * A snapshot, all numbers little-endian (docs/stores.md says the same for other programs):
 *
 *   bytes 0-7    'FACEWISE'
 *   bytes 8-11   version, 1
 *   bytes 12-15  length of the header
 *   header       JSON: { model, dimension, count, entries } with `entries` the bytes of the entries below; padded with spaces to 16 bytes
 *   vectors      count x dimension float32
 *   entries      count lines of JSON: [id, subject, time, metadata]
 *   last 32      SHA-256 of all before
 */
const MAGIC = 'FACEWISE'
const VERSION = 1
const PREFIX = 16
const DIGEST = 32

/** The records as bytes. */
export async function encodeSnapshot(
  identity: Identity | undefined,
  records: readonly FaceRecord[],
): Promise<Uint8Array> {
  const { model, dimension } = identity ?? { model: '', dimension: 0 }
  const encoder = new TextEncoder()
  const lines = records.map(({ id, subject, time, metadata }) => `${JSON.stringify([id, subject, time, metadata])}\n`)
  const entries = encoder.encode(lines.join(''))
  const json = JSON.stringify({ model, dimension, count: records.length, entries: entries.length })
  const length = Math.ceil(encoder.encode(json).length / 16) * 16
  const header = encoder.encode(json + ' '.repeat(length - encoder.encode(json).length))
  const vectors = PREFIX + length
  const end = vectors + records.length * dimension * 4 + entries.length
  const bytes = new Uint8Array(end + DIGEST)
  const view = new DataView(bytes.buffer)
  bytes.set(encoder.encode(MAGIC))
  view.setUint32(8, VERSION, true)
  view.setUint32(12, length, true)
  bytes.set(header, PREFIX)
  records.forEach(({ vector }, row) => {
    writeFloats(bytes, vectors + row * dimension * 4, vector)
  })
  bytes.set(entries, end - entries.length)
  bytes.set(await sha256(bytes.subarray(0, end)), end)
  return bytes
}

/**
 * Records from the bytes of a snapshot.
 *
 * @throws FacewiseError `STORE_CORRUPT` for anything but the whole bytes of a snapshot.
 */
export async function decodeSnapshot(bytes: Uint8Array): Promise<{ identity?: Identity; records: FaceRecord[] }> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < PREFIX + DIGEST || new TextDecoder().decode(bytes.subarray(0, 8)) !== MAGIC) {
    throw corrupt('it is no snapshot of a store')
  }
  const version = view.getUint32(8, true)
  if (version !== VERSION) throw corrupt(`it is of version ${version}; this release reads version ${VERSION}`)
  const end = bytes.length - DIGEST
  const digest = await sha256(bytes.subarray(0, end))
  if (!digest.every((byte, i) => byte === bytes[end + i])) {
    throw corrupt('its checksum is not that of its bytes: it is damaged or cut off')
  }
  try {
    const vectors = PREFIX + view.getUint32(12, true)
    const decoder = new TextDecoder('utf-8', { fatal: true })
    const header = JSON.parse(decoder.decode(bytes.subarray(PREFIX, vectors)))
    const { model, dimension, count, entries } = header as Identity & { count: number; entries: number }
    if (vectors + count * dimension * 4 + entries !== end) throw new Error('its parts do not add up')
    const lines = decoder.decode(bytes.subarray(end - entries, end)).split('\n', count)
    const records = lines.slice(0, count).map((line, row): FaceRecord => {
      const [id, subject, time, metadata] = JSON.parse(line) as [string, string, number, Metadata]
      return { id, subject, vector: readFloats(bytes, vectors + row * dimension * 4, dimension), model, time, metadata }
    })
    return dimension === 0 ? { records: [] } : { identity: { model, dimension }, records }
  } catch (error) {
    throw corrupt(messageOf(error))
  }
}

function corrupt(why: string): FacewiseError {
  return new FacewiseError('STORE_CORRUPT', `The snapshot cannot be read: ${why}. Use another copy.`)
}

async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>))
}

/** Whether this machine's numbers are little-endian, as nearly all are. */
const LITTLE = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

/** Writes float32 numbers, little-endian on every machine; `at` need not be aligned. */
export function writeFloats(bytes: Uint8Array, at: number, floats: Float32Array): void {
  if (LITTLE) {
    bytes.set(new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength), at)
    return
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  floats.forEach((value, i) => {
    view.setFloat32(at + i * 4, value, true)
  })
}

/** Reads float32 numbers, little-endian on every machine; `at` need not be aligned. */
export function readFloats(bytes: Uint8Array, at: number, count: number): Float32Array {
  if (LITTLE) return new Float32Array(bytes.slice(at, at + count * 4).buffer)
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return Float32Array.from({ length: count }, (_, i) => view.getFloat32(at + i * 4, true))
}
