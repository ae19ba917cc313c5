import { describe, expect, test } from 'vitest'
import { type Clusters, cluster, type Linkage, MAX_CLUSTERED, pairwiseF } from '../../src/embed/clusters.ts'
import { allPairs } from '../../src/embed/pairs.ts'
import { distributions, thresholdAtFmr } from '../../src/embed/rates.ts'
import { distance, type Metric, packVectors, type Vector } from '../../src/metrics.ts'
import { random } from '../random.ts'
import { facesOf } from './gaussian.ts'

const LINKAGES: readonly Linkage[] = ['average', 'complete', 'single']

/** The distance of two groups, as it is defined: over all pairs of members. */
function between(
  a: readonly number[],
  b: readonly number[],
  list: readonly Vector[],
  metric: Metric,
  linkage: Linkage,
) {
  const all = a.flatMap(i => b.map(j => Math.fround(distance(list[i], list[j], metric))))
  if (linkage === 'average') return all.reduce((sum, value) => sum + value, 0) / all.length
  return linkage === 'complete' ? Math.max(...all) : Math.min(...all)
}

/** Agglomeration in the plainest way: of all pairs of groups the nearest is joined, until none is near enough. */
function bruteForce(list: readonly Vector[], threshold: number, metric: Metric, linkage: Linkage): string {
  const groups = list.map((_, i) => [i])
  for (;;) {
    let least = Number.POSITIVE_INFINITY
    let pair = [0, 0]
    for (let i = 0; i < groups.length; i++) {
      for (let j = i + 1; j < groups.length; j++) {
        const value = between(groups[i], groups[j], list, metric, linkage)
        if (value < least) {
          least = value
          pair = [i, j]
        }
      }
    }
    if (least > threshold) return written(groups)
    groups[pair[0]].push(...groups.splice(pair[1], 1)[0])
  }
}

const written = (groups: readonly (readonly number[])[]): string =>
  groups
    .map(group => [...group].sort((a, b) => a - b).join(' '))
    .sort()
    .join(' | ')

function consistent({ labels, groups }: Clusters, count: number): void {
  expect(groups.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i))
  groups.forEach((group, label) => {
    for (const i of group) expect(labels[i]).toBe(label)
    expect(group).toEqual([...group].sort((a, b) => a - b))
    const before = groups[label - 1]
    if (before && before.length === group.length) expect(before[0]).toBeLessThan(group[0])
    else if (before) expect(before.length).toBeGreaterThan(group.length)
  })
}

describe('clusters', () => {
  test.each(LINKAGES)('by %s linkage are those of plain agglomeration', linkage => {
    let joins = 0
    for (let seed = 0; seed < 40; seed++) {
      const generator = random(seed)
      const { vectors } = facesOf(generator, { people: 4, pictures: 5, dimension: 3, noise: 0.8 })
      const metric = generator.pick(['cosine', 'euclidean', 'squared-euclidean'] as const)
      const threshold = generator.float(0.02, 0.9)
      const found = cluster(vectors, { threshold, metric, linkage })
      consistent(found, vectors.length)
      expect(written(found.groups)).toBe(bruteForce(vectors, threshold, metric, linkage))
      if (found.groups.length > 1 && found.groups[0].length > 1) joins++
    }
    // Neither all in one nor all alone: there was something to compare.
    expect(joins).toBeGreaterThan(20)
  })

  test.each(LINKAGES)(
    'by %s linkage with many equal distances: no two groups are left that are near enough',
    linkage => {
      for (let seed = 0; seed < 60; seed++) {
        const { integer } = random(seed)
        const list = Array.from({ length: 24 }, () => [integer(0, 4), integer(0, 4)])
        const threshold = integer(0, 3)
        const found = cluster(list, { threshold, metric: 'euclidean', linkage })
        consistent(found, list.length)
        for (const a of found.groups) {
          for (const b of found.groups) {
            if (a !== b) expect(between(a, b, list, 'euclidean', linkage)).toBeGreaterThan(threshold - 1e-6)
          }
        }
        // Single linkage is the same whichever of two equal distances is joined first.
        if (linkage === 'single') expect(written(found.groups)).toBe(bruteForce(list, threshold, 'euclidean', 'single'))
        expect(cluster(list, { threshold, metric: 'euclidean', linkage })).toEqual(found)
      }
    },
  )

  test('of equal distances the earlier embedding is joined first; the threshold itself still joins', () => {
    const options = { metric: 'euclidean', threshold: 1 } as const
    expect(cluster([[0], [1], [2]], options).groups).toEqual([[0, 1], [2]])
    expect(cluster([[0], [1], [2]], { ...options, threshold: 0.99 }).groups).toEqual([[0], [1], [2]])
    expect(cluster([[0], [1], [2]], { ...options, linkage: 'single' }).groups).toEqual([[0, 1, 2]])
    expect(cluster([[5], [0], [5], [0], [5]], { ...options, threshold: 0 }).groups).toEqual([
      [0, 2, 4],
      [1, 3],
    ])
    expect([...cluster([[5], [0], [5], [0], [5]], options).labels]).toEqual([0, 1, 0, 1, 0])
  })

  test('one bridge joins two people by single linkage only', () => {
    const line = [[0], [1], [2], [3], [4], [5], [6], [7], [8]]
    const sizes = (linkage: Linkage): number =>
      cluster(line, { threshold: 1, metric: 'euclidean', linkage }).groups[0].length
    expect(sizes('single')).toBe(9)
    expect(sizes('average')).toBeLessThan(5)
    expect(sizes('complete')).toBeLessThan(5)
  })

  test('at the threshold of a false match rate, average linkage keeps people together who have many pictures', () => {
    const { vectors, subjects } = facesOf(random(1), { people: 40, pictures: 15, dimension: 24, noise: 0.75 })
    const { genuine, impostor } = allPairs(vectors, subjects)
    const threshold = thresholdAtFmr(distributions(genuine.distances, impostor.distances), 1e-3)
    const f = (linkage: Linkage): number => pairwiseF(cluster(vectors, { threshold, linkage }).labels, subjects).f
    expect(f('average')).toBeGreaterThan(0.8)
    expect(f('average')).toBeGreaterThan(f('complete') + 0.2)
    expect(f('average')).toBeGreaterThan(f('single') + 0.2)
  })

  test('of thousands of faces are the people', () => {
    const { vectors, subjects } = facesOf(random(9), { people: 150, pictures: 20, dimension: 64, noise: 0.6 })
    const found = cluster(packVectors(vectors), { threshold: 0.6 })
    expect(pairwiseF(found.labels, subjects)).toMatchObject({ f: 1, clusters: 150, people: 150 })
  })

  test('of none, of one, and what is refused', () => {
    expect(cluster([], { threshold: 1 })).toEqual({ labels: new Int32Array(0), groups: [] })
    expect(cluster([[1, 2]], { threshold: 1 })).toEqual({ labels: new Int32Array(1), groups: [[0]] })
    const invalid = (message: RegExp) =>
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) })
    const many = { data: new Float32Array(0), count: MAX_CLUSTERED + 1, dimension: 128 }
    expect(() => cluster(many, { threshold: 1 })).toThrow(invalid(/too many.*in parts/))
    expect(() => cluster([[1], [2]], { threshold: -1 })).toThrow(invalid(/0 or more; got -1/))
    expect(() => cluster([[1], [2]], { threshold: Number.NaN })).toThrow(invalid(/NaN/))
    expect(() => cluster([[1], [2]], { threshold: 1, linkage: 'ward' as Linkage })).toThrow(invalid(/'ward'/))
    expect(() => cluster([[1], [0]], { threshold: 1 })).toThrow(invalid(/Embedding 1 is all zeros/))
  })
})

describe('pairwise F', () => {
  test('by hand', () => {
    // Pairs together: 3 + 1; of one person: 1 + 3; both: (0, 1) and (3, 4).
    expect(pairwiseF([0, 0, 0, 1, 1], ['a', 'a', 'b', 'b', 'b'])).toEqual({
      precision: 0.5,
      recall: 0.5,
      f: 0.5,
      clusters: 2,
      people: 2,
    })
    expect(pairwiseF([0, 1, 2], ['a', 'a', 'a'])).toMatchObject({
      precision: 1,
      recall: 0,
      f: 0,
      clusters: 3,
      people: 1,
    })
    expect(pairwiseF([7, 7, 7], ['a', 'b', 'c'])).toMatchObject({ precision: 0, recall: 1, f: 0 })
    expect(pairwiseF(new Int32Array([0, 1]), ['a', 'b'])).toMatchObject({ precision: 1, recall: 1, f: 1 })
  })

  test('is that of all pairs', () => {
    const { integer } = random(4)
    for (let run = 0; run < 20; run++) {
      const labels = Array.from({ length: 30 }, () => integer(0, 5))
      const truth = Array.from({ length: 30 }, () => integer(0, 5))
      let [together, same, right] = [0, 0, 0]
      for (let i = 0; i < 30; i++) {
        for (let j = 0; j < i; j++) {
          if (labels[i] === labels[j]) together++
          if (truth[i] === truth[j]) same++
          if (labels[i] === labels[j] && truth[i] === truth[j]) right++
        }
      }
      const score = pairwiseF(labels, truth)
      expect(score.precision).toBe(right / together)
      expect(score.recall).toBe(right / same)
      expect(score.f).toBeCloseTo((2 * right) / (together + same), 12)
    }
  })

  test('needs both lists', () => {
    expect(() => pairwiseF([1], [1, 2])).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
    expect(() => pairwiseF([], [])).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })
})
