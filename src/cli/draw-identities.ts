import type { Face } from '../detect/index.ts'
import { type LabelForm, placeLabels, type Size } from './labels.ts'
import { type Content, drawConnector, drawPanel, sizeOf } from './panel.ts'
import { drawBox, drawRect, lineFor, penFor, SHADE } from './pen.ts'

/** Around strangers: they should not look like somebody who was recognised. */
const STRANGER_COLOUR = '#9fb3a9'

/** Signs of a name that are drawn. */
const LONGEST_NAME = 24

/** The signs for which there are strokes. */
const DRAWN = /^[a-z0-9 .,%°-]$/

/** From one size of text to the next. */
const TEXT_STEP = 1.25

/** Letters that no normal form takes apart. */
const SPELT: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ı: 'i',
}

/** A face, and whose it is; nobody's for a stranger. */
export interface IdentityToDraw {
  readonly face: Face
  readonly subject?: string
}

/**
 * The faces as an SVG picture of the given size: a box around each, and beside it the name. Names cover neither faces nor each other where
 * there is room for that, and stay inside the picture.
 */
export function drawIdentities(size: Size, identities: readonly IdentityToDraw[]): string {
  const pen = penFor(size)
  // Words need more room than the digits for which the pen is made.
  const side = Math.sqrt(size.width * size.height)
  const smallest = Math.max(11, side / 120)
  const largest = Math.max(13, side / 52)
  const contents = identities.map(({ subject }, i) => contentOf(subject, i + 1))
  const forms = identities.map(({ face: { box } }, i) => {
    const fitting = Math.max(smallest, Math.min(largest, Math.min(box.width, box.height) * 0.16))
    const texts = Array.from({ length: 6 }, (_, step) => smallest * TEXT_STEP ** step).filter(text => text <= fitting)
    const beside = texts.reverse().map((text, step) => formOf(contents[i], text, 1 - step * 0.1))
    // In a crowd a name over a face says more than none.
    return [...beside, { ...formOf(contents[i], smallest, 0.1), overFaces: true }]
  })
  const boxes = identities.map(({ face }) => face.box)
  const places = placeLabels(size, boxes, forms, smallest * 0.4)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${size.width}" height="${size.height}">`,
    // The best face last, on top of the others; labels above all boxes.
    ...identities
      .map(({ face, subject }) => (subject === undefined ? drawStranger(face, size) : drawBox(face.box, pen)))
      .reverse(),
    ...places.map((place, i) => {
      if (!place) return ''
      const { text } = forms[i][place.form]
      return drawConnector(place, boxes[i], text) + drawPanel(contents[i], place, text, 'line')
    }),
    '</svg>',
  ].join('\n')
}

function formOf(content: Content, text: number, worth: number): LabelForm & { readonly text: number } {
  return { text, worth, ...sizeOf(content, text, 'line') }
}

function drawStranger({ box }: Face, size: Size): string {
  const line = lineFor(box, penFor(size))
  const corner = Math.min(box.width, box.height) * 0.06
  const rect = (colour: string, width: number, opacity: number): string =>
    drawRect(
      box,
      corner,
      `fill="none" stroke="${colour}" stroke-width="${width.toFixed(2)}" stroke-opacity="${opacity}"`,
    )
  return rect(SHADE, line * 2, 0.45) + rect(STRANGER_COLOUR, line, 1)
}

function contentOf(subject: string | undefined, number: number): Content {
  const short = subject === undefined ? 'unknown' : writtenName(subject, number)
  return { number: '', title: short, notes: [], bars: [], short }
}

/**
 * A name in the signs that can be drawn: small letters, digits and a few more. A name that has none of them (another script) is the face's
 * number in the table.
 *
 * @param number from 1.
 */
export function writtenName(subject: string, number: number): string {
  const plain = subject
    .toLowerCase()
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[ßæœøłđðþı]/g, letter => SPELT[letter])
  const known = Array.from(plain, sign => (DRAWN.test(sign) ? sign : ' ')).join('')
  const name = known.replaceAll(/ +/g, ' ').trim()
  if (!/[a-z0-9]/.test(name)) return `face ${number}`
  return name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 2).trimEnd()}..` : name
}
