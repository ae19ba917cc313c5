import type { FacewiseOptions, FacewiseProgress, TimedPicture, TrackedFrame, TrackOptions } from '../facewise/index.ts'
import type { StoreCapabilities } from '../store/index.ts'
import type { WireError } from './wire-error.ts'

/** What a worker is asked to do: methods of its own `Facewise`, the next frame of a video, and what its backend reports. */
export type Method =
  | 'detect'
  | 'represent'
  | 'describe'
  | 'verify'
  | 'enroll'
  | 'identify'
  | 'frame'
  | 'warmup'
  | 'report'

/** The arguments of `frame`: which video, and its next picture. */
export type FrameArgs = readonly [track: number, frame: TimedPicture]

/** The answer to `frame`: what only the calling side knows is missing. */
export type SentFrame = Omit<TrackedFrame, 'picture' | 'dropped'>

/** The options of `track` that are data. */
export type SentTrackOptions = Omit<TrackOptions, 'signal' | 'live'>

/** What a worker asks of the store, which stays on the calling side. */
export type StoreMethod = 'identity' | 'upsert' | 'get' | 'delete' | 'list' | 'search' | 'count'

/** The options of `createFacewise` that are data. */
export type SentOptions = Omit<FacewiseOptions, 'store' | 'onProgress'>

/** From the calling side to a worker. */
export type ToWorker =
  | {
      readonly type: 'start'
      readonly options: SentOptions
      readonly capabilities: StoreCapabilities
      /** Of the lock that the worker holds while it lives, where there are locks. */
      readonly lock: string
    }
  | {
      readonly type: 'call'
      readonly id: number
      readonly method: Method
      /** Less the last one, which are `options`. */
      readonly args: readonly unknown[]
      readonly options: object
    }
  | { readonly type: 'abort'; readonly id: number }
  /** A video begins; its frames are calls. */
  | { readonly type: 'track'; readonly track: number; readonly options: SentTrackOptions }
  | { readonly type: 'track-over'; readonly track: number }
  | { readonly type: 'stored'; readonly request: number; readonly value: unknown }
  | { readonly type: 'not-stored'; readonly request: number; readonly error: WireError }

/** From a worker to the calling side. */
export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'result'; readonly id: number; readonly value: unknown }
  | { readonly type: 'error'; readonly id: number; readonly error: WireError }
  | { readonly type: 'progress'; readonly progress: FacewiseProgress }
  | {
      readonly type: 'store'
      readonly request: number
      /** For which call, so that its signal also stops what it asks of the store. */
      readonly call: number | undefined
      readonly method: StoreMethod
      readonly args: readonly unknown[]
    }
