import type { TrackedFrame } from '../facewise.ts'

/**
 * A generator that ends at once. One that waits for a frame hears of its end only after that frame, so its source is told first.
 *
 * @param frameByFrame what it gives. @param close ends the source, if it was opened yet.
 */
export function endingAtOnce(
  frameByFrame: AsyncGenerator<TrackedFrame, void, undefined>,
  close: () => Promise<void> | undefined,
): AsyncGenerator<TrackedFrame, void, undefined> {
  const closing = (): void => {
    // The generator closes it too, and tells of what goes wrong then.
    close()?.catch(() => {})
  }
  const end = (): Promise<IteratorResult<TrackedFrame, void>> => {
    closing()
    return frameByFrame.return()
  }
  return {
    next: () => frameByFrame.next(),
    return: end,
    throw(error) {
      closing()
      return frameByFrame.throw(error)
    },
    [Symbol.asyncIterator]() {
      return this
    },
    async [Symbol.asyncDispose]() {
      await end()
    },
  }
}
