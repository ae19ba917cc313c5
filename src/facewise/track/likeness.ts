import { type Box, cropArea, type Picture } from '../../image/index.ts'

/**
 * What a face looks like in a few coarse colours, to tell two faces of one scene apart where their boxes meet. It costs next to nothing, and says
 * nothing about who somebody is.
 */
export type Likeness = Float32Array

/** Pixels of a side: coarse, so that a box that is a little off makes no difference. */
const SIDE = 8

/** The inner part of a box as 8 x 8 colours with mean 0 and length 1. */
export function likenessOf(picture: Picture, { x, y, width, height }: Box): Likeness {
  const out = new Float32Array(SIDE * SIDE * 3)
  const side = Math.max(SIDE, Math.round(Math.min(width, height)))
  const left = Math.round(x + (width - side) / 2)
  const top = Math.round(y + (height - side) / 2)
  cropArea(picture, left, top, left + side, top + side, {
    width: SIDE,
    height: SIDE,
    out,
    offset: 0,
    scale: 1 / 255,
    shift: 0,
  })
  return standard(out)
}

/** How alike two are: the correlation, -1 to 1. */
export function alike(a: Likeness, b: Likeness): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i]
  return sum
}

/** A mean in which the newer one counts `share`. */
export function blend(old: Likeness, newer: Likeness, share: number): Likeness {
  return standard(old.map((value, i) => value + share * (newer[i] - value)))
}

function standard(values: Float32Array): Float32Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const centred = values.map(value => value - mean)
  const length = Math.sqrt(centred.reduce((sum, value) => sum + value * value, 0))
  // A picture of one colour is like nothing.
  return length > 0 ? centred.map(value => value / length) : centred
}
