import type { Face } from '../detect/index.ts'
import type { Box } from '../image/index.ts'
import type { Size } from './labels.ts'
import { drawText, textAspect } from './lettering.ts'
import { BOX_COLOUR, drawBox, drawRect, lineFor, type Pen, penFor, SHADE } from './pen.ts'

/** Eyes, nose and mouth corners, so that a wrong order is seen. */
const LANDMARK_COLOURS = ['#4cc9ff', '#4cc9ff', '#ffd43b', '#ff6b9d', '#ff6b9d'] as const

/** Space around a label's text, in heights of the text. */
const PADDING = 0.45

/**
 * The faces as an SVG picture of the given size: boxes, the five landmarks, and the score in percent on a label. Labels stay inside
 * the picture.
 */
export function drawFaces(size: Size, faces: readonly Face[]): string {
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

function drawLandmarks({ box, landmarks }: Face, pen: Pen): string {
  const radius = Math.min(lineFor(box, pen) * 1.7, Math.max(1.2, Math.min(box.width, box.height) * 0.05))
  const dots = landmarks?.map(
    ([x, y], i) =>
      `<circle cx="${x.toFixed(2)}" cy="${y.toFixed(2)}" r="${radius.toFixed(2)}" fill="${LANDMARK_COLOURS[i]}" ` +
      `stroke="${SHADE}" stroke-width="${(radius * 0.4).toFixed(2)}"/>`,
  )
  return dots?.join('') ?? ''
}

function drawLabel({ box, score }: Face, size: Size, pen: Pen): string {
  const text = percent(score)
  const label = placeLabel(box, textAspect(text), size, pen)
  const { x, y, height, padding } = label
  const paint = `fill="${BOX_COLOUR}" stroke="${SHADE}" stroke-opacity="0.45" stroke-width="${(pen.line / 2).toFixed(2)}"`
  return drawRect(label, padding * 0.6, paint) + drawText(text, x + padding, y + padding, height - 2 * padding, SHADE)
}

/**
 * Where a label goes: on the upper edge of its box, or just inside it where the picture ends; never over the picture's edge.
 *
 * @param aspect width of the text in heights.
 */
export function placeLabel(
  box: Box,
  aspect: number,
  size: Size,
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
