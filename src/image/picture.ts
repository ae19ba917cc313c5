import { FacewiseError } from '../errors.ts'

/**
 * A decoded picture: upright, sRGB, three bytes a pixel (red, green, blue), rows from top to bottom without gaps.
 * `data.length` is `width * height * 3`.
 */
export interface Picture {
  readonly data: Uint8Array | Uint8ClampedArray
  readonly width: number
  readonly height: number
}

/** Pixels as other libraries hand them over: grey (1 channel), RGB (3) or RGBA (4), 8 bits each, rows without gaps. */
export interface RawPixels {
  readonly data: Uint8Array | Uint8ClampedArray
  readonly width: number
  readonly height: number
  /** Taken from the length of `data` where it is not given. */
  readonly channels?: number
}

/** A rectangle in pixels of the upright picture; `x`, `y` is its top left corner. It may reach over the picture's edge. */
export interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** Whether `value` holds pixels: a {@link Picture}, `ImageData` or {@link RawPixels}. */
export function isRawPixels(value: unknown): value is RawPixels {
  if (typeof value !== 'object' || value === null) return false
  const { data, width, height } = value as Partial<RawPixels>
  return (
    (data instanceof Uint8Array || data instanceof Uint8ClampedArray) &&
    typeof width === 'number' &&
    typeof height === 'number'
  )
}

/**
 * A {@link Picture} of raw pixels. Grey is repeated into three channels, alpha is composed over white. Pixels that are RGB
 * already are taken as they are, without a copy.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` if sizes and length do not fit; `IMAGE_TOO_LARGE` over `maxPixels`.
 */
export function fromRawPixels(pixels: RawPixels, maxPixels = Number.POSITIVE_INFINITY): Picture {
  const { data, width, height } = pixels
  const count = width * height
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `Pixels need a whole, positive width and height; got ${width} x ${height}.`,
    )
  }
  checkPixelLimit(width, height, maxPixels)
  const channels = pixels.channels ?? data.length / count
  if (data.length !== count * channels || (channels !== 1 && channels !== 3 && channels !== 4)) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `${data.length} bytes are no ${width} x ${height} picture: give 1 (grey), 3 (RGB) or 4 (RGBA) bytes a pixel.`,
    )
  }
  if (channels === 3) return { data, width, height }
  const rgb = new Uint8Array(count * 3)
  if (channels === 1) {
    for (let i = 0, o = 0; i < count; i++) {
      const grey = data[i]
      rgb[o++] = grey
      rgb[o++] = grey
      rgb[o++] = grey
    }
  } else {
    for (let i = 0, o = 0; i < data.length; i += 4) {
      const alpha = data[i + 3]
      if (alpha === 255) {
        rgb[o++] = data[i]
        rgb[o++] = data[i + 1]
        rgb[o++] = data[i + 2]
      } else {
        const white = 255 * (255 - alpha)
        rgb[o++] = (data[i] * alpha + white + 127) / 255
        rgb[o++] = (data[i + 1] * alpha + white + 127) / 255
        rgb[o++] = (data[i + 2] * alpha + white + 127) / 255
      }
    }
  }
  return { data: rgb, width, height }
}

/** @throws FacewiseError `IMAGE_TOO_LARGE` if the picture has more than `maxPixels`. */
export function checkPixelLimit(width: number, height: number, maxPixels: number): void {
  if (width * height > maxPixels) {
    throw new FacewiseError(
      'IMAGE_TOO_LARGE',
      `The picture is ${width} x ${height} = ${megapixels(width * height)} megapixels; the limit is ${megapixels(maxPixels)}. ` +
        'Scale it down first, or raise `maxPixels`.',
    )
  }
}

const megapixels = (pixels: number): string => String(Number((pixels / 1e6).toFixed(pixels < 1e6 ? 6 : 1)))
