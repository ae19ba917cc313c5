import { FacewiseError, isFacewiseError, throwIfAborted } from '../errors.ts'
import { checkIdentity } from './records.ts'
import type { EmbeddingStore, FaceRecord, Signal } from './store.ts'

/** How far a copy is. */
export interface CopyProgress {
  /** Records that were copied by this call. */
  readonly copied: number
  /** Records that `from` had when the call began, also those up to `after`. */
  readonly total: number
  /** All records up to this id are in the other store. */
  readonly last: string
}

export interface CopyOptions extends Signal {
  /** Go on after this id: `last` of the progress, or of the result, of a call before. Without it, everything is copied (again). */
  readonly after?: string
  /** Records that are stored at a time: 256 by default, 10,000 at most. */
  readonly batch?: number
  readonly onProgress?: (progress: CopyProgress) => void
}

const MAX_BATCH = 10_000

/**
 * Copies all records of a store into another, in the order of their ids. Records that are there under the same id are replaced, others
 * stay; so it can be called again at any time, and goes on where it was with `after`. Records that change in `from` meanwhile may be copied
 * as they were or as they are.
 *
 * Encrypted records are decrypted and encrypted where the stores are wrapped in `encrypted`; two plain stores copy them as they lie.
 *
 * @returns how many were copied, and the last id (`after` where there were none after it).
 * @throws FacewiseError `STORE_MISMATCH` before anything is copied if `to` holds embeddings of another model; what the stores throw,
 * and `ABORTED`, with the id to go on after in the message.
 */
export async function copyStore(
  from: EmbeddingStore,
  to: EmbeddingStore,
  { after, batch = 256, onProgress, signal }: CopyOptions = {},
): Promise<{ readonly copied: number; readonly last?: string }> {
  if (from === to) throw new FacewiseError('INVALID_ARGUMENT', 'A store cannot be copied into itself: give two.')
  if (!Number.isInteger(batch) || batch < 1 || batch > MAX_BATCH) {
    throw new FacewiseError('INVALID_ARGUMENT', `batch is a whole number of records, 1 to ${MAX_BATCH}; got ${batch}.`)
  }
  throwIfAborted(signal)
  const [source, target] = [await from.identity({ signal }), await to.identity({ signal })]
  if (source && target) checkIdentity(target, source, to.capabilities.name)
  const total = await from.count({ signal })
  let [copied, last] = [0, after]
  const store = async (records: readonly FaceRecord[]): Promise<void> => {
    if (records.length === 0) return
    await to.upsert(records, { signal })
    copied += records.length
    last = records[records.length - 1].id
    onProgress?.({ copied, total, last })
    // Engines that answer at once leave no time for timers, signals of the process, or a page: without a pause nothing could stop this.
    await new Promise(resolve => setTimeout(resolve))
    throwIfAborted(signal)
  }
  try {
    const records: FaceRecord[] = []
    for await (const record of from.list({ after, signal })) {
      records.push(record)
      if (records.length === batch) await store(records.splice(0))
    }
    await store(records)
  } catch (error) {
    if (!isFacewiseError(error) || copied === 0) throw error
    throw new FacewiseError(
      error.code,
      `${error.message} ${copied} of ${total} records were copied: go on after the id ${JSON.stringify(last)}.`,
      { cause: error },
    )
  }
  return { copied, last }
}
