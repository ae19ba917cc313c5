import { FacewiseError } from '../errors.ts'

/**
 * Which triplets of a batch are learned from. d_ap is the squared distance of anchor and positive, d_an that of anchor and negative.
 * - `all`: every anchor with every other picture of its person and every picture of somebody else.
 * - `semi-hard`: every anchor and positive with the nearest negative of those with d_ap < d_an < d_ap + margin (FaceNet, section 3.2);
 *   a pair that has none gives no triplet.
 * - `hardest`: every anchor and positive with the nearest negative of all. Early on this leads into collapse, says the paper.
 * - `batch-hard`: every anchor with its farthest positive and its nearest negative (Hermans, Beyer and Leibe, 2017).
 */
export type Selection = 'all' | 'semi-hard' | 'hardest' | 'batch-hard'

/** All {@link Selection}s. */
export const SELECTIONS: readonly Selection[] = ['all', 'semi-hard', 'hardest', 'batch-hard']

/** A batch as far as selection sees it. */
export interface DistanceMatrix {
  /** `count * count` squared distances; entry `a * count + b` is that of rows a and b. */
  readonly squared: ArrayLike<number>
  readonly count: number
}

/** Three indices a triplet: anchor, positive, negative. */
export type Triplets = Int32Array

/**
 * Selects triplets of a batch, anchors in order, then positives, then negatives. Of several negatives (or positives) at one distance the
 * first is taken. Inequalities are strict: a negative as near as the positive is not semi-hard.
 *
 * @param labels whose each row is.
 * @param margin of the loss; only `semi-hard` looks at it.
 * @throws FacewiseError `INVALID_ARGUMENT` for an unknown selection or sizes that do not fit.
 */
export function selectTriplets(
  selection: Selection,
  { squared, count }: DistanceMatrix,
  labels: ArrayLike<number | string>,
  margin: number,
): Triplets {
  if (labels.length !== count || squared.length < count * count) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `${count} rows need ${count} labels and ${count * count} distances; got ${labels.length} and ${squared.length}.`,
    )
  }
  const found: number[] = []
  for (let a = 0; a < count; a++) {
    const row = a * count
    const positives: number[] = []
    const negatives: number[] = []
    for (let i = 0; i < count; i++) {
      if (labels[i] !== labels[a]) negatives.push(i)
      else if (i !== a) positives.push(i)
    }
    if (positives.length === 0 || negatives.length === 0) continue
    const to = (i: number): number => squared[row + i]
    switch (selection) {
      case 'all':
        for (const p of positives) for (const n of negatives) found.push(a, p, n)
        break
      case 'hardest': {
        const n = first(negatives, to)
        for (const p of positives) found.push(a, p, n)
        break
      }
      case 'batch-hard':
        found.push(
          a,
          first(positives, i => -to(i)),
          first(negatives, to),
        )
        break
      case 'semi-hard':
        for (const p of positives) {
          const near = to(p)
          const far = near + margin
          let n = -1
          for (const i of negatives) {
            const distance = to(i)
            if (distance > near && distance < far && (n < 0 || distance < to(n))) n = i
          }
          if (n >= 0) found.push(a, p, n)
        }
        break
      default:
        throw new FacewiseError(
          'INVALID_ARGUMENT',
          `There is no selection "${selection}"; choose among ${SELECTIONS.join(', ')}.`,
        )
    }
  }
  return Int32Array.from(found)
}

/** The first of the indices with the smallest value. */
function first(indices: readonly number[], value: (index: number) => number): number {
  let best = indices[0]
  for (const index of indices) if (value(index) < value(best)) best = index
  return best
}
