import { type FaceGrid, GRID } from './grid.ts'

/** How much of a face's detail is how fine. */
export interface Detail {
  /** Energy of detail of 2 to 4 cells over that of 4 to 8: low where the picture is blurred, high where noise drowns the face. */
  readonly ratio: number
}

/** Below this the energy of a band is rounding of the bytes; so that a flat face counts as blurred and not as anything. */
const FLOOR = 1e-6

/**
 * Splits the face into bands of detail by repeated smoothing (the Laplacian pyramid of Burt and Adelson, "The Laplacian pyramid as a
 * compact image code", IEEE Transactions on Communications 31(4), 1983, kept at full size) and compares the energy of two.
 *
 * A ratio, not an energy such as the variance of the Laplacian: that one grows with the light and the contrast of a face as much as with
 * its sharpness. The spectrum of a sharp face falls steadily, by its nature; blur makes it fall faster, noise more slowly.
 */
export function detailOf({ luma, mask }: FaceGrid): Detail {
  const fine = smooth(luma, 1)
  const middle = smooth(fine, 2)
  const coarse = smooth(middle, 4)
  let upper = 0
  let lower = 0
  let count = 0
  for (let i = 0; i < mask.length; i++) {
    if (!mask[i]) continue
    upper += (fine[i] - middle[i]) ** 2
    lower += (middle[i] - coarse[i]) ** 2
    count++
  }
  const mean = (sum: number): number => sum / Math.max(1, count)
  return { ratio: (mean(upper) + FLOOR / 10) / (mean(lower) + FLOOR) }
}

/** The grid smoothed `times` by the binomial 1 2 1 along both axes. */
function smooth(from: Float32Array, times: number): Float32Array {
  const { width, height } = GRID
  let now = from
  for (let time = 0; time < times; time++) {
    const across = new Float32Array(now.length)
    for (let row = 0; row < height; row++) {
      const start = row * width
      const end = start + width - 1
      across[start] = (3 * now[start] + now[start + 1]) / 4
      for (let i = start + 1; i < end; i++) across[i] = (now[i - 1] + 2 * now[i] + now[i + 1]) / 4
      across[end] = (now[end - 1] + 3 * now[end]) / 4
    }
    const down = new Float32Array(now.length)
    for (let i = 0; i < now.length; i++) {
      const above = i < width ? i : i - width
      const below = i >= now.length - width ? i : i + width
      down[i] = (across[above] + 2 * across[i] + across[below]) / 4
    }
    now = down
  }
  return now
}
