/** Kinds of pictures that are taken. */
export type PictureKind = 'jpeg' | 'webp' | 'png'

/** What the header of a picture says, before anything is decoded. */
export interface PictureSize {
  readonly kind: PictureKind
  readonly width: number
  readonly height: number
}

/**
 * Reads the size of a JPEG (ITU-T T.81, B.2), a still WebP (RFC 9649) or a PNG (ISO/IEC 15948) from its header: a small file may claim
 * any number of pixels, and a decoder would make room for them.
 *
 * @returns `undefined` for anything else.
 */
export function pictureSize(bytes: Uint8Array): PictureSize | undefined {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (data.length < 30) return undefined
  if (data[0] === 0xff && data[1] === 0xd8) return jpegSize(data)
  if (data.toString('latin1', 0, 4) === 'RIFF' && data.toString('latin1', 8, 12) === 'WEBP') return webpSize(data)
  if (data.toString('latin1', 1, 4) === 'PNG' && data.toString('latin1', 12, 16) === 'IHDR') {
    return { kind: 'png', width: data.readUInt32BE(16), height: data.readUInt32BE(20) }
  }
  return undefined
}

function jpegSize(data: Buffer): PictureSize | undefined {
  let at = 2
  while (at + 9 < data.length && data[at] === 0xff) {
    const marker = data[at + 1]
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc
    if (isFrame) return { kind: 'jpeg', width: data.readUInt16BE(at + 7), height: data.readUInt16BE(at + 5) }
    // Fill bytes before a marker.
    at += marker === 0xff ? 1 : 2 + data.readUInt16BE(at + 2)
  }
  return undefined
}

function webpSize(data: Buffer): PictureSize | undefined {
  const [kind, chunk] = ['webp' as const, data.toString('latin1', 12, 16)]
  if (chunk === 'VP8 ') return { kind, width: data.readUInt16LE(26) & 0x3fff, height: data.readUInt16LE(28) & 0x3fff }
  if (chunk === 'VP8L') {
    const bits = data.readUInt32LE(21)
    return { kind, width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }
  }
  const animated = (data[20] & 0x02) !== 0
  if (chunk !== 'VP8X' || animated) return undefined
  return { kind, width: data.readUIntLE(24, 3) + 1, height: data.readUIntLE(27, 3) + 1 }
}
