import { type FaceGrid, GRID } from './grid.ts'

/** Light and shade of a face; luma goes from 0 (black) to 1 (white). */
export interface Tone {
  /** Mean luma. */
  readonly mean: number
  /** Luma that 95 % of the face stay under, less that which 5 % do. */
  readonly range: number
  /** Share of the face that is burnt out (luma over 0.96) and that is black (under 0.03). */
  readonly burnt: number
  readonly black: number
  /** Difference of the mean luma of both halves over their sum: 0 for even light, 1 where one half is black. */
  readonly unevenness: number
}

const BINS = 256

/** One pass over the face; all zero for a face of which nothing lies in the picture. */
export function toneOf({ luma, mask, count }: FaceGrid): Tone {
  if (count === 0) return { mean: 0, range: 0, burnt: 0, black: 0, unevenness: 0 }
  const histogram = new Uint32Array(BINS)
  const sums = [0, 0]
  const counts = [0, 0]
  for (let i = 0; i < luma.length; i++) {
    if (!mask[i]) continue
    histogram[Math.min(BINS - 1, Math.round(luma[i] * (BINS - 1)))]++
    const half = i % GRID.width < GRID.width / 2 ? 0 : 1
    sums[half] += luma[i]
    counts[half]++
  }
  const share = (from: number, to: number): number => {
    let sum = 0
    for (let bin = from; bin < to; bin++) sum += histogram[bin]
    return sum / count
  }
  const quantile = (p: number): number => {
    let sum = 0
    for (let bin = 0; bin < BINS; bin++) {
      sum += histogram[bin]
      if (sum >= p * count) return bin / (BINS - 1)
    }
    return 1
  }
  const [left, right] = sums.map((sum, half) => (counts[half] > 0 ? sum / counts[half] : undefined))
  return {
    mean: (sums[0] + sums[1]) / count,
    range: quantile(0.95) - quantile(0.05),
    burnt: share(Math.ceil(0.96 * (BINS - 1)), BINS),
    black: share(0, Math.ceil(0.03 * (BINS - 1))),
    // Of a face of which one half alone lies in the picture nothing can be said; nor of a black one.
    unevenness:
      left === undefined || right === undefined || left + right === 0 ? 0 : Math.abs(left - right) / (left + right),
  }
}
