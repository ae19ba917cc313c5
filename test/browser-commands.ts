import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import sharp, { type Sharp } from 'sharp'
import type { BrowserCommand } from 'vitest/node'
import {
  type AgeGender,
  createAgeGenderClassifier,
  createEmotionClassifier,
  type EmotionScores,
} from '../src/attributes/index.ts'
import { startBackend } from '../src/backends/index.ts'
import { createMtcnn, type Face, type Mtcnn, type MtcnnDetectOptions } from '../src/detect/index.ts'
import { createEmbedder } from '../src/embed/index.ts'
import { decode, resizeArea } from '../src/image/index.ts'
import { samplePhoto } from './data.ts'

type Photo = Parameters<typeof samplePhoto>[0]

let detector: Promise<Mtcnn> | undefined

/** What Node with WebAssembly finds on a sample photo, scaled to that size: what the browsers' results are held against. */
const detectInNode: BrowserCommand<
  [photo: Photo, width: number, height: number, settings: MtcnnDetectOptions]
> = async (_, photo, width, height, settings): Promise<Face[]> => {
  detector ??= createMtcnn({ backend: { prefer: 'wasm' } })
  const picture = await decode(samplePhoto(photo))
  return (await detector).detect(resizeArea(picture, width, height), settings)
}

/** The embeddings that Node with WebAssembly gives of the faces of a sample photo, scaled to that size; the faces as Node finds them. */
const embedInNode: BrowserCommand<[photo: Photo, width: number, height: number]> = async (
  _,
  photo,
  width,
  height,
): Promise<{ faces: Face[]; vectors: number[][] }> => {
  const engine = await startBackend({ prefer: 'wasm' })
  detector ??= createMtcnn({ backend: { prefer: 'wasm' } })
  const picture = resizeArea(await decode(samplePhoto(photo)), width, height)
  const faces = await (await detector).detect(picture, { minFaceSize: 24 })
  const embedder = await createEmbedder(undefined, { backend: engine })
  const embeddings = await embedder.embed(picture, faces)
  embedder.dispose()
  return { faces, vectors: embeddings.map(({ vector }) => [...vector]) }
}

/** What Node with WebAssembly says of the faces of a sample photo, scaled to that size; the faces as Node finds them. */
const describeInNode: BrowserCommand<[photo: Photo, width: number, height: number]> = async (
  _,
  photo,
  width,
  height,
) => {
  const backend = await startBackend({ prefer: 'wasm' })
  detector ??= createMtcnn({ backend: { prefer: 'wasm' } })
  const picture = resizeArea(await decode(samplePhoto(photo)), width, height)
  const faces = await (await detector).detect(picture, { minFaceSize: 24 })
  const emotion = await createEmotionClassifier(undefined, { backend })
  const ageGender = await createAgeGenderClassifier(undefined, { backend })
  const described = { emotions: await emotion.classify(picture, faces), ages: await ageGender.classify(picture, faces) }
  emotion.dispose()
  ageGender.dispose()
  return { faces, ...described }
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

/** A photo encoded by `sharp`, and its pixels as Node decodes them. */
const photoInNode: BrowserCommand<[kind: PhotoKind]> = async (_, kind): Promise<NodePicture> => {
  const encoded = await photoKinds[kind](sharp(samplePhoto(6)).resize(96)).toBuffer()
  const { width, height, data } = await decode(encoded)
  const base64 = (bytes: Uint8Array | Uint8ClampedArray): string => Buffer.from(bytes).toString('base64')
  return { encoded: base64(encoded), expected: { width, height, data: base64(data) } }
}

const photoKinds = {
  'baseline JPEG': (image: Sharp) => image.jpeg({ quality: 90 }),
  'progressive JPEG': (image: Sharp) => image.jpeg({ quality: 90, progressive: true }),
  'grey JPEG': (image: Sharp) => image.toColourspace('b-w').jpeg({ quality: 90 }),
  'CMYK JPEG': (image: Sharp) => image.toColourspace('cmyk').jpeg({ quality: 90 }),
  PNG: (image: Sharp) => image.png(),
  'PNG with a palette': (image: Sharp) => image.png({ palette: true }),
  'PNG with a P3 profile': (image: Sharp) => image.withIccProfile('p3').png(),
  'lossless WebP': (image: Sharp) => image.webp({ lossless: true }),
  WebP: (image: Sharp) => image.webp({ quality: 90 }),
  GIF: (image: Sharp) => image.gif(),
  AVIF: (image: Sharp) => image.avif({ quality: 80, effort: 0 }),
}
type PhotoKind = keyof typeof photoKinds

/** A GIF or WebP of two frames, one red and one blue. */
const animation: BrowserCommand<[format: 'gif' | 'webp']> = async (_, format): Promise<string> => {
  const frame = (rgb: readonly number[]): Buffer => Buffer.alloc(16 * 16 * 3, Buffer.from(rgb))
  const raw = { width: 16, height: 32, channels: 3, pageHeight: 16 } as const
  const image = sharp(Buffer.concat([frame([220, 30, 40]), frame([30, 60, 210])]), { raw })
  return (await (format === 'gif' ? image.gif() : image.webp({ lossless: true })).toBuffer()).toString('base64')
}

let other: Promise<string> | undefined

/**
 * The address of a server of another origin than the page: `/cors/` lets other origins read and the rest does not, `photo.png` is a
 * picture, `none` does not exist, and anything else is a page with status 200, as from a server of a single-page app.
 */
const otherOrigin: BrowserCommand<[]> = (): Promise<string> => {
  other ??= (async () => {
    const picture = await sharp(samplePhoto(6)).resize(48).png().toBuffer()
    const server = createServer(({ url = '' }, response) => {
      if (url.startsWith('/cors/')) response.setHeader('access-control-allow-origin', '*')
      response.setHeader('cross-origin-resource-policy', 'cross-origin')
      if (url.endsWith('/photo.png')) response.setHeader('content-type', 'image/png').end(picture)
      else if (url.includes('/none')) response.writeHead(404).end('no')
      else response.setHeader('content-type', 'text/html').end('<!doctype html><title>app</title>')
    })
    server.unref()
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })()
  return other
}

export const commands = {
  detectInNode,
  embedInNode,
  describeInNode,
  pictureInNode,
  photoInNode,
  animation,
  otherOrigin,
}

declare module 'vitest/internal/browser' {
  interface BrowserCommands {
    detectInNode(photo: Photo, width: number, height: number, settings: MtcnnDetectOptions): Promise<Face[]>
    embedInNode(photo: Photo, width: number, height: number): Promise<{ faces: Face[]; vectors: number[][] }>
    describeInNode(
      photo: Photo,
      width: number,
      height: number,
    ): Promise<{ faces: Face[]; emotions: EmotionScores[]; ages: AgeGender[] }>
    pictureInNode(kind: string, orientation: number): Promise<NodePicture>
    photoInNode(kind: PhotoKind): Promise<NodePicture>
    animation(format: 'gif' | 'webp'): Promise<string>
    otherOrigin(): Promise<string>
  }
}
