import type { Box } from '../image/index.ts'

/** Width and height in pixels. */
export interface Size {
  readonly width: number
  readonly height: number
}

/** One way to write what is to be said of a face. */
export interface LabelForm extends Size {
  /** How good it is to have it in this form; the layout makes the sum over all faces large. Above 0, at most 1. */
  readonly worth: number
  /** Whether it may lie on faces where there is no room beside them: for small ones. */
  readonly overFaces?: boolean
}

/** Where a label lies as seen from its face; `over` it, or `away` from it with something between. */
export type Side = 'right' | 'left' | 'below' | 'above' | 'over' | 'away'

/** A label in its place. */
export interface Placement extends Box {
  /** Index of the form that had room. */
  readonly form: number
  readonly side: Side
}

interface Candidate extends Placement {
  /** Worth of the form less what is wrong with the place. */
  readonly score: number
  readonly worth: number
}

/** Positions that are tried along each side of a face. */
const STEPS = 6
/** Places that a face keeps of each form and side: further ones cost time and are hardly ever taken. */
const MOST_PLACES = 6
/** Hair, ears and chin, in sides of the box: no label should lie there, but it may. */
const HEAD = { above: 0.3, beside: 0.12, below: 0.1 }
/** What a worse place costs, in worth of a form. */
const COST = {
  side: { right: 0, left: 0.01, below: 0.03, above: 0.05 },
  shifted: 0.04,
  head: 0.6,
  nearOther: 0.16,
  apart: 0.02,
}
/** Rows and columns of places for a small label on a face. */
const GRID = 8

/**
 * Places a label beside each face: inside the picture, over no other label, and, unless the form is `overFaces`, over no face. Of
 * several forms a face gets one that has room; where room is short, many small labels go before few large ones. The same input gives
 * the same places.
 *
 * A greedy search: faces take turns, each with its best free place that leaves every later face one for its smallest label. It is
 * done in some orders and with some largest forms; the best total counts.
 *
 * @param faces boxes in pixels of the picture; they may leave it.
 * @param forms of each face, best first.
 * @param gap between a label and what it must not touch, in pixels.
 * @returns a place for each face, or undefined where no form has room in the whole picture.
 */
export function placeLabels(
  picture: Size,
  faces: readonly Box[],
  forms: readonly (readonly LabelForm[])[],
  gap: number,
): (Placement | undefined)[] {
  const boxes = faces.map(face => visiblePart(face, picture))
  const heads = boxes.map(headOf)
  const all = boxes.map((_, i) => besideFace(i, { picture, boxes, heads, gap }, forms[i]))
  let best: Layout = { places: boxes.map(() => undefined), total: Number.NEGATIVE_INFINITY }
  const worths = [...new Set(forms.flat().map(form => (form.overFaces ? 0 : form.worth)))].sort((a, b) => b - a)
  for (const worth of worths) {
    const allowed = all.map(candidates => candidates.filter(candidate => candidate.worth <= worth))
    for (const order of ordersOf(boxes, allowed)) {
      const layout = takeTurns(order, allowed, gap / 2)
      if (layout.total > best.total + 1e-9) best = layout
    }
  }
  const places: (Placement | undefined)[] = [...best.places]
  for (const i of boxes.keys()) places[i] ??= anywhere(i, { picture, boxes, heads, gap }, forms[i], places)
  return places
}

/** Whether two boxes come nearer than `gap` to each other; touching is no overlap. */
export function overlap(a: Box, b: Box, gap = 0): boolean {
  return (
    a.x < b.x + b.width + gap && b.x < a.x + a.width + gap && a.y < b.y + b.height + gap && b.y < a.y + a.height + gap
  )
}

interface Scene {
  readonly picture: Size
  readonly boxes: readonly Box[]
  readonly heads: readonly Box[]
  readonly gap: number
}

const clamp = (value: number, limit: number): number => Math.max(0, Math.min(value, limit))

function visiblePart({ x, y, width, height }: Box, picture: Size): Box {
  const left = clamp(x, picture.width)
  const top = clamp(y, picture.height)
  return {
    x: left,
    y: top,
    width: clamp(x + width, picture.width) - left,
    height: clamp(y + height, picture.height) - top,
  }
}

function headOf({ x, y, width, height }: Box): Box {
  return {
    x: x - width * HEAD.beside,
    y: y - height * HEAD.above,
    width: width * (1 + 2 * HEAD.beside),
    height: height * (1 + HEAD.above + HEAD.below),
  }
}

/** All places beside face `i` that cover no face and stay in the picture, best first. */
function besideFace(i: number, { picture, boxes, heads, gap }: Scene, forms: readonly LabelForm[]): Candidate[] {
  const box = boxes[i]
  const found: Candidate[] = []
  const near = neighbours(i, boxes, heads, gap, forms)
  forms.forEach(({ width, height, worth, overFaces }, form) => {
    if (overFaces || width > picture.width || height > picture.height) return
    for (const side of ['right', 'left', 'below', 'above'] as const) {
      const upright = side === 'right' || side === 'left'
      const along = upright ? height : width
      const [start, length, limit] = upright
        ? [box.y, box.height, picture.height - height]
        : [box.x, box.width, picture.width - width]
      const beyond = { right: HEAD.beside, left: HEAD.beside, above: HEAD.above, below: HEAD.below }[side]
      for (const distance of [gap, gap + beyond * (upright ? box.width : box.height)]) {
        const across = {
          right: box.x + box.width + distance,
          left: box.x - distance - width,
          below: box.y + box.height + distance,
          above: box.y - distance - height,
        }[side]
        for (const at of slides(start, length, along, limit)) {
          const place = { x: upright ? across : at, y: upright ? at : across, width, height }
          if (!inside(place, picture)) continue
          if (near.some(j => overlap(place, boxes[j], j === i ? 0 : gap / 2))) continue
          let cost = COST.side[side] + (Math.abs(at - start) > 0.5 ? COST.shifted : 0)
          if (distance > gap) cost += COST.apart
          for (const j of near) {
            cost += COST.head * coveredShare(heads[j], place)
            if (j !== i && overlap(place, boxes[j], gap * 2)) cost += COST.nearOther
          }
          found.push({ ...place, form, side, worth, score: worth - cost })
        }
      }
    }
  })
  found.sort((a, b) => b.score - a.score)
  const kept = new Map<string, number>()
  return found.filter(({ form, side }) => {
    const key = `${form} ${side}`
    const count = (kept.get(key) ?? 0) + 1
    kept.set(key, count)
    return count <= MOST_PLACES
  })
}

/** The faces that a label of face `i` could come near, itself too. */
function neighbours(
  i: number,
  boxes: readonly Box[],
  heads: readonly Box[],
  gap: number,
  forms: readonly LabelForm[],
): number[] {
  const width = Math.max(0, ...forms.map(form => form.width)) + gap * 2
  const height = Math.max(0, ...forms.map(form => form.height)) + gap * 2
  const head = heads[i]
  const reach = {
    x: head.x - width,
    y: head.y - height,
    width: head.width + 2 * width,
    height: head.height + 2 * height,
  }
  return [...boxes.keys()].filter(j => j === i || overlap(reach, heads[j], gap))
}

/** Begins along a side at which most of the label, or of the side, is beside the other; flush ones first. */
function slides(start: number, length: number, along: number, limit: number): number[] {
  const contact = Math.min(along, length) * 0.6
  const first = start - along + contact
  const last = start + length - contact
  const steps = Array.from({ length: STEPS }, (_, k) => first + ((last - first) * k) / (STEPS - 1))
  const wanted = [start, start + length - along, start + (length - along) / 2, ...steps]
  const kept = wanted.map(at => clamp(at, limit)).filter(at => at >= first - 1e-6 && at <= last + 1e-6)
  return [...new Set(kept)]
}

function inside({ x, y, width, height }: Box, picture: Size): boolean {
  return x >= 0 && y >= 0 && x + width <= picture.width && y + height <= picture.height
}

function coveredShare(box: Box, by: Box): number {
  const width = Math.min(box.x + box.width, by.x + by.width) - Math.max(box.x, by.x)
  const height = Math.min(box.y + box.height, by.y + by.height) - Math.max(box.y, by.y)
  return width > 0 && height > 0 ? (width * height) / (box.width * box.height) : 0
}

/** Orders in which faces may choose: those with least choice first, the largest first, from left to right. */
function ordersOf(boxes: readonly Box[], candidates: readonly (readonly Candidate[])[]): number[][] {
  const indices = [...boxes.keys()]
  const by = (key: (i: number) => number): number[] => indices.toSorted((a, b) => key(a) - key(b) || a - b)
  return [by(i => candidates[i].length), by(i => -boxes[i].width * boxes[i].height), by(i => boxes[i].x)]
}

interface Layout {
  readonly places: readonly (Candidate | undefined)[]
  readonly total: number
}

function takeTurns(order: readonly number[], candidates: readonly (readonly Candidate[])[], gap: number): Layout {
  const places: (Candidate | undefined)[] = candidates.map(() => undefined)
  const smallest = candidates.map(list => {
    const form = list.reduce((most, candidate) => Math.max(most, candidate.form), 0)
    return list.filter(candidate => candidate.form === form)
  })
  const taken: Candidate[] = []
  const free = (candidate: Candidate): boolean => taken.every(place => !overlap(candidate, place, gap))
  order.forEach((i, turn) => {
    const later = order.slice(turn + 1).filter(j => smallest[j].length > 0)
    const spares = (candidate: Candidate): boolean =>
      later.every(j => smallest[j].some(other => !overlap(candidate, other, gap)))
    const place = candidates[i].find(candidate => free(candidate) && spares(candidate))
    if (!place) return
    places[i] = place
    taken.push(place)
    for (const j of later) smallest[j] = smallest[j].filter(other => !overlap(place, other, gap))
  })
  // Who stood back for others that went elsewhere.
  for (const i of order) {
    const place = places[i] ? undefined : candidates[i].find(free)
    if (!place) continue
    places[i] = place
    taken.push(place)
  }
  return { places, total: places.reduce((sum, place) => sum + (place?.score ?? 0), 0) }
}

/**
 * A place for a label that may lie on faces: beside its face and free of faces, on its corners, on it, and at last the nearest one in
 * the picture.
 */
function anywhere(
  i: number,
  scene: Scene,
  forms: readonly LabelForm[],
  places: readonly (Placement | undefined)[],
): Placement | undefined {
  const { picture, boxes } = scene
  const free = (place: Box): boolean =>
    inside(place, picture) && places.every(other => !other || !overlap(place, other, 1))
  for (const [form, { width, height, overFaces }] of forms.entries()) {
    if (!overFaces || width > picture.width || height > picture.height) continue
    const beside = besideFace(i, scene, [{ width, height, worth: 1 }]).find(free)
    if (beside) return { x: beside.x, y: beside.y, width, height, form, side: beside.side }
    const box = boxes[i]
    const at = (x: number, y: number, side: Side): Placement => ({ x, y, width, height, form, side })
    const grid: Placement[] = []
    for (let row = 0; row <= GRID; row++) {
      for (let column = 0; column <= GRID; column++) {
        const x = clamp(box.x + ((box.width - width) * column) / GRID, picture.width - width)
        const y = clamp(box.y + ((box.height - height) * row) / GRID, picture.height - height)
        grid.push(at(x, y, 'over'))
      }
    }
    const covered = (place: Placement): number =>
      boxes.reduce((sum, other, j) => sum + (j === i ? 0 : coveredShare(place, other)), 0) + eccentricity(place, box)
    const over = leastBy(grid.filter(free), covered)
    if (over) return over
    const away: Placement[] = []
    for (let y = 0; y <= picture.height - height; y += height / 2) {
      for (let x = 0; x <= picture.width - width; x += width / 2) away.push(at(x, y, 'away'))
    }
    const nearest = leastBy(away.filter(free), place => distanceOf(place, box))
    if (nearest) return nearest
  }
  return undefined
}

/** From 0 at a corner of the box to 1 in its middle, where eyes and nose are. */
function eccentricity(place: Box, box: Box): number {
  const off = (start: number, size: number, from: number, length: number): number =>
    length > size ? Math.abs((2 * (start - from)) / (length - size) - 1) : 1
  return 1 - (off(place.x, place.width, box.x, box.width) + off(place.y, place.height, box.y, box.height)) / 2
}

function distanceOf(a: Box, b: Box): number {
  return Math.hypot(a.x + a.width / 2 - b.x - b.width / 2, a.y + a.height / 2 - b.y - b.height / 2)
}

function leastBy<T>(values: readonly T[], key: (value: T) => number): T | undefined {
  let least: T | undefined
  let lowest = Number.POSITIVE_INFINITY
  for (const value of values) {
    const found = key(value)
    if (found < lowest) {
      lowest = found
      least = value
    }
  }
  return least
}
