import { readEncoded } from '#platform/image'
import { throwIfAborted } from '../errors.ts'
import { DEFAULT_MAX_PIXELS, type DecodeOptions, type ImageInput } from './input.ts'
import { fromRawPixels, isRawPixels, type Picture } from './picture.ts'

/**
 * Any picture in, an upright sRGB {@link Picture} out: EXIF orientation is applied, colour profiles are converted, alpha is
 * composed over white; grey, 16-bit and CMYK become 8-bit RGB; of an animation the first frame is taken.
 *
 * @throws FacewiseError `IMAGE_NOT_FOUND`, `IMAGE_UNREADABLE`, `IMAGE_TOO_LARGE`, `IMAGE_UNSUPPORTED`, `INVALID_ARGUMENT`,
 * `DEPENDENCY_MISSING` (Node without `sharp`), `ABORTED`.
 */
export async function decode(input: ImageInput, options: DecodeOptions = {}): Promise<Picture> {
  const { maxPixels = DEFAULT_MAX_PIXELS, signal } = options
  throwIfAborted(signal)
  if (isRawPixels(input)) return fromRawPixels(input, maxPixels)
  return readEncoded(input, { maxPixels, signal })
}
