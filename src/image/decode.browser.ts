import { imageSize } from 'image-size'
import { FacewiseError, messageOf, throwIfAborted } from '../errors.ts'
import { fetchPicture, rejectEmpty, unsupportedInput } from './encoded.ts'
import type { BrowserImage, DecodeOptions, ImageInput } from './input.ts'
import { checkPixelLimit, fromRawPixels, type Picture } from './picture.ts'

/** Reads and decodes with the browser's own decoders. Part of {@link decode}. */
export async function readEncoded(input: ImageInput, options: DecodeOptions & { maxPixels: number }): Promise<Picture> {
  const { maxPixels, signal } = options
  if (typeof input === 'string' || input instanceof URL) {
    const { bytes, name } = await fetchPicture(String(input), signal)
    return decodeBytes(bytes, name, maxPixels, signal)
  }
  if (input instanceof Uint8Array) return decodeBytes(input, 'The picture', maxPixels, signal)
  if (input instanceof ArrayBuffer) return decodeBytes(new Uint8Array(input), 'The picture', maxPixels, signal)
  if (input instanceof Blob) {
    const name = input instanceof File ? `"${input.name}"` : 'The picture'
    return decodeBytes(new Uint8Array(await input.arrayBuffer()), name, maxPixels, signal)
  }
  return readDrawable(input as BrowserImage, maxPixels)
}

async function decodeBytes(
  bytes: Uint8Array,
  name: string,
  maxPixels: number,
  signal: AbortSignal | undefined,
): Promise<Picture> {
  rejectEmpty(bytes, name)
  const unreadable = (error: unknown): FacewiseError =>
    new FacewiseError(
      'IMAGE_UNREADABLE',
      `${name} cannot be decoded: ${messageOf(error).replace(/\.$/, '')}. Give a whole JPEG, PNG, WebP, GIF or AVIF.`,
      { cause: error },
    )
  let size: { width: number; height: number }
  try {
    size = imageSize(bytes)
  } catch (error) {
    throw unreadable(error)
  }
  checkPixelLimit(size.width, size.height, maxPixels)
  throwIfAborted(signal)
  let bitmap: ImageBitmap
  try {
    bitmap = await createImageBitmap(new Blob([bytes as BlobPart]), { imageOrientation: 'from-image' })
  } catch (error) {
    throw unreadable(error)
  }
  try {
    return draw(bitmap, bitmap.width, bitmap.height)
  } finally {
    bitmap.close()
  }
}

async function readDrawable(input: BrowserImage, maxPixels: number): Promise<Picture> {
  const isA = (name: string): boolean => {
    const type = (globalThis as Record<string, unknown>)[name]
    return typeof type === 'function' && input instanceof type
  }
  let width = 0
  let height = 0
  if (isA('HTMLImageElement')) {
    const image = input as HTMLImageElement
    try {
      await image.decode()
    } catch (error) {
      throw new FacewiseError('IMAGE_UNREADABLE', `The <img> did not load "${image.currentSrc || image.src}".`, {
        cause: error,
      })
    }
    width = image.naturalWidth
    height = image.naturalHeight
  } else if (isA('HTMLVideoElement')) {
    width = (input as HTMLVideoElement).videoWidth
    height = (input as HTMLVideoElement).videoHeight
    if (width * height === 0) {
      throw new FacewiseError('IMAGE_UNREADABLE', 'The <video> has no frame yet: wait for its "loadeddata" event.')
    }
  } else if (isA('VideoFrame')) {
    width = (input as VideoFrame).displayWidth
    height = (input as VideoFrame).displayHeight
  } else if (isA('ImageBitmap') || isA('HTMLCanvasElement') || isA('OffscreenCanvas')) {
    width = (input as ImageBitmap).width
    height = (input as ImageBitmap).height
  } else {
    throw unsupportedInput(
      'Give an address, bytes, a Blob, pixels, an <img>, <canvas>, <video>, ImageBitmap or VideoFrame.',
    )
  }
  if (width * height === 0)
    throw new FacewiseError('IMAGE_UNREADABLE', `The picture has no pixels (${width} x ${height}).`)
  checkPixelLimit(width, height, maxPixels)
  return draw(input as CanvasImageSource, width, height)
}

function draw(source: CanvasImageSource, width: number, height: number): Picture {
  const canvas = new OffscreenCanvas(width, height)
  // `willReadFrequently` keeps the canvas in main memory, where it is read from.
  const context = canvas.getContext('2d', { willReadFrequently: true, colorSpace: 'srgb' })
  if (!context) {
    throw new FacewiseError(
      'IMAGE_UNREADABLE',
      `The browser gave no canvas of ${width} x ${height}; scale the picture down.`,
    )
  }
  context.fillStyle = '#fff'
  context.fillRect(0, 0, width, height)
  context.drawImage(source, 0, 0, width, height)
  try {
    return fromRawPixels(context.getImageData(0, 0, width, height))
  } catch (error) {
    throw new FacewiseError(
      'IMAGE_UNREADABLE',
      'The browser does not let this picture be read: it comes from another origin. Serve it with CORS headers and set `crossOrigin`.',
      { cause: error },
    )
  }
}
