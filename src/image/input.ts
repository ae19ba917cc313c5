import type { Picture, RawPixels } from './picture.ts'

/**
 * Everything that can be given as a picture.
 *
 * - `string` or `URL`: a path (Node) or an address (`https:`, `data:`, `blob:`; in a browser relative to the page).
 * - `Uint8Array`, `ArrayBuffer`, `Blob`, `File`: an encoded picture, JPEG, PNG, WebP, GIF (first frame) or AVIF.
 * - {@link RawPixels}, `ImageData`, {@link Picture}: pixels.
 * - Browser only: `<img>`, `<canvas>`, `OffscreenCanvas`, `<video>`, `ImageBitmap`, `VideoFrame`.
 */
export type ImageInput = string | URL | Uint8Array | ArrayBuffer | Blob | RawPixels | Picture | BrowserImage

/** Pictures that only a browser has. */
export type BrowserImage =
  | ImageData
  | ImageBitmap
  | HTMLImageElement
  | HTMLCanvasElement
  | OffscreenCanvas
  | HTMLVideoElement
  | VideoFrame

/** How to decode. */
export interface DecodeOptions {
  /** The most pixels that a picture may have, checked before it is decoded. 100 million by default. */
  readonly maxPixels?: number
  readonly signal?: AbortSignal
}

/** The default of {@link DecodeOptions.maxPixels}: 100 megapixels, some 300 MB once decoded. */
export const DEFAULT_MAX_PIXELS = 100_000_000
