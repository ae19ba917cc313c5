import sharp, { type Sharp } from 'sharp'
import type { BrowserCommand } from 'vitest/node'
import { createMtcnn, type Face, type Mtcnn } from '../src/detect/index.ts'
import { decode, resizeArea } from '../src/image/index.ts'
import { samplePhoto } from './data.ts'

type Photo = Parameters<typeof samplePhoto>[0]

let detector: Promise<Mtcnn> | undefined

/** What Node with WebAssembly finds on a sample photo, scaled to `width`: what the browsers' results are held against. */
const detectInNode: BrowserCommand<[photo: Photo, width: number]> = async (_, photo, width): Promise<Face[]> => {
  detector ??= createMtcnn({ backend: { prefer: 'wasm' }, minFaceSize: 20 })
  const picture = await decode(samplePhoto(photo))
  const height = Math.round((picture.height * width) / picture.width)
  return (await detector).detect(resizeArea(picture, width, height))
}

/** A small picture with no symmetry, encoded in a way that `kind` names, and its pixels as Node decodes them (both in base64). */
const pictureInNode: BrowserCommand<[kind: string, orientation: number]> = async (
  _,
  kind,
  orientation,
): Promise<NodePicture> => {
  const width = 24
  const height = 16
  const channels = kind === 'png-alpha' ? 4 : kind === 'png-grey' ? 1 : 3
  const data = Buffer.alloc(width * height * channels)
  for (let i = 0; i < data.length; i++) {
    const pixel = Math.floor(i / channels)
    // Smooth, so that lossy formats keep it, and for GIF of few colours.
    data[i] =
      kind === 'gif'
        ? pixel % width < 8
          ? 255
          : 0
        : ((pixel % width) * 6 + Math.floor(pixel / width) * 4 + (i % channels) * 20) % 256
  }
  const image = sharp(data, { raw: { width, height, channels } })
  const [format] = kind.split('-')
  const encode: Record<string, () => Sharp> = {
    jpeg: () => image.withMetadata({ orientation }).jpeg({ quality: 95, chromaSubsampling: '4:4:4' }),
    png: () => (kind === 'png-16' ? image.toColourspace('rgb16').png() : image.png()),
    webp: () => image.webp({ quality: 95 }),
    gif: () => image.gif(),
    avif: () => image.avif({ quality: 90 }),
  }
  const encoded = await encode[format]().toBuffer()
  const picture = await decode(encoded)
  const base64 = (bytes: Uint8Array | Uint8ClampedArray): string => Buffer.from(bytes).toString('base64')
  return {
    encoded: base64(encoded),
    expected: { width: picture.width, height: picture.height, data: base64(picture.data) },
  }
}

interface NodePicture {
  encoded: string
  expected: { width: number; height: number; data: string }
}

export const commands = { detectInNode, pictureInNode }

declare module 'vitest/internal/browser' {
  interface BrowserCommands {
    detectInNode(photo: Photo, width: number): Promise<Face[]>
    pictureInNode(kind: string, orientation: number): Promise<NodePicture>
  }
}
