/** Cuts faces out of pictures and groups their embeddings: plain arithmetic on typed arrays, off the page and without TensorFlow.js. */
import { alignCrops, type Clusters, cluster, type EmbedderManifest, type FivePoints } from 'facewise/embed'
import { type Box, decode } from 'facewise/image'
import { answerCalls, type CallContext } from '../line.ts'
import { MAX_PIXELS } from '../pictures/limits.ts'

/** Faces of one picture that are to be cut out. */
export interface CropCall {
  readonly picture: Blob
  readonly boxes: readonly Box[]
  /** Side of the crops in pixels. */
  readonly side: number
}

/** Faces that are to be cut out as a network sees them. */
export interface AlignCall {
  readonly picture: Blob
  readonly faces: readonly { readonly box: Box; readonly landmarks?: FivePoints }[]
  readonly manifest: EmbedderManifest
}

/** Embeddings that are to be grouped: `count` rows beside each other. */
export interface GroupCall {
  readonly vectors: Float32Array
  readonly count: number
  readonly threshold: number
  readonly metric: 'cosine' | 'euclidean'
}

/** Of the face's box, that is added on every side: a face is known by its hair, too. */
const MARGIN = 0.3

answerCalls({ crop, align, group })

async function crop({ picture, boxes, side }: CropCall): Promise<ImageBitmap[]> {
  // Upright, as the detector saw it.
  const bitmap = await createImageBitmap(picture, { imageOrientation: 'from-image' })
  try {
    return boxes.map(({ x, y, width, height }) => {
      const canvas = new OffscreenCanvas(side, side)
      const context = canvas.getContext('2d')!
      const length = Math.max(width, height) * (1 + 2 * MARGIN)
      context.imageSmoothingQuality = 'high'
      context.drawImage(bitmap, x + (width - length) / 2, y + (height - length) / 2, length, length, 0, 0, side, side)
      return canvas.transferToImageBitmap()
    })
  } finally {
    bitmap.close()
  }
}

async function align({ picture, faces, manifest }: AlignCall, { signal }: CallContext): Promise<ImageData[]> {
  const { inputSize } = manifest.networks[0]
  if (inputSize === 'any') return []
  const [height, width] = inputSize
  const decoded = await decode(picture, { signal, maxPixels: MAX_PIXELS })
  // As they are, not as the network wants its numbers: they are to be looked at.
  const asTheyAre = { mean: 0, divisor: 1 }
  const pixels = alignCrops(decoded, faces, manifest.embedding.alignment, { width, height }, asTheyAre)
  return faces.map((_, i) => {
    const image = new ImageData(width, height)
    const from = i * width * height * 3
    for (let p = 0; p < width * height; p++) {
      for (let channel = 0; channel < 3; channel++) image.data[p * 4 + channel] = pixels[from + p * 3 + channel]
      image.data[p * 4 + 3] = 255
    }
    return image
  })
}

function group({ vectors, count, threshold, metric }: GroupCall): Clusters {
  const dimension = vectors.length / count
  const rows = Array.from({ length: count }, (_, i) => vectors.subarray(i * dimension, (i + 1) * dimension))
  return cluster(rows, { threshold, metric })
}
