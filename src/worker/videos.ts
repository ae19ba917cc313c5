import { FacewiseError } from '../errors.ts'
import type { Facewise, TimedPicture, TrackedFrame } from '../facewise/index.ts'
import type { FrameArgs, SentFrame, SentTrackOptions } from './messages.ts'

/** The videos that a worker follows. Their frames come from the calling side, one at a time. */
export interface Videos {
  open(track: number, options: SentTrackOptions): void
  /** Looks at the next frame of a video. A signal that fires meanwhile, or an error, ends the video. @throws FacewiseError as `track`. */
  next(facewise: Facewise, args: FrameArgs, signal: AbortSignal): Promise<SentFrame>
  close(track: number): void
}

interface Video {
  readonly options: SentTrackOptions
  readonly over: AbortController
  /** The frame that is looked at next. */
  frame: TimedPicture | undefined
  frames: AsyncGenerator<TrackedFrame, void, undefined> | undefined
}

/** No videos yet. */
export function createVideos(): Videos {
  const videos = new Map<number, Video>()

  function close(track: number): void {
    const video = videos.get(track)
    videos.delete(track)
    video?.over.abort()
    // One that is being looked at ends with its frame.
    video?.frames?.return().catch(() => {})
  }

  return {
    open(track, options) {
      videos.set(track, { options, over: new AbortController(), frame: undefined, frames: undefined })
    },
    async next(facewise, [track, frame], signal) {
      const video = videos.get(track)
      if (!video) throw new FacewiseError('ABORTED', 'This video is not followed any more.')
      video.frame = frame
      video.frames ??= facewise.track(given(video), { ...video.options, signal: video.over.signal })
      const abort = (): void => close(track)
      signal.addEventListener('abort', abort)
      try {
        const { value } = await video.frames.next()
        if (!value) throw new FacewiseError('ABORTED', 'This video is not followed any more.')
        const { picture: _, dropped: __, ...answer } = value
        return answer
      } finally {
        signal.removeEventListener('abort', abort)
      }
    },
    close,
  }
}

/** The frames of a video as `track` asks for them: one is there whenever it does. */
function* given(video: Video): Generator<TimedPicture, void, undefined> {
  for (;;) {
    const { frame } = video
    video.frame = undefined
    if (!frame) return
    yield frame
  }
}
