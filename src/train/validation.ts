import { distanceBlock, rowsOf, type VectorMatrix } from '../metrics.ts'

/**
 * The share of triplets whose negative is farther than their positive, over all triplets of the samples; ties count half. 0.5 says nothing
 * was learned, 1 that everybody's pictures are nearer to each other than to anybody else's. 0.5 where there is no triplet.
 *
 * Each anchor is compared by itself, so it asks for no common threshold.
 */
export function heldOutScore(embeddings: VectorMatrix, people: readonly string[]): number {
  const { count } = embeddings
  let right = 0
  let triplets = 0
  for (let a = 0; a < count; a++) {
    const row = distanceBlock(rowsOf(embeddings, a, a + 1), embeddings, 'squared-euclidean')
    const negatives = row.filter((_, i) => people[i] !== people[a]).sort()
    for (let p = 0; p < count; p++) {
      if (p === a || people[p] !== people[a]) continue
      const upTo = countUpTo(negatives, row[p], true)
      const under = countUpTo(negatives, row[p], false)
      right += negatives.length - upTo + (upTo - under) / 2
      triplets += negatives.length
    }
  }
  return triplets === 0 ? 0.5 : right / triplets
}

/** How many of the sorted numbers are under `limit`, or equal to it. */
function countUpTo(sorted: Float32Array, limit: number, inclusive: boolean): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle] < limit || (inclusive && sorted[middle] === limit)) low = middle + 1
    else high = middle
  }
  return low
}
