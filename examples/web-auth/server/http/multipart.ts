/** A part of a `multipart/form-data` body. */
export interface Part {
  readonly name: string
  readonly type: string
  /** A view into the body. */
  readonly bytes: Uint8Array
}

/** Why a body is none, in words for the log. */
export class MalformedMultipart extends Error {}

export interface PartLimits {
  readonly parts: number
  /** The largest part of that name, in bytes; 0 for names that are not taken. */
  readonly bytesOf: (name: string) => number
}

const HEADER_BYTES = 1000
const CRLF2 = Buffer.from('\r\n\r\n')

/**
 * Cuts a body into its parts (RFC 7578; RFC 2046, 5.1). Nothing is copied and nothing decoded, and it stops at the first thing that is
 * too much.
 *
 * @param contentType the header with the boundary.
 * @throws MalformedMultipart, also for more or larger parts than `limits` allow.
 */
export function parseMultipart(body: Uint8Array, contentType: string, limits: PartLimits): Part[] {
  const boundary = /^multipart\/form-data\s*;(?:.*;)?\s*boundary=(?:"([^"\r\n]{1,70})"|([^\s;"]{1,70}))/i.exec(
    contentType,
  )
  const name = boundary?.[1] ?? boundary?.[2]
  if (!name) throw new MalformedMultipart('no boundary')
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length)
  const delimiter = Buffer.from(`\r\n--${name}`)
  const first = delimiter.subarray(2)
  if (!bytes.subarray(0, first.length).equals(first))
    throw new MalformedMultipart('it does not begin with its boundary')
  const parts: Part[] = []
  let at = first.length
  for (;;) {
    const after = bytes.toString('latin1', at, at + 2)
    if (after === '--') return parts
    if (after !== '\r\n') throw new MalformedMultipart('a boundary is followed by something else')
    if (parts.length >= limits.parts) throw new MalformedMultipart('too many parts')
    const headEnd = bytes.indexOf(CRLF2, at)
    if (headEnd < 0 || headEnd - at > HEADER_BYTES) throw new MalformedMultipart('a part without an end to its headers')
    const end = bytes.indexOf(delimiter, headEnd + 2)
    if (end < 0) throw new MalformedMultipart('a part without an end')
    const start = Math.min(headEnd + CRLF2.length, end)
    const { name: field, type } = headersOf(bytes.toString('latin1', at + 2, headEnd))
    if (end - start > limits.bytesOf(field))
      throw new MalformedMultipart(`the part "${field.slice(0, 20)}" is too large`)
    parts.push({ name: field, type, bytes: bytes.subarray(start, end) })
    at = end + delimiter.length
  }
}

function headersOf(text: string): { name: string; type: string } {
  const headers = new Map<string, string>()
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon < 1) throw new MalformedMultipart('a header without a colon')
    headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim())
  }
  const disposition = headers.get('content-disposition') ?? ''
  const name = /^form-data\s*;(?:.*;)?\s*name="([^"]*)"/i.exec(disposition)?.[1]
  if (!name) throw new MalformedMultipart('a part without a name')
  return { name, type: (headers.get('content-type') ?? '').split(';')[0].trim().toLowerCase() }
}
