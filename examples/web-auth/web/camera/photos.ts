/** Photos for those who have no camera, or do not want to use it. */
import { FRAME_FIELDS, LIMITS } from '../../protocol.ts'
import { Problem } from '../problem.ts'

/** Larger ones show no more of a face that the networks could use. */
const LONGEST_SIDE = 1600

/**
 * A body with photos, drawn anew: smaller, upright, and without what cameras write beside the picture, such as the place.
 *
 * @throws Problem `photo-unreadable`.
 */
export async function photosBody(files: readonly File[]): Promise<FormData> {
  const form = new FormData()
  for (const file of files.slice(0, LIMITS.photos)) form.append(FRAME_FIELDS.photo, await redrawn(file), 'photo.jpg')
  return form
}

async function redrawn(file: File): Promise<Blob> {
  try {
    const picture = await createImageBitmap(file, { imageOrientation: 'from-image' })
    const scale = Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height))
    const canvas = new OffscreenCanvas(Math.round(picture.width * scale), Math.round(picture.height * scale))
    const context = canvas.getContext('2d')!
    context.imageSmoothingQuality = 'high'
    context.drawImage(picture, 0, 0, canvas.width, canvas.height)
    picture.close()
    return await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.92 })
  } catch (error) {
    throw new Problem('photo-unreadable', undefined, error)
  }
}
