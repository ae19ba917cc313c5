/** Reads many photos: their faces, embeddings and crops, several at a time, in workers. */
import type { RepresentedFace } from 'facewise'
import { cropFaces, SMALL_CROP } from '../faces/client.ts'
import { libraryForMany } from '../library.ts'
import { MAX_PIXELS } from '../pictures/limits.ts'
import { inWords, isAbort } from '../words.ts'

/** A face of one of the photos. */
export interface FoundFace {
  readonly file: File
  readonly face: RepresentedFace
  readonly crop: HTMLCanvasElement
}

/** Hears how far it is. */
export interface ReadListener {
  /** A photo is done, with these faces. */
  onFaces(faces: readonly FoundFace[]): void
  /** A photo cannot be read; the others go on. */
  onProblem(sentence: string): void
}

/** Photos under way: enough that no worker waits while another photo is cut up. */
const UNDER_WAY = 8

/** Reads all photos. @throws FacewiseError `ABORTED` once the signal has fired, and what no other photo would fare better with. */
export async function readPhotos(files: readonly File[], listener: ReadListener, signal: AbortSignal): Promise<void> {
  const fw = await libraryForMany()
  let next = 0
  const readOn = async (): Promise<void> => {
    while (next < files.length) {
      const file = files[next++]
      try {
        const faces = await fw.represent(file, { signal, maxPixels: MAX_PIXELS })
        const crops = await cropFaces(file, faces, SMALL_CROP, signal)
        listener.onFaces(faces.map((face, i) => ({ file, face, crop: crops[i] })))
      } catch (error) {
        if (isAbort(error) || isHopeless(error)) throw error
        listener.onProblem(inWords(error, file.name))
      }
    }
  }
  try {
    await Promise.all(Array.from({ length: Math.min(UNDER_WAY, files.length) }, readOn))
  } finally {
    // Its workers hold the models' memory, and the next folder may never come.
    await fw.dispose()
  }
}

function isHopeless(error: unknown): boolean {
  return ['BACKEND_UNAVAILABLE', 'MODEL_NOT_FOUND', 'MODEL_CORRUPT', 'DISPOSED'].includes(
    (error as { code?: string }).code ?? '',
  )
}
