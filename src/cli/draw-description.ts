import type { DescribedFace } from '../facewise/index.ts'
import type { Box } from '../image/index.ts'
import { percent, poseInWords, rankedEmotions } from './description.ts'
import type { Overlay } from './drawings.ts'
import { type LabelForm, type Placement, placeLabels, type Size } from './labels.ts'
import {
  type Content,
  drawConnector,
  drawContent,
  drawNumber,
  drawPanel,
  GAP,
  numberSize,
  PADDING,
  sizeOf,
} from './panel.ts'
import { drawBox, type Pen, penFor } from './pen.ts'

/** Emotions that a panel shows, and under which share none is shown but the first. */
const MOST_BARS = 3
const LEAST_BAR = 0.01

/** From one size of text to the next. */
const TEXT_STEP = 1.25

/** A panel that is higher than this many faces hides more than it says. */
const HIGHEST_PANEL = 2.2

/** A form of a label that can be drawn. */
interface Form extends LabelForm {
  readonly kind: 'panel' | 'line' | 'number'
  readonly text: number
}

/**
 * The faces with what they look like: a box around each, and beside it a panel with age, gender and the strongest emotions. Panels
 * cover neither faces nor each other; where there is no room for one, one line stands there, and where there is none for that either,
 * a number, which is explained in a strip under the picture. Nothing if there are no faces.
 */
export function drawDescriptions(picture: Size, faces: readonly DescribedFace[]): Overlay | undefined {
  if (faces.length === 0) return undefined
  const pen = { ...penFor(picture), ...textSizes(picture) }
  const contents = faces.map((face, i) => contentOf(face, faces.length > 1 ? i + 1 : undefined))
  const boxes = faces.map(({ box }) => box)
  const allForms = boxes.map((box, i) => formsOf(contents[i], Math.min(box.width, box.height), box.height, pen))
  const { forms, places } = layOut(picture, boxes, allForms, pen.smallestText * 0.5)
  const legend = drawLegend(
    picture,
    contents.filter((_, i) => kindOf(forms[i], places[i]) === 'number'),
    pen,
  )
  const labels = places.map((place, i) => {
    if (!place) return ''
    const { kind, text } = forms[i][place.form]
    if (kind === 'number') return contents[i].number === '' ? '' : drawNumber(contents[i].number, place, text)
    return drawConnector(place, boxes[i], text) + drawPanel(contents[i], place, text, kind)
  })
  const svg = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${legend.width}" height="${legend.height}">`,
    // The best face last, on top of the others; labels above all boxes.
    ...boxes.map(box => (isWhole(box, picture) ? '' : drawBox(box, pen))).reverse(),
    ...labels,
    legend.svg,
    '</svg>',
  ].join('\n')
  return { width: legend.width, height: legend.height, svg }
}

/** Of an aligned crop there is nothing to mark. */
function isWhole({ x, y, width, height }: Box, picture: Size): boolean {
  return x <= 0 && y <= 0 && x + width >= picture.width && y + height >= picture.height
}

/** A place for each label; only numbers, all explained in the strip, where more than half of the faces have room for nothing else. */
function layOut(
  picture: Size,
  boxes: readonly Box[],
  forms: readonly (readonly Form[])[],
  gap: number,
): { forms: readonly (readonly Form[])[]; places: readonly (Placement | undefined)[] } {
  const places = placeLabels(picture, boxes, forms, gap)
  const numbers = places.filter((place, i) => kindOf(forms[i], place) === 'number').length
  if (boxes.length < 2 || numbers <= boxes.length / 2) return { forms, places }
  const small = forms.map(list => list.filter(({ kind }) => kind === 'number'))
  return { forms: small, places: placeLabels(picture, boxes, small, gap) }
}

/** Words need more room than digits: not under 11 pixels, where they are hard to read. */
function textSizes({ width, height }: Size): Pick<Pen, 'smallestText' | 'largestText'> {
  const side = Math.sqrt(width * height)
  return { smallestText: Math.max(11, side / 120), largestText: Math.max(13, side / 52) }
}

function contentOf(
  { emotion, age, gender, pose, quality, liveness }: DescribedFace,
  number: number | undefined,
): Content {
  const person = [gender?.label, age?.toFixed(0)].filter(part => part !== undefined).join(', ')
  const ranked = emotion ? rankedEmotions(emotion) : []
  const notes = [
    ...(emotion || !pose ? [] : [`looking ${poseInWords(pose)}`]),
    ...(emotion || !quality ? [] : [`quality ${quality.score.toFixed(2)}`]),
    ...(liveness === undefined ? [] : [`liveness ${percent(liveness.score)}`]),
  ]
  const bars = ranked.slice(0, MOST_BARS).filter(([, score], i) => i === 0 || score >= LEAST_BAR)
  const short = [person, bars[0] && `${bars[0][0]} ${percent(bars[0][1])}`, ...notes].filter(Boolean).join('  ')
  const [title = '', ...rest] = person === '' ? notes : [person, ...notes]
  return { number: number === undefined ? '' : String(number), title, notes: rest, bars, short }
}

/** From the best to the smallest: panels and lines as large as the face wants them, then as small as can be read, then a number. */
function formsOf(content: Content, side: number, height: number, { smallestText, largestText }: Pen): Form[] {
  const fitting = Math.max(smallestText, Math.min(largestText, side * 0.13))
  // Few sizes in one picture, so that panels look alike.
  const sizes = Array.from({ length: 6 }, (_, i) => smallestText * TEXT_STEP ** i).filter(
    text => text <= fitting + 1e-9,
  )
  sizes.reverse()
  const forms = sizes.flatMap((text, i): Form[] => {
    return [
      { kind: 'panel', text, ...sizeOf(content, text, 'panel'), worth: 1 - i * 0.1 },
      { kind: 'line', text, ...sizeOf(content, text, 'line'), worth: 0.6 - i * 0.06 },
    ]
  })
  const kept = forms.filter(form => form.kind !== 'panel' || form.height <= height * HIGHEST_PANEL)
  const number: Form = {
    kind: 'number',
    text: smallestText,
    ...numberSize(content.number, smallestText),
    worth: 0.1,
    overFaces: true,
  }
  return [...kept.sort((a, b) => b.worth - a.worth), number]
}

function kindOf(forms: readonly Form[], place: Placement | undefined): Form['kind'] {
  return place ? forms[place.form].kind : 'number'
}

/** The picture's size, or with a strip under it that explains the numbers. */
function drawLegend(picture: Size, contents: readonly Content[], { smallestText, largestText }: Pen): Overlay {
  if (contents.length === 0) return { width: picture.width, height: picture.height, svg: '' }
  const text = Math.min(largestText, smallestText * 1.15)
  const margin = text * 1.2
  const panels = contents.map(content => sizeOf({ ...content, number: '' }, text, 'panel'))
  const chip = Math.max(
    ...contents.map(({ number }) => (number === '' ? 0 : numberSize(number, text).width + GAP * text)),
  )
  const panelWidth = chip + Math.max(...panels.map(({ width }) => width))
  const asPanels = contents.length * (panelWidth + margin) + margin <= picture.width || contents.length === 1
  const kind = asPanels ? 'panel' : 'line'
  const sizes = contents.map(content => sizeOf({ ...content, number: '' }, text, kind))
  const cell = {
    width: chip + Math.max(...sizes.map(({ width }) => width)),
    height: Math.max(...sizes.map(({ height }) => height)),
  }
  const columns = Math.max(1, Math.min(contents.length, Math.floor((picture.width - margin) / (cell.width + margin))))
  const rows = Math.ceil(contents.length / columns)
  const pitch = Math.max(cell.width + margin, columns > 1 ? (picture.width - margin) / columns : 0)
  const svg = contents.map((content, i) => {
    const x = margin + (i % columns) * pitch
    const y = picture.height + margin * 0.5 + Math.floor(i / columns) * cell.height
    const place: Placement = { x: x + chip, y, ...sizes[i], form: 0, side: 'over' }
    const size = numberSize(content.number, text)
    const top = y + (kind === 'line' ? (sizes[i].height - size.height) / 2 : PADDING * text - (size.height - text) / 2)
    const mark = content.number === '' ? '' : drawNumber(content.number, { x, y: top, ...size }, text)
    return mark + drawContent({ ...content, number: '' }, x + chip, place, text, kind)
  })
  const width = Math.max(picture.width, Math.ceil(columns * (cell.width + margin) + margin))
  const height = Math.ceil(picture.height + rows * cell.height + margin)
  return { width, height, svg: svg.join('\n') }
}
