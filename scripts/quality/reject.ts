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
 * FNMR when the worst share of comparisons is rejected, for each of `shares` (ISO/IEC 29794-1, error versus discard characteristic).
 * Comparisons of one quality are rejected in no order: each counts by the share of them that is left.
 *
 * @param times How often each comparison counts, by its subject; once by default.
 */
export function rejectCurve(
  sorted: readonly Genuine[],
  shares: readonly number[],
  times?: ArrayLike<number>,
): number[] {
  const groups: { count: number; failed: number }[] = []
  let quality = Number.NaN
  let count = 0
  let failed = 0
  for (const comparison of sorted) {
    const weight = times ? times[comparison.subject] : 1
    if (comparison.quality !== quality) groups.push({ count: 0, failed: 0 })
    quality = comparison.quality
    const group = groups[groups.length - 1]
    group.count += weight
    count += weight
    if (comparison.failed) {
      group.failed += weight
      failed += weight
    }
  }
  return shares.map(share => {
    let reject = share * count
    let left = failed
    for (const group of groups) {
      if (reject <= 0 || group.count === 0) continue
      const part = Math.min(1, reject / group.count)
      left -= part * group.failed
      reject -= group.count
    }
    return count > 0 ? left / (count * (1 - share)) : Number.NaN
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
