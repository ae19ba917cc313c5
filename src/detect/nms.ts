import type { Candidates } from './candidates.ts'

/** What two boxes' intersection is divided by: the area of their union, or that of the smaller one (`min`, as in the last stage). */
export type OverlapKind = 'union' | 'min'

/**
 * Non-maximum suppression: goes through the boxes from the best score down and drops each that overlaps a kept one by more than
 * `threshold`. Areas are those of inclusive pixels (`x2 - x1 + 1`).
 *
 * @returns the indices of the kept boxes, best score first; of equal scores, the first in the list comes first.
 */
export function nms(
  candidates: Pick<Candidates, 'count' | 'boxes' | 'scores'>,
  threshold: number,
  kind: OverlapKind = 'union',
): number[] {
  const { count, boxes, scores } = candidates
  const order = Array.from({ length: count }, (_, i) => i).sort((a, b) => scores[b] - scores[a] || a - b)
  // Kept boxes side by side in score order, so that the inner loop reads memory in a row.
  const kept = new Float64Array(count * 5)
  const result: number[] = []
  for (const index of order) {
    const x1 = boxes[index * 4]
    const y1 = boxes[index * 4 + 1]
    const x2 = boxes[index * 4 + 2]
    const y2 = boxes[index * 4 + 3]
    const area = (x2 - x1 + 1) * (y2 - y1 + 1)
    const end = result.length * 5
    let suppressed = false
    for (let k = 0; k < end; k += 5) {
      const width = Math.min(x2, kept[k + 2]) - Math.max(x1, kept[k]) + 1
      if (width <= 0) continue
      const height = Math.min(y2, kept[k + 3]) - Math.max(y1, kept[k + 1]) + 1
      if (height <= 0) continue
      const intersection = width * height
      const base = kind === 'union' ? area + kept[k + 4] - intersection : Math.min(area, kept[k + 4])
      if (intersection > threshold * base) {
        suppressed = true
        break
      }
    }
    if (suppressed) continue
    kept[end] = x1
    kept[end + 1] = y1
    kept[end + 2] = x2
    kept[end + 3] = y2
    kept[end + 4] = area
    result.push(index)
  }
  return result
}
