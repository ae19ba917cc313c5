import type { Box } from '../../image/index.ts'

/** The area that two boxes share, in pixels. */
export function sharedArea(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x)
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y)
  return width > 0 && height > 0 ? width * height : 0
}

/** The shared area over that of both together, 0 to 1 (intersection over union). */
export function overlap(a: Box, b: Box): number {
  const shared = sharedArea(a, b)
  return shared === 0 ? 0 : shared / (a.width * a.height + b.width * b.height - shared)
}

/** The shared area over that of the smaller box, 0 to 1: 1 where one lies in the other. */
export function cover(a: Box, b: Box): number {
  return sharedArea(a, b) / Math.min(a.width * a.height, b.width * b.height)
}

/** The mean side of a box in pixels. */
export const sizeOf = ({ width, height }: Box): number => Math.sqrt(width * height)

/** The distance of two boxes' middles in pixels. */
export const apart = (a: Box, b: Box): number =>
  Math.hypot(a.x + a.width / 2 - b.x - b.width / 2, a.y + a.height / 2 - b.y - b.height / 2)

/** By what factor the larger box is larger, in its side; 1 or more. */
export function sizeRatio(a: Box, b: Box): number {
  const ratio = sizeOf(a) / sizeOf(b)
  return Math.max(ratio, 1 / ratio)
}
