import { FacewiseError, messageOf } from '../../errors.ts'
import { type DecodeOptions, decode } from '../../image/index.ts'
import type { Frames, SourceFrame } from './source.ts'

const STREAM_CHECK_MS = 250

/** Whether something is a `<video>`, of this page or of another one. */
export function isVideo(source: object): source is HTMLVideoElement {
  return 'videoWidth' in source && 'currentTime' in source
}

/** Whether something is the stream of a camera, a screen or a canvas. */
export function isStream(source: object): source is MediaStream {
  return typeof (source as Partial<MediaStream>).getVideoTracks === 'function'
}

/** The frames of a stream, played by a `<video>` that nobody sees. The stream itself goes on: it belongs to whoever opened it. */
export function framesOfStream(stream: MediaStream, options: DecodeOptions): Frames {
  const video = document.createElement('video')
  video.muted = true
  video.playsInline = true
  video.srcObject = stream
  const frames = framesOfVideo(video, options)
  if (stream.active) {
    video.play().catch(error => frames.fail(`The stream cannot be played: ${messageOf(error)}.`, error))
  } else {
    frames.fail('The stream has ended: open the camera again (`getUserMedia`).')
  }
  return {
    next: frames.next,
    async close() {
      await frames.close()
      video.pause()
      video.srcObject = null
    },
  }
}

/**
 * The frames that a `<video>` shows, the newest one whenever one is asked for. It ends with the video. A paused one, and a page that is
 * not seen, show no new frames: then the next one is waited for.
 */
export function framesOfVideo(
  video: HTMLVideoElement,
  options: DecodeOptions,
): Frames & { fail(message: string, cause?: unknown): void } {
  let shown: { readonly time: number } | undefined
  let count = 0
  let given = 0
  let state: 'playing' | 'over' | FacewiseError = 'playing'
  let wake = (): void => {}
  const stop = watchFrames(video, time => {
    shown = { time }
    count++
    wake()
  })
  const end = (how: 'over' | FacewiseError): void => {
    // What comes first is what counts: letting go of a stream may look like an error.
    if (state === 'playing') state = how
    wake()
  }
  const onEnded = (): void => end('over')
  const fail = (message: string, cause?: unknown): void =>
    end(new FacewiseError('IMAGE_UNREADABLE', message, { cause }))
  const onError = (): void => fail(`The <video> stopped: ${video.error?.message || 'it cannot be played'}.`)
  const onAbort = (): void => wake()
  // Not every browser tells a <video> that its stream was stopped by the page itself.
  const watch = setInterval(() => {
    const stream = video.srcObject
    if (stream && isStream(stream) && !stream.active) end('over')
  }, STREAM_CHECK_MS)
  video.addEventListener('ended', onEnded)
  video.addEventListener('error', onError)
  options.signal?.addEventListener('abort', onAbort)

  return {
    fail,
    async next(): Promise<SourceFrame | undefined> {
      while (!shown && state === 'playing' && !options.signal?.aborted) {
        await new Promise<void>(resolve => {
          wake = resolve
        })
      }
      if (!shown && state === 'over') return undefined
      if (!shown && state !== 'playing') throw state
      const time = shown?.time ?? 0
      const dropped = Math.max(0, count - given - 1)
      given = count
      shown = undefined
      return { picture: await decode(video, options), time, dropped }
    },
    async close() {
      stop()
      clearInterval(watch)
      video.removeEventListener('ended', onEnded)
      video.removeEventListener('error', onError)
      options.signal?.removeEventListener('abort', onAbort)
      shown = undefined
      end('over')
    },
  }
}

/** Calls `hear` with the time, in milliseconds, of each frame that is shown. @returns what stops it. */
function watchFrames(video: HTMLVideoElement, hear: (time: number) => void): () => void {
  if (typeof video.requestVideoFrameCallback === 'function') {
    let handle = 0
    const next = (): void => {
      handle = video.requestVideoFrameCallback((_, { mediaTime }) => {
        next()
        hear(mediaTime * 1000)
      })
    }
    next()
    return () => video.cancelVideoFrameCallback(handle)
  }
  let handle = 0
  let last = -1
  const look = (): void => {
    handle = requestAnimationFrame(look)
    // HAVE_CURRENT_DATA: there is something to be seen.
    if (video.readyState < 2 || video.currentTime === last) return
    last = video.currentTime
    hear(last * 1000)
  }
  handle = requestAnimationFrame(look)
  return () => cancelAnimationFrame(handle)
}
