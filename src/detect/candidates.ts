import { FacewiseError } from '../errors.ts'

/**
 * The boxes that travel down the cascade, as parallel arrays. Coordinates are those of the published cascade: one-based and
 * inclusive, so a box spans `x2 - x1 + 1` pixels and its first pixel has the zero-based column `x1 - 1`.
 */
export interface Candidates {
  readonly count: number
  /** `x1, y1, x2, y2` of each. */
  readonly boxes: Float64Array
  /** Probability of a face, 0 to 1. */
  readonly scores: Float64Array
  /** Regression of the four edges, in shares of the box's width and height. */
  readonly offsets: Float64Array
  /** Five x, then five y of each, in shares of the box; empty before the last stage. */
  readonly points: Float64Array
}

/** No candidates. */
export const NO_CANDIDATES: Candidates = {
  count: 0,
  boxes: new Float64Array(0),
  scores: new Float64Array(0),
  offsets: new Float64Array(0),
  points: new Float64Array(0),
}

/** The candidates at the given indices, in that order. */
export function pick(candidates: Candidates, indices: ArrayLike<number>): Candidates {
  const count = indices.length
  const rows = (values: Float64Array, width: number): Float64Array => {
    if (values.length === 0) return values
    const out = new Float64Array(count * width)
    for (let i = 0; i < count; i++) {
      for (let k = 0; k < width; k++) out[i * width + k] = values[indices[i] * width + k]
    }
    return out
  }
  return {
    count,
    boxes: rows(candidates.boxes, 4),
    scores: rows(candidates.scores, 1),
    offsets: rows(candidates.offsets, 4),
    points: rows(candidates.points, 10),
  }
}

/** All candidates of several lists in one. */
export function concat(lists: readonly Candidates[]): Candidates {
  const join = (key: 'boxes' | 'scores' | 'offsets' | 'points'): Float64Array => {
    const out = new Float64Array(lists.reduce((sum, list) => sum + list[key].length, 0))
    let at = 0
    for (const list of lists) {
      out.set(list[key], at)
      at += list[key].length
    }
    return out
  }
  const count = lists.reduce((sum, list) => sum + list.count, 0)
  return { count, boxes: join('boxes'), scores: join('scores'), offsets: join('offsets'), points: join('points') }
}

/**
 * Box regression: moves each edge by its offset times the box's width or height (`x1 += dx1 * w`, ...; `w = x2 - x1 + 1`).
 */
export function regress(candidates: Candidates): Candidates {
  const { boxes, offsets } = candidates
  const out = new Float64Array(boxes.length)
  for (let i = 0; i < boxes.length; i += 4) {
    const width = boxes[i + 2] - boxes[i] + 1
    const height = boxes[i + 3] - boxes[i + 1] + 1
    out[i] = boxes[i] + offsets[i] * width
    out[i + 1] = boxes[i + 1] + offsets[i + 1] * height
    out[i + 2] = boxes[i + 2] + offsets[i + 2] * width
    out[i + 3] = boxes[i + 3] + offsets[i + 3] * height
  }
  return { ...candidates, boxes: out }
}

/** Makes each box a square with its longer side, around the same centre, and cuts coordinates to whole pixels (towards zero). */
export function square(candidates: Candidates): Candidates {
  const { boxes } = candidates
  const out = new Float64Array(boxes.length)
  for (let i = 0; i < boxes.length; i += 4) {
    const width = boxes[i + 2] - boxes[i]
    const height = boxes[i + 3] - boxes[i + 1]
    const side = Math.max(width, height)
    const x = boxes[i] + (width - side) / 2
    const y = boxes[i + 1] + (height - side) / 2
    out[i] = Math.trunc(x)
    out[i + 1] = Math.trunc(y)
    out[i + 2] = Math.trunc(x + side)
    out[i + 3] = Math.trunc(y + side)
  }
  return { ...candidates, boxes: out }
}

/** Takes scores and offsets (and points) from a network's rows of `channels` numbers, and drops what scores under `threshold`. */
export function reclassify(
  candidates: Candidates,
  rows: Float32Array,
  channels: number,
  threshold: number,
): Candidates {
  const { count, boxes } = candidates
  if (rows.length !== count * channels) {
    throw new FacewiseError(
      'NETWORK_FAILED',
      `The network gave ${rows.length} numbers for ${count} boxes of ${channels} each.`,
    )
  }
  const kept: number[] = []
  for (let i = 0; i < count; i++) {
    if (probability(rows[i * channels]) >= threshold) kept.push(i)
  }
  const hasPoints = channels >= 15
  const out = {
    count: kept.length,
    boxes: new Float64Array(kept.length * 4),
    scores: new Float64Array(kept.length),
    offsets: new Float64Array(kept.length * 4),
    points: new Float64Array(hasPoints ? kept.length * 10 : 0),
  }
  kept.forEach((from, to) => {
    out.boxes.set(boxes.subarray(from * 4, from * 4 + 4), to * 4)
    out.scores[to] = probability(rows[from * channels])
    for (let k = 0; k < 4; k++) out.offsets[to * 4 + k] = rows[from * channels + 1 + k]
    if (hasPoints) for (let k = 0; k < 10; k++) out.points[to * 10 + k] = rows[from * channels + 5 + k]
  })
  return out
}

/** The logistic function: the softmax of (background, face) as a function of their difference. */
export function probability(logit: number): number {
  return 1 / (1 + Math.exp(-logit))
}

/** The logit of a probability: where a face logit reaches it, the probability reaches that. */
export function logit(probability: number): number {
  return Math.log(probability / (1 - probability))
}
