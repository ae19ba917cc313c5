/** A worker: makes JPEG of bitmaps. On the page's own thread this would take it some milliseconds a frame. */
export interface EncodeCall {
  readonly id: number
  readonly bitmap: ImageBitmap
  readonly mostBytes: number
}

export interface EncodeAnswer {
  readonly id: number
  /** Absent if the picture could not be written. */
  readonly jpeg?: Blob
}

const QUALITIES = [0.85, 0.7, 0.5, 0.3]

addEventListener('message', async ({ data }: MessageEvent<EncodeCall>) => {
  const { id, bitmap, mostBytes } = data
  const answer: { id: number; jpeg?: Blob } = { id }
  try {
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height)
    canvas.getContext('2d')!.drawImage(bitmap, 0, 0)
    for (const quality of QUALITIES) {
      answer.jpeg = await canvas.convertToBlob({ type: 'image/jpeg', quality })
      if (answer.jpeg.size <= mostBytes) break
    }
  } finally {
    bitmap.close()
    postMessage(answer satisfies EncodeAnswer)
  }
})
