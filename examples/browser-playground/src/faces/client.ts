/** The page's side of cutting faces out and grouping them. */
import type { Face } from 'facewise/detect'
import type { Clusters, EmbedderManifest, Embedding } from 'facewise/embed'
import { type Line, lineTo } from '../line.ts'
import type { AlignCall, CropCall, GroupCall } from './worker.ts'

let line: Line | undefined

function call(method: string, input: unknown, signal?: AbortSignal): Promise<unknown> {
  line ??= lineTo(new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'faces' }))
  return line.call(method, input, { signal })
}

/** Side of a crop in pixels: sharp on a screen with two pixels for one. */
export const LARGE_CROP = 192
/** The same where there may be thousands. */
export const SMALL_CROP = 112

/** A canvas for each face, with some of its surroundings. */
export async function cropFaces(
  picture: Blob,
  faces: readonly Face[],
  side: number,
  signal?: AbortSignal,
): Promise<HTMLCanvasElement[]> {
  if (faces.length === 0) return []
  const asked: CropCall = { picture, boxes: faces.map(({ box }) => box), side }
  const bitmaps = (await call('crop', asked, signal)) as ImageBitmap[]
  return bitmaps.map(bitmap => {
    const canvas = document.createElement('canvas')
    canvas.width = bitmap.width
    canvas.height = bitmap.height
    canvas.getContext('bitmaprenderer')!.transferFromImageBitmap(bitmap)
    return canvas
  })
}

/** A canvas for each face, turned and scaled as the embedder's network sees it. */
export async function alignFaces(
  picture: Blob,
  faces: readonly Face[],
  manifest: EmbedderManifest,
  signal?: AbortSignal,
): Promise<HTMLCanvasElement[]> {
  const asked: AlignCall = { picture, faces: faces.map(({ box, landmarks }) => ({ box, landmarks })), manifest }
  const images = (await call('align', asked, signal)) as ImageData[]
  return images.map(image => {
    const canvas = document.createElement('canvas')
    canvas.width = image.width
    canvas.height = image.height
    canvas.getContext('2d')!.putImageData(image, 0, 0)
    return canvas
  })
}

/** Groups embeddings by person: all pairs are compared, which takes a while for thousands. */
export async function groupFaces(
  embeddings: readonly Embedding[],
  { metric }: EmbedderManifest['embedding'],
  threshold: number,
  signal?: AbortSignal,
): Promise<Clusters> {
  if (embeddings.length === 0) return { labels: new Int32Array(0), groups: [] }
  const dimension = embeddings[0].vector.length
  const vectors = new Float32Array(embeddings.length * dimension)
  embeddings.forEach(({ vector }, i) => {
    vectors.set(vector, i * dimension)
  })
  const asked: GroupCall = { vectors, count: embeddings.length, threshold, metric }
  return (await call('group', asked, signal)) as Clusters
}
