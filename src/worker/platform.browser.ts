import { FacewiseError, isFacewiseError, messageOf } from '../errors.ts'
import type { BrowserImage, ImageInput } from '../image/index.ts'
import type { WorkerLike } from './channel.ts'
import { commonParcel, type Parcel, unsupportedInput } from './parcel.ts'

/** Starts a module worker. In this very form, bundlers follow the address and build the worker. */
export function spawnWorker(): WorkerLike {
  return new Worker(new URL('./worker-entry.ts', import.meta.url), { type: 'module', name: 'facewise' })
}

/**
 * Hears of the end of a worker by the lock that it holds while it lives: `terminate()`, `close()` and a crash send no event.
 *
 * @param lock its name; the worker has it already. @returns stops.
 */
export function watchWorker(lock: string, gone: () => void): () => void {
  const { locks } = navigator as Partial<Navigator>
  if (!locks) return () => {}
  const controller = new AbortController()
  locks.request(lock, { signal: controller.signal }, gone).catch(() => {})
  return () => controller.abort()
}

/** An address relative to the page: for a worker it would be relative to its script. */
export function absoluteAddress(place: string | URL): string {
  const { document, location } = globalThis as Partial<typeof globalThis>
  const base = document?.baseURI ?? location?.href
  try {
    return new URL(place, base).href
  } catch {
    // Whoever reads it says what is wrong with it.
    return String(place)
  }
}

/**
 * What a worker can be sent of a picture. A worker has no document: elements become bitmaps here, at once, for the next frame of a video
 * is another picture.
 *
 * @throws FacewiseError `IMAGE_UNREADABLE` for an element without a picture, or with one of another origin; `IMAGE_UNSUPPORTED`.
 */
export async function parcelOf(input: ImageInput, give: boolean): Promise<Parcel> {
  if (typeof input === 'string') return commonParcel(absoluteAddress(input), give)!
  const parcel = commonParcel(input, give)
  if (parcel) return parcel
  const drawable = input as BrowserImage
  if (isA('ImageBitmap', drawable) || isA('VideoFrame', drawable)) {
    const transfer = give ? [drawable as unknown as ArrayBuffer] : []
    return { pack: () => ({ value: drawable, transfer }) }
  }
  let bitmap: ImageBitmap
  try {
    const source = readyElement(drawable)
    // A canvas and a video without a pause: what is drawn on them next is not what was meant.
    bitmap = await createImageBitmap(source instanceof Promise ? await source : source)
  } catch (error) {
    throw isFacewiseError(error) ? error : unreadable(`The picture cannot be read: ${messageOf(error)}`, error)
  }
  return {
    pack: () => ({ value: bitmap, transfer: [bitmap as unknown as ArrayBuffer] }),
    release: () => bitmap.close(),
    // Nothing else keeps a bitmap from being sent.
    refused: error => unreadable(OTHER_ORIGIN, error),
  }
}

const OTHER_ORIGIN =
  'The browser does not let this picture be read: it comes from another origin. Serve it with CORS headers and set `crossOrigin`.'

const unreadable = (message: string, cause?: unknown): FacewiseError =>
  new FacewiseError('IMAGE_UNREADABLE', message, { cause })

/** `instanceof` a class that need not exist here. */
function isA(name: string, value: unknown): boolean {
  const type = (globalThis as Record<string, unknown>)[name]
  return typeof type === 'function' && value instanceof type
}

/** The element, once it has a picture. */
function readyElement(element: BrowserImage): CanvasImageSource | Promise<CanvasImageSource> {
  if (isA('HTMLImageElement', element)) {
    const image = element as HTMLImageElement
    return image.decode().then(
      () => image,
      error => {
        throw unreadable(`The <img> did not load "${image.currentSrc || image.src}".`, error)
      },
    )
  }
  if (isA('HTMLVideoElement', element)) {
    const video = element as HTMLVideoElement
    if (video.videoWidth * video.videoHeight > 0) return video
    throw unreadable('The <video> has no frame yet: wait for its "loadeddata" event.')
  }
  if (isA('HTMLCanvasElement', element) || isA('OffscreenCanvas', element)) {
    const { width, height } = element as OffscreenCanvas
    if (width * height > 0) return element as OffscreenCanvas
    throw unreadable(`The picture has no pixels (${width} x ${height}).`)
  }
  throw unsupportedInput(
    'Give an address, bytes, a Blob, pixels, an <img>, <canvas>, <video>, ImageBitmap or VideoFrame.',
  )
}
