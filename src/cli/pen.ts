import type { Box } from '../image/index.ts'
import type { Size } from './labels.ts'

/** What is drawn on pictures in light colour: boxes, and what matters most. */
export const BOX_COLOUR = '#2ee59d'
/** Under every light line, so that it shows on any background. */
export const SHADE = '#06281c'
/** Behind text on pictures. */
export const PANEL_COLOUR = '#10201a'

/** Sizes of what is drawn, in pixels of the picture. */
export interface Pen {
  readonly line: number
  readonly smallestText: number
  readonly largestText: number
}

/** Lines and labels that look alike on a thumbnail and on a large photo. */
export function penFor({ width, height }: Size): Pen {
  const side = Math.sqrt(width * height)
  return { line: Math.max(1.5, side / 420), smallestText: Math.max(7, side / 130), largestText: Math.max(8, side / 48) }
}

/** Thinner around small faces, so that a crowd stays visible. */
export function lineFor({ width, height }: Box, { line }: Pen): number {
  return Math.max(1, Math.min(line, Math.min(width, height) * 0.05))
}

/** The box of a face as SVG. */
export function drawBox(box: Box, pen: Pen): string {
  const line = lineFor(box, pen)
  const corner = Math.min(box.width, box.height) * 0.06
  const rect = (colour: string, stroke: number, opacity: number): string =>
    drawRect(
      box,
      corner,
      `fill="none" stroke="${colour}" stroke-width="${stroke.toFixed(2)}" stroke-opacity="${opacity}"`,
    )
  return rect(SHADE, line * 2, 0.45) + rect(BOX_COLOUR, line, 1)
}

/** A rectangle as SVG. @param corner radius of its corners. */
export function drawRect({ x, y, width, height }: Box, corner: number, paint: string): string {
  return (
    `<rect x="${x.toFixed(2)}" y="${y.toFixed(2)}" width="${width.toFixed(2)}" height="${height.toFixed(2)}" ` +
    `rx="${corner.toFixed(2)}" ${paint}/>`
  )
}
