import { type FaceGrid, GRID } from './grid.ts'

/** Detail of a face, and the noise in it. */
export interface Detail {
  /** Standard deviation of the noise in luma, 0 to 1. */
  readonly noise: number
  /**
   * Energy of the edges among fine detail (2 to 4 cells) over that of all coarse detail (8 to 16 cells, such as eyes and mouth): low where
   * the face is blurred, and where noise drowns it.
   */
  readonly ratio: number
}

/** Below this the energy of a band is rounding of the bytes, so that a flat face counts as blurred and not as anything. */
const FLOOR = 1e-6

/** Half of a normal distribution lies within so many standard deviations of its mean. */
const QUARTILE = 0.6745

/**
 * Splits the face into bands of detail by repeated smoothing (the Laplacian pyramid of Burt and Adelson, "The Laplacian pyramid as a
 * compact image code", IEEE Transactions on Communications 31(4), 1983, kept at full size) and compares the energy of two.
 *
 * A ratio, not an energy such as the variance of the Laplacian: that one grows with the light and the contrast of a face as much as with
 * its sharpness. The spectrum of a sharp face falls by its nature; blur makes it fall faster.
 *
 * Of the finer band only that energy counts which the median of its values does not explain. Edges are few and strong; noise is everywhere
 * and normal, and its median tells all its energy (the estimate of noise of Donoho and Johnstone, "Ideal spatial adaptation by wavelet
 * shrinkage", Biometrika 81(3), 1994). So noise, on a blurred face or a sharp one, does not pass for sharpness.
 */
export function detailOf(grid: FaceGrid): Detail {
  const { luma, mask, count } = grid
  const { width, height } = GRID
  const fine = smooth(luma, width, height, 1)
  const middle = smooth(fine, width, height, 2)
  const sizes = new Float32Array(count)
  let upper = 0
  for (let i = 0, n = 0; i < mask.length; i++) {
    if (!mask[i]) continue
    const value = fine[i] - middle[i]
    sizes[n++] = Math.abs(value)
    upper += value ** 2
  }
  const spread = (medianOf(sizes) / QUARTILE) ** 2
  const edges = Math.max(0, upper / Math.max(1, count) - spread)
  return { noise: noiseOf(grid), ratio: edges / (coarseEnergy(middle, mask) + FLOOR) }
}

/** Energy of detail of 8 to 16 cells. What is smooth already is smoothed on in cells twice as large: four times as far. */
function coarseEnergy(middle: Float32Array, mask: Uint8Array): number {
  const [width, height] = [GRID.width / 2, GRID.height / 2]
  const half = new Float32Array(width * height)
  const inFace = new Uint8Array(half.length)
  for (let i = 0; i < half.length; i++) {
    const first = 2 * Math.floor(i / width) * GRID.width + 2 * (i % width)
    const below = first + GRID.width
    half[i] = (middle[first] + middle[first + 1] + middle[below] + middle[below + 1]) / 4
    inFace[i] = mask[first] & mask[first + 1] & mask[below] & mask[below + 1]
  }
  const coarse = smooth(half, width, height, 1)
  const coarsest = smooth(coarse, width, height, 2)
  let energy = 0
  let count = 0
  for (let i = 0; i < half.length; i++) {
    if (!inFace[i]) continue
    energy += (coarse[i] - coarsest[i]) ** 2
    count++
  }
  return energy / Math.max(1, count)
}

/** Sorts in place. 0 of nothing. */
function medianOf(values: Float32Array): number {
  return values.length === 0 ? 0 : values.sort()[values.length >> 1]
}

/**
 * Standard deviation of the noise, by the operator of Immerkaer, "Fast noise variance estimation", Computer Vision and Image
 * Understanding 64(2), 1996, which does not see planes and hardly edges. The median of its answers in the place of their mean: a beard or
 * hair fills less than half of a face, noise all of it.
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
  // The operator's answer to white noise has 6 times its deviation.
  return medianOf(answers.subarray(0, n)) / (6 * QUARTILE)
}

/** Rows of cells smoothed `times` by the binomial 1 2 1 along both axes. */
function smooth(from: Float32Array, width: number, height: number, times: number): Float32Array {
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
