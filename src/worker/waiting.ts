import { throwIfAborted } from '../errors.ts'
import type { Method } from './messages.ts'
import type { Parcel } from './parcel.ts'

/** One call, as a pool takes it. */
export interface PoolCall {
  readonly method: Method
  readonly pictures: readonly Promise<Parcel>[]
  /** The arguments of the method, with the pictures as they are sent. */
  readonly arrange: (pictures: readonly unknown[]) => readonly unknown[]
  readonly options: object
  readonly signal?: AbortSignal
}

/** A call whose pictures are ready, until it is settled. */
export interface Waiting {
  readonly id: number
  readonly call: Omit<PoolCall, 'pictures'>
  readonly parcels: readonly Parcel[]
  resolve(value: unknown): void
  reject(error: unknown): void
}

/** What a call needs of whoever puts it somewhere. */
export interface Placement {
  readonly id: number
  /** Puts the call somewhere, once it was made with its parcels; those of a call that is settled already are let go of. */
  begin(create: (parcels: readonly Parcel[]) => Waiting, isSettled: () => boolean): Promise<void>
  /** Takes it away again: its signal has fired. */
  drop(): void
}

/** A promise for a call that `placement` puts somewhere; it rejects at once when the signal fires. */
export function settled(call: Omit<PoolCall, 'pictures'>, { id, begin, drop }: Placement): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const { signal } = call
    let over = false
    const finish = (settle: () => void): void => {
      if (over) return
      over = true
      signal?.removeEventListener('abort', abort)
      settle()
    }
    const abort = (): void => {
      drop()
      finish(() => {
        try {
          throwIfAborted(signal)
        } catch (error) {
          reject(error)
        }
      })
    }
    const create = (parcels: readonly Parcel[]): Waiting => ({
      id,
      call,
      parcels,
      resolve: value => finish(() => resolve(value)),
      reject: error => finish(() => reject(error)),
    })
    if (signal?.aborted) return abort()
    signal?.addEventListener('abort', abort)
    begin(create, () => over).catch(error => finish(() => reject(error)))
  })
}

/** All parcels, or the first error, with the others let go of. */
export async function allParcels(pictures: readonly Promise<Parcel>[]): Promise<Parcel[]> {
  const results = await Promise.allSettled(pictures)
  const failed = results.find(each => each.status === 'rejected')
  if (!failed) return results.map(each => (each as PromiseFulfilledResult<Parcel>).value)
  for (const each of results) if (each.status === 'fulfilled') each.value.release?.()
  throw failed.reason
}

/** Frees snapshots that will not be sent. */
export function release(parcels: readonly Parcel[]): void {
  for (const parcel of parcels) parcel.release?.()
}
