import { FacewiseError } from '../../errors.ts'

/**
 * Reads zip archives whose files are stored as they are, as PyTorch writes them. That takes so little that no library is worth its
 * dependency here, and the files come as views of the archive: nothing is copied, and no size that the archive claims is ever
 * allocated.
 *
 * Source of the format: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3 and 4.5.3 (zip64). Checksums are not compared: PyTorch can be told to
 * leave them out (`torch.serialization.set_crc32_options`).
 */

/** The files of an archive by name. */
export interface ZipArchive {
  readonly names: readonly string[]
  has(name: string): boolean
  /**
   * The bytes of a file, as a view of the archive.
   *
   * @throws FacewiseError `MODEL_INVALID` if there is no such file, if it is compressed or encrypted, or lies outside the archive.
   */
  read(name: string): Uint8Array
}

interface Entry {
  readonly flags: number
  readonly method: number
  readonly packed: number
  readonly size: number
  readonly offset: number
}

const LOCAL = 0x04034b50
const CENTRAL = 0x02014b50
const END = 0x06054b50
const ZIP64_END = 0x06064b50
const ZIP64_LOCATOR = 0x07064b50
const END_BYTES = 22
const LOCATOR_BYTES = 20
/** In a field of 2 or 4 bytes: the number stands in the zip64 record. */
const SEE_ZIP64_SHORT = 0xffff
const SEE_ZIP64 = 0xffffffff

/** @throws FacewiseError `MODEL_INVALID` if `bytes` are no zip archive, or its directory is damaged. */
export function openZip(bytes: Uint8Array): ZipArchive {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const { entries, end } = readDirectory(bytes, view)
  return {
    names: [...entries.keys()],
    has: name => entries.has(name),
    read(name) {
      const entry = entries.get(name)
      if (!entry) throw invalid(`it has no file "${name}"`)
      if (entry.flags & 1) throw invalid(`"${name}" in it is encrypted`)
      if (entry.method !== 0 || entry.packed !== entry.size) {
        throw invalid(`"${name}" in it is compressed; torch.save stores its files as they are: save it again with that`)
      }
      if (entry.offset + 30 > end || view.getUint32(entry.offset, true) !== LOCAL) {
        throw invalid(`"${name}" is not where its directory says`)
      }
      // Names and extra fields of the local header may have other lengths than in the directory: PyTorch aligns with them.
      const start =
        entry.offset + 30 + view.getUint16(entry.offset + 26, true) + view.getUint16(entry.offset + 28, true)
      if (start + entry.size > end) throw invalid(`"${name}" in it is cut off`)
      return bytes.subarray(start, start + entry.size)
    },
  }
}

/** The entries, and where the directory begins: files end before it. */
function readDirectory(bytes: Uint8Array, view: DataView): { entries: Map<string, Entry>; end: number } {
  const { count, size, offset } = findDirectory(view)
  const decoder = new TextDecoder()
  const entries = new Map<string, Entry>()
  let at = offset
  for (let i = 0; i < count; i++) {
    if (at + 46 > offset + size || view.getUint32(at, true) !== CENTRAL) throw invalid('its directory is damaged')
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map(field => view.getUint16(at + field, true))
    const next = at + 46 + nameLength + extraLength + commentLength
    if (next > offset + size) throw invalid('its directory is damaged')
    const name = decoder.decode(bytes.subarray(at + 46, at + 46 + nameLength))
    // Of two files with one name, programs take different ones.
    if (entries.has(name)) throw invalid(`it has two files "${name}"`)
    entries.set(name, readEntry(view, at, at + 46 + nameLength, extraLength))
    at = next
  }
  if (at !== offset + size) throw invalid('its directory is damaged')
  return { entries, end: offset }
}

function readEntry(view: DataView, at: number, extraAt: number, extraLength: number): Entry {
  const entry = {
    flags: view.getUint16(at + 8, true),
    method: view.getUint16(at + 10, true),
    size: view.getUint32(at + 24, true),
    packed: view.getUint32(at + 20, true),
    offset: view.getUint32(at + 42, true),
  }
  const large = (['size', 'packed', 'offset'] as const).filter(field => entry[field] === SEE_ZIP64)
  if (large.length === 0) return entry
  const end = extraAt + extraLength
  for (let field = extraAt; field + 4 <= end; field += 4 + view.getUint16(field + 2, true)) {
    if (view.getUint16(field, true) !== 1) continue
    const fieldEnd = Math.min(field + 4 + view.getUint16(field + 2, true), end)
    // Only the numbers that do not fit stand here, in this order.
    large.forEach((name, i) => {
      const number = field + 4 + 8 * i
      if (number + 8 > fieldEnd) throw invalid('its directory is damaged')
      entry[name] = readUint64(view, number)
    })
    return entry
  }
  throw invalid('its directory is damaged')
}

function findDirectory(view: DataView): { count: number; size: number; offset: number } {
  const end = findEnd(view)
  const directory = {
    count: view.getUint16(end + 10, true),
    size: view.getUint32(end + 12, true),
    offset: view.getUint32(end + 16, true),
  }
  let limit = end
  const { count, size, offset } = directory
  if (count === SEE_ZIP64_SHORT || size === SEE_ZIP64 || offset === SEE_ZIP64) {
    const locator = end - LOCATOR_BYTES
    if (locator < 0 || view.getUint32(locator, true) !== ZIP64_LOCATOR) throw invalid('its directory is damaged')
    const record = readUint64(view, locator + 8)
    if (record + 56 > locator || view.getUint32(record, true) !== ZIP64_END) throw invalid('its directory is damaged')
    directory.count = readUint64(view, record + 32)
    directory.size = readUint64(view, record + 40)
    directory.offset = readUint64(view, record + 48)
    limit = record
  }
  if (directory.offset + directory.size > limit) throw invalid('it is cut off')
  return directory
}

/** Where the last record begins; a comment of any length up to 65,535 may follow. */
function findEnd(view: DataView): number {
  const last = view.byteLength - END_BYTES
  for (let at = last; at >= 0 && last - at <= 0xffff; at--) {
    if (view.getUint32(at, true) === END && view.getUint16(at + 20, true) === last - at) return at
  }
  const begins = view.byteLength >= 4 && view.getUint32(0, true) === LOCAL
  throw invalid(begins ? 'it is a zip archive without its end: it was cut off; get it again' : 'it is no zip archive')
}

/** Numbers beyond 2^53 are rounded, and lie outside any archive. */
function readUint64(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32
}

function invalid(problem: string): FacewiseError {
  return new FacewiseError('MODEL_INVALID', `This archive cannot be read: ${problem}.`)
}
