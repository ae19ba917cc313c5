import type { Box } from '../image/index.ts'
import { percent } from './description.ts'
import type { Placement, Size } from './labels.ts'
import { drawText, textAspect } from './lettering.ts'
import { BOX_COLOUR, drawRect, PANEL_COLOUR, SHADE } from './pen.ts'

const INK = '#f2f7f4'
/** What matters less than the rest. */
const FAINT_INK = '#9fb3a9'
const TRACK = '#2c423a'
const FAINT_BAR = '#7d9489'

/** Lengths in heights of a panel's text. */
export const PADDING = 0.7
const PITCH = 1.7
const BAR = { width: 5, height: 0.46, corner: 0.12 }
export const GAP = 0.6
/** The edge of a panel on the side of its face. */
const STRIPE = 0.22
/** Tails of letters hang under the line. */
const TAIL = 0.15

/** What is written of a face. */
export interface Content {
  /** Its number in the table; none where it is the only one. */
  readonly number: string
  readonly title: string
  readonly notes: readonly string[]
  readonly bars: readonly (readonly [name: string, score: number])[]
  /** All in one line. */
  readonly short: string
}

const widthOf = (text: string): number => (text === '' ? 0 : textAspect(text))

/** Widths of a panel's columns, in heights of its text. */
function columnsOf({ bars }: Content): { name: number; share: number } {
  return {
    name: Math.max(0, ...bars.map(([name]) => widthOf(name))),
    share: Math.max(0, ...bars.map(([, score]) => widthOf(percent(score)))),
  }
}

/** The size of a panel, or of the one line in its place. */
export function sizeOf(content: Content, text: number, kind: 'panel' | 'line'): Size {
  const { number, title, notes, bars, short } = content
  const head = (words: string): number =>
    [number, words].filter(Boolean).reduce((sum, part) => sum + widthOf(part) + GAP, -GAP)
  if (kind === 'line') {
    return { width: (head(short) + 2 * PADDING + STRIPE) * text, height: (1 + TAIL + 2 * PADDING * 0.75) * text }
  }
  const { name, share } = columnsOf(content)
  const rows = (title === '' ? 0 : 1) + notes.length + bars.length
  const widths = [head(title), ...notes.map(widthOf)]
  if (bars.length > 0) widths.push((title === '' ? head('') + GAP : 0) + name + GAP + BAR.width + GAP + share)
  return {
    width: (Math.max(...widths) + 2 * PADDING + STRIPE) * text,
    height: ((Math.max(1, rows) - 1) * PITCH + 1 + TAIL + 2 * PADDING) * text,
  }
}

/** A panel, or the one line in its place, with a stripe on the side of its face. */
export function drawPanel(content: Content, place: Placement, text: number, kind: 'panel' | 'line'): string {
  const corner = text * 0.3
  const paint = `fill="${PANEL_COLOUR}" fill-opacity="0.88" stroke="${INK}" stroke-opacity="0.25" stroke-width="${(text * 0.07).toFixed(2)}"`
  // The text keeps clear of the stripe where that is upright, and keeps its place where it is not.
  const x = place.x + (PADDING + (place.side === 'left' ? 0 : STRIPE)) * text
  return drawRect(place, corner, paint) + drawStripe(place, text) + drawContent(content, x, place, text, kind)
}

function drawStripe({ x, y, width, height, side }: Placement, text: number): string {
  const thick = text * STRIPE
  const paint = `fill="${BOX_COLOUR}"`
  const corner = thick / 2
  if (side === 'left') return drawRect({ x: x + width - thick, y, width: thick, height }, corner, paint)
  if (side === 'above') return drawRect({ x, y: y + height - thick, width, height: thick }, corner, paint)
  if (side === 'below') return drawRect({ x, y, width, height: thick }, corner, paint)
  return drawRect({ x, y, width: thick, height }, corner, paint)
}

/** What stands in a panel, without the panel. @param x where the text begins. */
export function drawContent(
  content: Content,
  x: number,
  place: Placement,
  text: number,
  kind: 'panel' | 'line',
): string {
  const { number, title, notes, bars, short } = content
  const parts: string[] = []
  let y = place.y + PADDING * text * (kind === 'line' ? 0.75 : 1)
  let from = x
  if (number !== '') {
    parts.push(drawText(number, x, y, text, FAINT_INK))
    from += (widthOf(number) + GAP) * text
  }
  const head = kind === 'line' ? short : title
  if (head !== '') {
    parts.push(drawText(head, from, y, text, INK))
    y += PITCH * text
    from = x
  }
  if (kind === 'line') return parts.join('')
  for (const note of notes) {
    parts.push(drawText(note, x, y, text, INK))
    y += PITCH * text
  }
  const { name: nameWidth } = columnsOf(content)
  const right = x + place.width - (2 * PADDING + STRIPE) * text
  const shareWidth = columnsOf(content).share * text
  bars.forEach(([name, score], i) => {
    const ink = i === 0 ? INK : FAINT_INK
    const start = from + (nameWidth + GAP) * text
    const track = {
      x: start,
      y: y + (1 - BAR.height) * 0.5 * text + 0.1 * text,
      width: right - shareWidth - GAP * text - start,
      height: BAR.height * text,
    }
    const share = percent(score)
    parts.push(
      drawText(name, from, y, text, ink),
      drawRect(track, BAR.corner * text, `fill="${TRACK}"`),
      drawRect(
        { ...track, width: track.width * score },
        BAR.corner * text,
        `fill="${i === 0 ? BOX_COLOUR : FAINT_BAR}"`,
      ),
      drawText(share, right - widthOf(share) * text, y, text, ink),
    )
    y += PITCH * text
  })
  return parts.join('')
}

/** A line to the face where a label stands off. */
export function drawConnector(place: Placement, box: Box, text: number): string {
  const nearest = (low: number, high: number, from: number, to: number): number =>
    (Math.max(low, from) + Math.min(high, to)) / 2
  const middleX = nearest(place.x, place.x + place.width, box.x, box.x + box.width)
  const middleY = nearest(place.y, place.y + place.height, box.y, box.y + box.height)
  const ends = {
    right: [box.x + box.width, middleY, place.x, middleY],
    left: [place.x + place.width, middleY, box.x, middleY],
    below: [middleX, box.y + box.height, middleX, place.y],
    above: [middleX, place.y + place.height, middleX, box.y],
    over: undefined,
    away: undefined,
  }[place.side]
  if (!ends || Math.hypot(ends[2] - ends[0], ends[3] - ends[1]) < text) return ''
  const [x1, y1, x2, y2] = ends.map(value => value.toFixed(2))
  const line = (colour: string, width: number, opacity: number): string =>
    `<path d="M${x1} ${y1}L${x2} ${y2}" stroke="${colour}" stroke-width="${width.toFixed(2)}" stroke-opacity="${opacity}"/>`
  return line(SHADE, text * STRIPE * 1.8, 0.45) + line(BOX_COLOUR, text * STRIPE * 0.8, 1)
}

/** The size of a number's mark. */
export function numberSize(number: string, text: number): Size {
  const height = text * 1.7
  return { width: Math.max(height, (widthOf(number) + 0.8) * text), height }
}

/** A number's mark. */
export function drawNumber(number: string, place: Box, text: number): string {
  const paint = `fill="${BOX_COLOUR}" stroke="${SHADE}" stroke-opacity="0.6" stroke-width="${(text * 0.1).toFixed(2)}"`
  const x = place.x + (place.width - widthOf(number) * text) / 2
  return drawRect(place, text * 0.35, paint) + drawText(number, x, place.y + (place.height - text) / 2, text, SHADE)
}
