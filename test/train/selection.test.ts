import { describe, expect, it } from 'vitest'
import { distanceBlock, packVectors } from '../../src/metrics.ts'
import { SELECTIONS, type Selection, selectTriplets, tripletTerms } from '../../src/train/index.ts'
import { random } from '../random.ts'
import { unit } from './backend.ts'

const MARGIN = 0.2

/** The definitions, read word by word: all triplets, and of these the ones that a selection wants. */
function byDefinition(selection: Selection, d: readonly number[][], labels: readonly string[]): string[] {
  const n = labels.length
  const indices = Array.from({ length: n }, (_, i) => i)
  const found: string[] = []
  for (const a of indices) {
    const positives = indices.filter(p => p !== a && labels[p] === labels[a])
    const negatives = indices.filter(i => labels[i] !== labels[a])
    const nearest = (list: number[]): number | undefined =>
      list.find(i => d[a][i] === Math.min(...list.map(j => d[a][j])))
    const farthest = positives.find(p => d[a][p] === Math.max(...positives.map(j => d[a][j])))
    for (const p of positives) {
      if (selection === 'batch-hard' && p !== farthest) continue
      const wanted =
        selection === 'all'
          ? negatives
          : selection === 'semi-hard'
            ? [nearest(negatives.filter(i => d[a][p] < d[a][i] && d[a][i] < d[a][p] + MARGIN))]
            : [nearest(negatives)]
      for (const i of wanted) if (i !== undefined) found.push(`${a},${p},${i}`)
    }
  }
  return found
}

const listed = (triplets: Int32Array): string[] =>
  Array.from({ length: triplets.length / 3 }, (_, t) => triplets.slice(3 * t, 3 * t + 3).join(','))

/** Random distances on a coarse grid, so that many are equal, of people with one to four pictures. */
function batch(seed: number): { d: number[][]; labels: string[] } {
  const { integer } = random(seed)
  const labels = Array.from({ length: integer(2, 6) }, (_, person) =>
    Array.from({ length: integer(1, 4) }, () => `p${person}`),
  ).flat()
  const n = labels.length
  const d = Array.from({ length: n }, () => new Array<number>(n).fill(0))
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) d[i][j] = d[j][i] = integer(0, 12) / 10
  return { d, labels }
}

describe.each(SELECTIONS)('the selection %s', selection => {
  it('is what its definition says, on 200 batches with ties and people of one picture', () => {
    let triplets = 0
    let single = 0
    for (let seed = 0; seed < 200; seed++) {
      const { d, labels } = batch(seed)
      const chosen = selectTriplets(selection, { squared: d.flat(), count: labels.length }, labels, MARGIN)
      expect(listed(chosen)).toEqual(byDefinition(selection, d, labels))
      triplets += chosen.length / 3
      single += labels.filter(label => labels.filter(other => other === label).length === 1).length
    }
    // Nothing chosen on either side would prove nothing.
    expect(triplets).toBeGreaterThan(100)
    expect(single).toBeGreaterThan(50)
  })

  it('finds nothing where nobody has two pictures, or all are one person', () => {
    const distances = { squared: new Float32Array(9).fill(1), count: 3 }
    expect(selectTriplets(selection, distances, ['a', 'b', 'c'], MARGIN)).toHaveLength(0)
    expect(selectTriplets(selection, distances, ['a', 'a', 'a'], MARGIN)).toHaveLength(0)
  })
})

it('calls no negative semi-hard that is as near as the positive, or just at the margin', () => {
  const at = (negative: number): number => {
    // Anchor 0, positive 1 at 0.5, negative 2; powers of two, so that sums are exact.
    const squared = [0, 0.5, negative, 0.5, 0, 4, negative, 4, 0]
    return selectTriplets('semi-hard', { squared, count: 3 }, ['a', 'a', 'b'], 0.25).length
  }
  expect([0.5, 0.75, 0.25, 1].map(at)).toEqual([0, 0, 0, 0])
  expect(at(0.625)).toBe(3)
})

it('refuses sizes that do not fit and selections that there are not', () => {
  expect(() => selectTriplets('all', { squared: [0], count: 2 }, ['a', 'b'], 0.2)).toThrow(/2 rows need 2 labels/)
  const two = { squared: [0, 1, 1, 1, 0, 1, 1, 1, 0], count: 3 }
  expect(() => selectTriplets('soft' as Selection, two, ['a', 'a', 'b'], 0.2)).toThrow(/choose among all, semi-hard/)
})

it('gives the loss of a triplet and its derivative by the distances', () => {
  const rows = packVectors([unit([1, 0]), unit([1, 1]), unit([1, 2])])
  const squared = distanceBlock(rows, rows, 'squared-euclidean')
  const { value, active, pull } = tripletTerms({ squared, count: 3 }, Int32Array.of(0, 2, 1), MARGIN)
  // Squared distances on the circle are 2 - 2 cos: the positive at 63.4 degrees, the negative at 45.
  expect(value).toBeCloseTo(2 - 2 / Math.sqrt(5) - (2 - Math.SQRT2) + MARGIN, 6)
  expect(active).toBe(1)
  expect(Array.from(pull)).toEqual([0, -1, 1, 0, 0, 0, 0, 0, 0])
})
