import type { DecodeOptions, Picture } from '../../image/index.ts'

/** A decoded frame. */
export interface SourceFrame {
  readonly picture: Picture
  /** In milliseconds. */
  readonly time: number
  /** How many frames were left out since the one before. */
  readonly dropped: number
}

/** Frames to be asked for one at a time. */
export interface Frames {
  /** @returns nothing after the last one, and once they were closed. */
  next(): Promise<SourceFrame | undefined>
  /** Lets the source go; also while a frame is waited for. */
  close(): Promise<void>
}

/** How frames are read. */
export interface FramesOptions extends DecodeOptions {
  readonly frameRate: number
  readonly live: boolean | undefined
}
