/** Sizes of batches: few, because a GPU compiles a program for every shape, and a batch is filled up to the next. */
export const BATCH_SIZES: readonly number[] = [1, 2, 4, 8, 16, 32, 64, 128]

/**
 * Splits `count` into batches for a network: on a GPU of few sizes (see {@link splitBatch}), elsewhere as large as they may be and not larger
 * than they need be.
 */
export function batchesFor({ gpu }: { readonly gpu: boolean }, count: number, largest: number): number[] {
  if (gpu) return splitBatch(count, largest)
  const whole = Array.from({ length: Math.floor(count / largest) }, () => largest)
  return count % largest > 0 ? [...whole, count % largest] : whole
}

/**
 * Splits `count` into batches of the sizes above so that little is wasted: at most an eighth of a batch is filling.
 *
 * @param largest the largest size to use.
 */
export function splitBatch(count: number, largest: number = BATCH_SIZES[BATCH_SIZES.length - 1]): number[] {
  const sizes: number[] = []
  let rest = count
  while (rest > 0) {
    const above = Math.min(BATCH_SIZES.find(size => size >= rest) ?? largest, largest)
    if (rest >= largest || above - rest <= above / 8) {
      sizes.push(above)
      rest -= above
    } else {
      const below = above / 2
      sizes.push(below)
      rest -= below
    }
  }
  return sizes
}
