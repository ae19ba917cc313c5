import { FacewiseError, throwIfAborted } from '../../errors.ts'
import { decode, type ImageInput } from '../../image/index.ts'
import type { TimedPicture, TrackSource } from '../facewise.ts'
import type { Frames, FramesOptions } from './source.ts'
import { framesOfStream, framesOfVideo, isStream, isVideo } from './video.ts'

type Item = ImageInput | TimedPicture

/**
 * How to read a source. Nothing is begun before the result is called.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` for what is no source.
 */
export function framesOf(source: TrackSource, options: FramesOptions): () => Frames {
  if (typeof source === 'object' && source !== null && !ArrayBuffer.isView(source)) {
    if (isVideo(source)) return () => framesOfVideo(source, options)
    if (isStream(source)) return () => framesOfStream(source, options)
    if (Symbol.asyncIterator in source) {
      const begin = (): AsyncIterator<Item> => source[Symbol.asyncIterator]()
      return () => (options.live ? newest(begin(), options) : oneByOne(begin(), options))
    }
    if (Symbol.iterator in source) {
      if (options.live) {
        throw new FacewiseError(
          'INVALID_ARGUMENT',
          'A list of pictures is not live: its frames do not come by themselves. Leave `live` away, or give an AsyncIterable.',
        )
      }
      return () => oneByOne(source[Symbol.iterator](), options)
    }
  }
  throw new FacewiseError(
    'INVALID_ARGUMENT',
    'A source is a list or an (async) iterable of pictures, a <video> or a MediaStream. A file of a video has to be decoded first: see docs/video.md.',
  )
}

function timed(item: Item): Partial<TimedPicture> & { readonly picture: ImageInput } {
  return isTimed(item) ? item : { picture: item }
}

function isTimed(item: Item): item is TimedPicture {
  return typeof item === 'object' && item !== null && 'picture' in item && 'time' in item
}

function checkedTime(time: number): number {
  if (Number.isFinite(time)) return time
  throw new FacewiseError('INVALID_ARGUMENT', `The time of a frame is a number of milliseconds; got ${time}.`)
}

/** Each picture, read when it is asked for. */
function oneByOne(iterator: AsyncIterator<Item> | Iterator<Item>, options: FramesOptions): Frames {
  let count = 0
  let over = false
  /** Ends the wait for a picture, where there is one. */
  let stopWaiting: (() => void) | undefined
  const nextOrNothing = (): Promise<IteratorResult<Item> | undefined> =>
    new Promise((resolve, reject) => {
      stopWaiting = () => resolve(undefined)
      Promise.resolve(iterator.next()).then(resolve, reject)
    })
  return {
    async next() {
      if (over) return undefined
      const step = await orAborted(nextOrNothing(), options.signal)
      stopWaiting = undefined
      if (!step || step.done) {
        over = true
        return undefined
      }
      const { picture, time = (count * 1000) / options.frameRate } = timed(step.value)
      count++
      return { picture: await decode(picture, options), time: checkedTime(time), dropped: 0 }
    },
    async close() {
      if (over) return
      over = true
      const end = iterator.return?.()
      // One that is asked for a picture answers this only after it, if ever.
      if (!stopWaiting) return void (await end)
      Promise.resolve(end).catch(() => {})
      stopWaiting()
    },
  }
}

/** Of pictures that come by themselves, the last one that came. */
function newest(iterator: AsyncIterator<Item>, options: FramesOptions): Frames {
  let item: { readonly value: Item; readonly time: number } | undefined
  let dropped = 0
  let over = false
  let failure: { readonly error: unknown } | undefined
  let wake = (): void => {}

  async function read(): Promise<void> {
    try {
      while (!over) {
        const step = await iterator.next()
        if (over || step.done) {
          if (!step.done) letGo(step.value)
          break
        }
        if (item) {
          letGo(item.value)
          dropped++
        }
        item = { value: step.value, time: performance.now() }
        wake()
        // A source that never waits would let nothing else run.
        await new Promise(resolve => setTimeout(resolve))
      }
    } catch (error) {
      failure = { error }
    }
    over = true
    wake()
  }
  let reading = false

  return {
    async next() {
      if (!reading) read()
      reading = true
      while (!item && !over) {
        await orAborted(
          new Promise<void>(resolve => {
            wake = resolve
          }),
          options.signal,
        )
      }
      if (!item) {
        if (failure) throw failure.error
        return undefined
      }
      const { value, time: arrival } = item
      const left = dropped
      item = undefined
      dropped = 0
      const { picture, time = arrival } = timed(value)
      try {
        return { picture: await decode(picture, options), time: checkedTime(time), dropped: left }
      } finally {
        letGo(value)
      }
    },
    async close() {
      if (item) letGo(item.value)
      item = undefined
      failure = undefined
      if (over) return
      over = true
      wake()
      // It may be waiting for a picture that never comes.
      Promise.resolve(iterator.return?.()).catch(() => {})
    },
  }
}

/** A `VideoFrame` holds one of a camera's few buffers until it is closed. */
function letGo(item: Item): void {
  const picture = timed(item).picture as Partial<VideoFrame>
  if (typeof picture === 'object' && 'codedWidth' in picture) picture.close?.()
}

/** What `promise` gives, or `ABORTED` as soon as the signal fires. */
async function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  throwIfAborted(signal)
  if (!signal) return promise
  let onAbort = (): void => {}
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => {
      try {
        throwIfAborted(signal)
      } catch (error) {
        reject(error)
      }
    }
    signal.addEventListener('abort', onAbort)
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
