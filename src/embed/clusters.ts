import { FacewiseError } from '../errors.ts'
import { condensedDistances, type Metric, packVectors, type Vector, type VectorMatrix } from '../metrics.ts'

/** How the distance of two groups comes from those of their members: the mean, the largest or the smallest. */
export type Linkage = 'average' | 'complete' | 'single'

/** What {@link cluster} needs to know. */
export interface ClusterOptions {
  /** Groups at most this far apart are joined; in units of `metric`. */
  readonly threshold: number
  /** `cosine` by default. */
  readonly metric?: Metric
  /** `average` by default. */
  readonly linkage?: Linkage
}

/** Who belongs together. */
export interface Clusters {
  /** For each embedding the number of its group, an index into `groups`. */
  readonly labels: Int32Array
  /** The members of each group, upward; the largest group first, of equally large ones that with the earliest member. */
  readonly groups: readonly (readonly number[])[]
}

/** The distances of all pairs are held at once, four bytes each: for this many embeddings 537 MB. */
export const MAX_CLUSTERED = 16_384

/**
 * Groups embeddings by person: agglomerative clustering. Each embedding begins as a group; the two nearest groups are joined as
 * long as they are at most `threshold` apart. By the nearest-neighbour chain (Murtagh, "A survey of recent advances in hierarchical clustering
 * algorithms", The Computer Journal 26(4), 1983) with the distances updated by Lance and Williams ("A general theory of classificatory
 * sorting strategies", The Computer Journal 9(4), 1967): time and memory grow with the square of the embeddings.
 *
 * The result is the same in every run. Where distances are exactly equal the earlier embedding is joined first.
 *
 * `average` asks whether two groups look alike as a whole: one odd picture does not bridge two people, as it does by `single` linkage
 * (and DBSCAN), and does not part one, as by `complete`. With it the threshold of a false match rate of 1e-3 is a good one whether people
 * have two pictures or sixty. `complete` groups a little better where nobody has more than two or three, and falls apart where they have more.
 *
 * @param embeddings Of one model; an array of vectors or a matrix of `packVectors`.
 * @throws FacewiseError `INVALID_ARGUMENT` for more than {@link MAX_CLUSTERED} embeddings (cluster them in parts), a threshold that is
 * negative or not a number, or vectors as in `distance`.
 */
export function cluster(embeddings: readonly Vector[] | VectorMatrix, options: ClusterOptions): Clusters {
  const { threshold, metric = 'cosine', linkage = 'average' } = options
  if (!(threshold >= 0)) {
    throw new FacewiseError('INVALID_ARGUMENT', `The threshold of clusters is a distance, 0 or more; got ${threshold}.`)
  }
  if (linkage !== 'average' && linkage !== 'complete' && linkage !== 'single') {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `There is no linkage '${linkage}': use 'average', 'complete' or 'single'.`,
    )
  }
  const count = 'data' in embeddings ? embeddings.count : embeddings.length
  if (count > MAX_CLUSTERED) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `${count} embeddings are too many to compare all with all; at most ${MAX_CLUSTERED}: cluster them in parts, ` +
        'then one embedding of each group.',
    )
  }
  if (count === 0) return { labels: new Int32Array(0), groups: [] }
  const matrix = 'data' in embeddings ? embeddings : packVectors(embeddings)
  return sortGroups(joinNearest(condensedDistances(matrix, metric), count, threshold, linkage))
}

/**
 * Joins groups whose distance is at most `threshold`, and returns for each item the first item of its group. `distances` is
 * condensed, and is written over.
 *
 * A chain runs from a group to its nearest neighbour, from that to its own, until two are each other's nearest: these can be joined at
 * once, in whatever order, because for these linkages a joined group is never nearer to a third than both of its parts were. For
 * the same reason a group whose nearest neighbour is over the threshold is finished, and is no longer looked at.
 */
function joinNearest(distances: Float32Array, count: number, threshold: number, linkage: Linkage): Int32Array {
  const sizes = new Int32Array(count).fill(1)
  const joinedTo = Int32Array.from({ length: count }, (_, i) => i)
  /** The groups that may still be joined, each under the number of its first item, upward. */
  const open = Int32Array.from(joinedTo)
  let opened = count
  const close = (group: number): void => {
    const at = open.subarray(0, opened).indexOf(group)
    open.copyWithin(at, at + 1, opened--)
  }
  /** Pair (i, j), i < j, stands at `rows[i] + j`. */
  const rows = Float64Array.from({ length: count }, (_, i) => i * count - (i * (i + 1)) / 2 - i - 1)
  const at = (i: number, j: number): number => (i < j ? rows[i] + j : rows[j] + i)

  const chain: number[] = []
  while (opened > 0) {
    if (chain.length === 0) chain.push(open[0])
    const last = chain[chain.length - 1]
    const previous = chain[chain.length - 2] ?? -1
    // On a tie the one before wins, or the chain might run in circles; then the earliest.
    let nearest = previous
    let least = previous < 0 ? Number.POSITIVE_INFINITY : distances[at(last, previous)]
    const row = rows[last]
    for (let k = 0; k < opened; k++) {
      const other = open[k]
      if (other === last) continue
      const distance = other < last ? distances[rows[other] + last] : distances[row + other]
      if (distance < least) {
        least = distance
        nearest = other
      }
    }
    if (nearest < 0 || least > threshold) {
      // Distances fall along a chain, so this is its only member.
      close(last)
      chain.pop()
    } else if (nearest !== previous) {
      chain.push(nearest)
    } else {
      chain.length -= 2
      const kept = Math.min(last, nearest)
      const gone = Math.max(last, nearest)
      close(gone)
      for (let k = 0; k < opened; k++) {
        const other = open[k]
        if (other === kept) continue
        const to = at(kept, other)
        distances[to] = joined(distances[to], sizes[kept], distances[at(gone, other)], sizes[gone], linkage)
      }
      sizes[kept] += sizes[gone]
      joinedTo[gone] = kept
    }
  }
  // A group is joined to an earlier one, whose own first item is known by then.
  for (let i = 0; i < count; i++) joinedTo[i] = joinedTo[joinedTo[i]]
  return joinedTo
}

function joined(a: number, sizeA: number, b: number, sizeB: number, linkage: Linkage): number {
  if (linkage === 'average') return (a * sizeA + b * sizeB) / (sizeA + sizeB)
  return linkage === 'complete' ? Math.max(a, b) : Math.min(a, b)
}

function sortGroups(firsts: Int32Array): Clusters {
  const members = new Map<number, number[]>()
  firsts.forEach((first, i) => {
    const group = members.get(first)
    if (group) group.push(i)
    else members.set(first, [i])
  })
  const groups = [...members.values()].sort((a, b) => b.length - a.length || a[0] - b[0])
  const labels = new Int32Array(firsts.length)
  groups.forEach((group, label) => {
    for (const i of group) labels[i] = label
  })
  return { labels, groups }
}

/** How well groups agree with people, over all pairs of pictures. */
export interface PairwiseF {
  /** Share of the pairs in one group that are of one person; 1 where no two are in one group. */
  readonly precision: number
  /** Share of the pairs of one person that are in one group; 1 where no person has two pictures. */
  readonly recall: number
  /** Harmonic mean of both. */
  readonly f: number
  /** How many groups were found, and how many people there are. */
  readonly clusters: number
  readonly people: number
}

/**
 * Pairwise precision, recall and F of a clustering (Amigó et al., "A comparison of extrinsic clustering evaluation metrics based on
 * formal constraints", Information Retrieval 12(4), 2009: the metrics based on counting pairs).
 *
 * @param labels For each picture its group. @param truth For each picture its person.
 * @throws FacewiseError `INVALID_ARGUMENT` for lists of different lengths or without a picture.
 */
export function pairwiseF(labels: ArrayLike<number | string>, truth: ArrayLike<number | string>): PairwiseF {
  if (labels.length !== truth.length || labels.length === 0) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `Each picture needs a group and a person; got ${labels.length} groups and ${truth.length} people.`,
    )
  }
  const perGroup = new Map<number | string, number>()
  const perPerson = new Map<number | string, number>()
  const perBoth = new Map<number | string, Map<number | string, number>>()
  for (let i = 0; i < labels.length; i++) {
    countIn(perGroup, labels[i])
    countIn(perPerson, truth[i])
    const inGroup = perBoth.get(labels[i]) ?? new Map<number | string, number>()
    perBoth.set(labels[i], inGroup)
    countIn(inGroup, truth[i])
  }
  const together = pairsIn(perGroup.values())
  const same = pairsIn(perPerson.values())
  const right = pairsIn([...perBoth.values()].flatMap(inGroup => [...inGroup.values()]))
  const precision = together === 0 ? 1 : right / together
  const recall = same === 0 ? 1 : right / same
  const f = precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall)
  return { precision, recall, f, clusters: perGroup.size, people: perPerson.size }
}

function countIn<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

function pairsIn(sizes: Iterable<number>): number {
  let pairs = 0
  for (const size of sizes) pairs += (size * (size - 1)) / 2
  return pairs
}
