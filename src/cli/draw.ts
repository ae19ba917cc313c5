import { extname } from 'node:path'
import type Sharp from 'sharp'
import type { Face } from '../detect/index.ts'
import { FacewiseError, messageOf } from '../errors.ts'
import type { Box, Picture } from '../image/index.ts'
import { drawText, textAspect } from './lettering.ts'

const BOX_COLOUR = '#2ee59d'
/** Under every light line, so that it shows on any background. */
const SHADE = '#06281c'
/** Eyes, nose and mouth corners, so that a wrong order is seen. */
const LANDMARK_COLOURS = ['#4cc9ff', '#4cc9ff', '#ffd43b', '#ff6b9d', '#ff6b9d'] as const

/** Space around a label's text, in heights of the text. */
const PADDING = 0.45

/** Sizes of what is drawn, in pixels of the picture. */
interface Pen {
  readonly line: number
  readonly smallestText: number
  readonly largestText: number
}

/** Lines and labels that look alike on a thumbnail and on a large photo. */
function penFor({ width, height }: { width: number; height: number }): Pen {
  const side = Math.sqrt(width * height)
  return { line: Math.max(1.5, side / 420), smallestText: Math.max(7, side / 130), largestText: Math.max(8, side / 48) }
}

/**
 * The faces as an SVG picture of the given size: boxes, the five landmarks, and the score in percent on a label. Labels stay inside
 * the picture.
 */
export function drawFaces(size: { width: number; height: number }, faces: readonly Face[]): string {
  const pen = penFor(size)
  // The best face last, on top of the others; labels above all boxes.
  const order = [...faces].reverse()
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${size.width}" height="${size.height}">`,
    ...order.map(face => drawBox(face.box, pen)),
    ...order.map(face => drawLandmarks(face, pen)),
    ...order.map(face => drawLabel(face, size, pen)),
    '</svg>',
  ].join('\n')
}

/** Thinner around small faces, so that a crowd stays visible. */
function lineFor({ width, height }: Box, { line }: Pen): number {
  return Math.max(1, Math.min(line, Math.min(width, height) * 0.05))
}

function drawBox(box: Box, pen: Pen): string {
  const { x, y, width, height } = box
  const line = lineFor(box, pen)
  const corner = Math.min(width, height) * 0.06
  const rect = (colour: string, stroke: number, opacity: number): string =>
    `<rect x="${x.toFixed(2)}" y="${y.toFixed(2)}" width="${width.toFixed(2)}" height="${height.toFixed(2)}" ` +
    `rx="${corner.toFixed(2)}" fill="none" stroke="${colour}" stroke-width="${stroke.toFixed(2)}" stroke-opacity="${opacity}"/>`
  return rect(SHADE, line * 2, 0.45) + rect(BOX_COLOUR, line, 1)
}

function drawLandmarks({ box, landmarks }: Face, pen: Pen): string {
  const radius = Math.min(lineFor(box, pen) * 1.7, Math.max(1.2, Math.min(box.width, box.height) * 0.05))
  const dots = landmarks?.map(
    ([x, y], i) =>
      `<circle cx="${x.toFixed(2)}" cy="${y.toFixed(2)}" r="${radius.toFixed(2)}" fill="${LANDMARK_COLOURS[i]}" ` +
      `stroke="${SHADE}" stroke-width="${(radius * 0.4).toFixed(2)}"/>`,
  )
  return dots?.join('') ?? ''
}

function drawLabel({ box, score }: Face, size: { width: number; height: number }, pen: Pen): string {
  const text = percent(score)
  const label = placeLabel(box, textAspect(text), size, pen)
  const { x, y, width, height, padding } = label
  return (
    `<rect x="${x.toFixed(2)}" y="${y.toFixed(2)}" width="${width.toFixed(2)}" height="${height.toFixed(2)}" ` +
    `rx="${(padding * 0.6).toFixed(2)}" fill="${BOX_COLOUR}" stroke="${SHADE}" stroke-opacity="0.45" stroke-width="${(pen.line / 2).toFixed(2)}"/>` +
    drawText(text, x + padding, y + padding, height - 2 * padding, SHADE)
  )
}

/**
 * Where a label goes: on the upper edge of its box, or just inside it where the picture ends; never over the picture's edge.
 *
 * @param aspect width of the text in heights.
 */
export function placeLabel(
  box: Box,
  aspect: number,
  size: { readonly width: number; readonly height: number },
  pen: Pen = penFor(size),
): Box & { readonly padding: number } {
  const fitting = Math.min(pen.largestText, Math.max(pen.smallestText, (box.width * 0.45) / aspect))
  // On a very small picture, as large as it has room for: padding is a share of the text height on each side.
  const text = Math.min(fitting, size.width / (aspect + 2 * PADDING), size.height / (1 + 2 * PADDING))
  const padding = text * PADDING
  const width = text * aspect + 2 * padding
  const height = text + 2 * padding
  const line = lineFor(box, pen)
  const above = box.y - height - line / 2
  const clamp = (value: number, limit: number): number => Math.max(0, Math.min(value, limit))
  return {
    x: clamp(box.x - line / 2, size.width - width),
    y: clamp(above >= 0 ? above : box.y + line, size.height - height),
    width,
    height,
    padding,
  }
}

/** `99.9%`; cut off, not rounded: 100% would claim a certainty that no detector has. */
function percent(score: number): string {
  return `${(Math.floor(score * 1000) / 10).toFixed(1)}%`
}

/** The extension of a copy: PNG where the original is drawn or lossless, JPEG for photos. */
export function drawingExtension(name: string): '.png' | '.jpg' {
  return ['.png', '.gif'].includes(extname(name).toLowerCase()) ? '.png' : '.jpg'
}

/**
 * Writes a copy of `picture` with the faces drawn in; PNG or JPEG by the extension of `path`.
 *
 * @throws FacewiseError `DEPENDENCY_MISSING` without `sharp`; `OUTPUT_FAILED` if the file cannot be written.
 */
export async function writeDrawing(path: string, picture: Picture, faces: readonly Face[]): Promise<void> {
  const sharp = await loadSharp()
  const { data, width, height } = picture
  const overlay = { input: Buffer.from(drawFaces(picture, faces)), limitInputPixels: false }
  const image = sharp(data, { raw: { width, height, channels: 3 }, limitInputPixels: false })
  try {
    const drawn = faces.length > 0 ? image.composite([overlay]).removeAlpha() : image
    await (path.endsWith('.png') ? drawn.png() : drawn.jpeg({ quality: 92, chromaSubsampling: '4:4:4' })).toFile(path)
  } catch (error) {
    throw new FacewiseError(
      'OUTPUT_FAILED',
      `The drawing "${path}" cannot be written: ${messageOf(error)}. Give --draw another folder.`,
      { cause: error },
    )
  }
}

async function loadSharp(): Promise<typeof Sharp> {
  try {
    return (await import('sharp')).default
  } catch (error) {
    throw new FacewiseError('DEPENDENCY_MISSING', 'Drawing needs the package "sharp": run `npm install sharp`.', {
      cause: error,
    })
  }
}
