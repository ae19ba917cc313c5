import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type Sharp from 'sharp'
import { FacewiseError, messageOf, throwIfAborted } from '../errors.ts'
import { fetchPicture, rejectEmpty, unsupportedInput } from './encoded.ts'
import type { DecodeOptions, ImageInput } from './input.ts'
import { checkPixelLimit, type Picture } from './picture.ts'

/** Reads and decodes with `sharp` (libvips). Part of {@link decode}. */
export async function readEncoded(input: ImageInput, options: DecodeOptions & { maxPixels: number }): Promise<Picture> {
  const { bytes, name } = await readBytes(input, options)
  rejectEmpty(bytes, name)
  const sharp = await loadSharp()
  throwIfAborted(options.signal)
  try {
    const image = open(sharp, bytes)
    const { width, height, icc } = await image.metadata()
    checkPixelLimit(width, height, options.maxPixels)
    throwIfAborted(options.signal)
    // Pixels of the standard profile are sRGB already: a conversion changes hardly any, and those by rounding, and takes twice as long as
    // to decode them.
    const { data, info } = await (isStandardSrgb(icc) ? open(sharp, bytes, true) : image)
      .autoOrient()
      .flatten({ background: '#fff' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true })
    const rgb = info.channels === 3 ? data : onlyColour(data, info.channels)
    return { data: new Uint8Array(rgb.buffer, rgb.byteOffset, rgb.length), width: info.width, height: info.height }
  } catch (error) {
    if (error instanceof FacewiseError) throw error
    throw new FacewiseError(
      'IMAGE_UNREADABLE',
      `${name} cannot be decoded: ${messageOf(error)}. Give a whole JPEG, PNG, WebP, GIF or AVIF.`,
      { cause: error },
    )
  }
}

/** libvips' own limit is lifted because ours is checked, on the header alone, before anything is decoded. */
function open(sharp: typeof Sharp, bytes: Uint8Array, ignoreIcc = false): ReturnType<typeof Sharp> {
  return sharp(bytes, { limitInputPixels: false, failOn: 'truncated', ignoreIcc })
}

const STANDARD_SRGB = { bytes: 3144, sha256: '2b3aa1645779a9e634744faf9b01e9102b0c9b88fd6deced7934df86b949af7e' }

/** Whether a profile is the one of 1998 by Hewlett-Packard, "sRGB IEC61966-2.1", that most cameras and programs write. */
function isStandardSrgb(icc: Uint8Array | undefined): boolean {
  return icc?.length === STANDARD_SRGB.bytes && createHash('sha256').update(icc).digest('hex') === STANDARD_SRGB.sha256
}

/** Grey repeated, or the first three of more channels. */
function onlyColour(data: Uint8Array, channels: number): Uint8Array {
  const count = data.length / channels
  const rgb = new Uint8Array(count * 3)
  const step = channels < 3 ? 0 : 1
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < 3; k++) rgb[i * 3 + k] = data[i * channels + k * step]
  }
  return rgb
}

async function readBytes(input: ImageInput, { signal }: DecodeOptions): Promise<{ bytes: Uint8Array; name: string }> {
  if (input instanceof Uint8Array) return { bytes: input, name: 'The picture' }
  if (input instanceof ArrayBuffer) return { bytes: new Uint8Array(input), name: 'The picture' }
  if (input instanceof Blob) {
    const name = 'name' in input ? `"${String(input.name)}"` : 'The picture'
    return { bytes: new Uint8Array(await input.arrayBuffer()), name }
  }
  const address = input instanceof URL ? input.href : input
  if (typeof address !== 'string')
    throw unsupportedInput('In Node, give a path, an address, bytes, a Blob or raw pixels.')
  if (/^(https?|data|blob):/.test(address)) return fetchPicture(address, signal)
  return readPath(address.startsWith('file:') ? pathOf(address) : address, signal)
}

function pathOf(address: string): string {
  try {
    return fileURLToPath(address)
  } catch (error) {
    throw new FacewiseError('IMAGE_NOT_FOUND', `"${address}" is no file of this machine: ${messageOf(error)}.`, {
      cause: error,
    })
  }
}

async function readPath(path: string, signal: AbortSignal | undefined): Promise<{ bytes: Uint8Array; name: string }> {
  try {
    return { bytes: await readFile(path, { signal }), name: `"${path}"` }
  } catch (error) {
    throwIfAborted(signal)
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'EISDIR') {
      throw new FacewiseError('IMAGE_UNREADABLE', `"${path}" is a folder; give the pictures in it.`, { cause: error })
    }
    throw new FacewiseError(
      'IMAGE_NOT_FOUND',
      `"${path}" cannot be read (${code ?? messageOf(error)}). Check the path.`,
      {
        cause: error,
      },
    )
  }
}

async function loadSharp(): Promise<typeof Sharp> {
  try {
    return (await import('sharp')).default
  } catch (error) {
    throw new FacewiseError(
      'DEPENDENCY_MISSING',
      'Decoding pictures in Node needs the package "sharp": run `npm install sharp`, or give raw pixels { data, width, height }.',
      { cause: error },
    )
  }
}
