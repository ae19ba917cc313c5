import type { Picture } from '../../src/image/picture.ts'

/**
 * Area averaging as it is defined, in the slowest and plainest way: output pixel (j, i) of a `width` x `height` copy of the rectangle
 * is the mean of all pixels that it touches; outside the picture is black.
 */
export function meanOf(
  picture: Picture,
  rectangle: { x: number; y: number; width: number; height: number },
  width: number,
  height: number,
): number[] {
  const out: number[] = []
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < width; j++) {
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0
        let count = 0
        for (let y = 0; y < rectangle.height; y++) {
          // Pixel y covers [y, y + 1); row i of the copy covers [i, i + 1) of height / rectangle.height. Whole numbers, so no rounding.
          if ((y + 1) * height <= i * rectangle.height || y * height >= (i + 1) * rectangle.height) continue
          for (let x = 0; x < rectangle.width; x++) {
            if ((x + 1) * width <= j * rectangle.width || x * width >= (j + 1) * rectangle.width) continue
            const column = rectangle.x + x
            const row = rectangle.y + y
            const inside = column >= 0 && row >= 0 && column < picture.width && row < picture.height
            sum += inside ? picture.data[(row * picture.width + column) * 3 + channel] : 0
            count++
          }
        }
        out.push(sum / count)
      }
    }
  }
  return out
}

/** A picture whose three channels are the given numbers, the same plus 50, and the same plus 100. */
export function picture(width: number, height: number, values: readonly number[]): Picture {
  return { data: Uint8Array.from(values.flatMap(v => [v, v + 50, v + 100])), width, height }
}

/** What {@link picture} makes of grey values, as plain numbers. */
export const threeOf = (values: readonly number[]): number[] => values.flatMap(v => [v, v + 50, v + 100])

/** The largest distance between two lists; infinite if their lengths differ or a number is missing. */
export function largestDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY
  let largest = 0
  for (let i = 0; i < actual.length; i++) {
    const difference = Math.abs(actual[i] - expected[i])
    if (!(difference <= largest)) largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference
  }
  return largest
}
