import { type FaceGrid, GRID } from './grid.ts'

/** Detail of a face, and the noise in it. */
export interface Detail {
  /** Standard deviation of the noise in luma, 0 to 1. */
  readonly noise: number
  /** Energy of fine detail (2 to 4 cells) over that of coarser detail (4 to 8 cells), without the noise's part; low where it is blurred. */
  readonly ratio: number
}

/** Below this the energy of a band is rounding of the bytes, so that a flat face counts as blurred and not as anything. */
const FLOOR = 1e-6

/**
 * Splits the face into bands of detail by repeated smoothing (the Laplacian pyramid of Burt and Adelson, "The Laplacian pyramid as a
 * compact image code", IEEE Transactions on Communications 31(4), 1983, kept at full size) and compares the energy of two.
 *
 * A ratio, not an energy such as the variance of the Laplacian: that one grows with the light and the contrast of a face as much as with
 * its sharpness. The spectrum of a sharp face falls by its nature; blur makes it fall faster.
 */
export function detailOf(grid: FaceGrid): Detail {
  const { luma, mask, count } = grid
  const noise = noiseOf(grid)
  const fine = smooth(luma, 1)
  const middle = smooth(fine, 2)
  const coarse = smooth(middle, 4)
  let upper = 0
  let lower = 0
  for (let i = 0; i < mask.length; i++) {
    if (!mask[i]) continue
    upper += (fine[i] - middle[i]) ** 2
    lower += (middle[i] - coarse[i]) ** 2
  }
  const without = (energy: number, part: number): number => Math.max(0, energy / Math.max(1, count) - part * noise ** 2)
  return { noise, ratio: without(upper, WHITE.upper) / (without(lower, WHITE.lower) + FLOOR) }
}

/** Energy of both bands in white noise of variance 1: the sums of squares of their kernels. */
const WHITE = { upper: 0.04198, lower: 0.01113 }

/**
 * Standard deviation of the noise, by the operator of Immerkaer, "Fast noise variance estimation", Computer Vision and Image
 * Understanding 64(2), 1996, which does not see planes and hardly edges. The median of its answers in the place of their mean, as Donoho
 * and Johnstone do with wavelets ("Ideal spatial adaptation by wavelet shrinkage", Biometrika 81(3), 1994): a beard or hair fills less
 * than half of a face, noise all of it.
 */
function noiseOf({ luma, mask, count }: FaceGrid): number {
  const { width, height } = GRID
  const answers = new Float32Array(count)
  let n = 0
  for (let row = 1; row < height - 1; row++) {
    for (let i = row * width + 1; i < (row + 1) * width - 1; i++) {
      // The neighbours, too: what is repeated beyond the picture's edge has no noise.
      if (!(mask[i] && mask[i - 1] && mask[i + 1] && mask[i - width] && mask[i + width])) continue
      const cross = luma[i - 1] + luma[i + 1] + luma[i - width] + luma[i + width]
      const corners = luma[i - width - 1] + luma[i - width + 1] + luma[i + width - 1] + luma[i + width + 1]
      answers[n++] = Math.abs(4 * luma[i] - 2 * cross + corners)
    }
  }
  if (n === 0) return 0
  // The operator's answer to white noise has 6 times its deviation; half of a normal distribution lies within 0.6745 deviations.
  return answers.subarray(0, n).sort()[n >> 1] / (6 * 0.6745)
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
