/** A comparison of two pictures of one person: whether it failed, and the quality of its worse picture. */
export interface Genuine {
  readonly failed: boolean
  readonly quality: number
  readonly subject: number
}

/** Up to which share of rejected comparisons the area is taken, and in how many steps. */
export const MOST_REJECTED = 0.3
const STEPS = 60

/**
 * FNMR when the worst share of comparisons is rejected, for each of `shares`, which rise (ISO/IEC 29794-1, error versus discard
 * characteristic). Comparisons of one quality are rejected in no order: each counts by the share of them that is left.
 *
 * @param sorted Lowest quality first.
 * @param times How often each comparison counts, by its subject; once by default.
 */
export function rejectCurve(
  sorted: readonly Genuine[],
  shares: readonly number[],
  times?: ArrayLike<number>,
): number[] {
  const weightOf = ({ subject }: Genuine): number => (times ? times[subject] : 1)
  let total = 0
  let left = 0
  for (const comparison of sorted) {
    const weight = weightOf(comparison)
    total += weight
    if (comparison.failed) left += weight
  }
  let next = 0
  let rejected = 0
  let group = { count: 0, failed: 0 }
  return shares.map(share => {
    // Whole groups of one quality first, then a part of the one through which the cut goes.
    while (rejected + group.count < share * total || group.count === 0) {
      rejected += group.count
      left -= group.failed
      group = { count: 0, failed: 0 }
      if (next === sorted.length) break
      const { quality } = sorted[next]
      for (; next < sorted.length && sorted[next].quality === quality; next++) {
        const weight = weightOf(sorted[next])
        group.count += weight
        if (sorted[next].failed) group.failed += weight
      }
    }
    const part = group.count > 0 ? (share * total - rejected) / group.count : 0
    return total > 0 ? (left - part * group.failed) / (total * (1 - share)) : Number.NaN
  })
}

/** Lowest quality first. */
export const byQuality = (comparisons: readonly Genuine[]): Genuine[] =>
  [...comparisons].sort((a, b) => a.quality - b.quality)

/** The same comparisons as the best possible quality would sort them: those that fail first. */
export const oracle = (comparisons: readonly Genuine[]): Genuine[] =>
  byQuality(comparisons.map(comparison => ({ ...comparison, quality: comparison.failed ? 0 : 1 })))

/** Mean FNMR while the share of rejected comparisons goes from 0 to {@link MOST_REJECTED}. */
export function rejectArea(sorted: readonly Genuine[], times?: ArrayLike<number>): number {
  const shares = Array.from({ length: STEPS + 1 }, (_, i) => (MOST_REJECTED * i) / STEPS)
  const curve = rejectCurve(sorted, shares, times)
  return curve.reduce((sum, rate, i) => sum + (i === 0 || i === STEPS ? rate / 2 : rate), 0) / STEPS
}

/** How much of what the best possible rejection gains over random rejection a quality gains: 0 to 1, below 0 where it does harm. */
export function gain(sorted: readonly Genuine[], best: readonly Genuine[], times?: ArrayLike<number>): number {
  const [random] = rejectCurve(sorted, [0], times)
  return (random - rejectArea(sorted, times)) / (random - rejectArea(best, times))
}

/** The middle 95 % of the {@link gain} over draws of as many people, with replacement. */
export function gainInterval(
  sorted: readonly Genuine[],
  best: readonly Genuine[],
  random: () => number,
  replicates = 400,
): [low: number, high: number] {
  const subjects = 1 + sorted.reduce((most, { subject }) => Math.max(most, subject), 0)
  const gains = Array.from({ length: replicates }, () => {
    const times = new Int32Array(subjects)
    for (let i = 0; i < subjects; i++) times[Math.floor(random() * subjects)]++
    return gain(sorted, best, times)
  }).sort((a, b) => a - b)
  return [gains[Math.floor(0.025 * replicates)], gains[Math.ceil(0.975 * replicates) - 1]]
}
