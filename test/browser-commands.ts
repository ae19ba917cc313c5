import type { BrowserCommand } from 'vitest/node'
import { createMtcnn, type Face, type Mtcnn } from '../src/detect/index.ts'
import { decode, resizeArea } from '../src/image/index.ts'
import { samplePhoto } from './data.ts'

type Photo = Parameters<typeof samplePhoto>[0]

let detector: Promise<Mtcnn> | undefined

/** What Node with WebAssembly finds on a sample photo, scaled to `width`: what the browsers' results are held against. */
const detectInNode: BrowserCommand<[photo: Photo, width: number]> = async (_, photo, width): Promise<Face[]> => {
  detector ??= createMtcnn({ backend: { prefer: 'wasm' } })
  const picture = await decode(samplePhoto(photo))
  const height = Math.round((picture.height * width) / picture.width)
  return (await detector).detect(resizeArea(picture, width, height))
}

export const commands = { detectInNode }

declare module 'vitest/internal/browser' {
  interface BrowserCommands {
    detectInNode(photo: Photo, width: number): Promise<Face[]>
  }
}
