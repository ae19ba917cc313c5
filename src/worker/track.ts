import { parcelOf } from '#platform/worker'
import type { AttributeName, TrackedFrame, TrackOptions, TrackSource } from '../facewise/index.ts'
import { DEFAULT_ATTRIBUTES } from '../facewise/options.ts'
import { endingAtOnce } from '../facewise/track/ending.ts'
import { framesOf } from '../facewise/track/frames.ts'
import { trackSettings } from '../facewise/track/settings.ts'
import type { Frames, SourceFrame } from '../facewise/track/source.ts'
import type { FrameArgs, SentFrame } from './messages.ts'
import { assertData } from './options.ts'
import type { Pool, Session } from './pool.ts'

/**
 * Follows the faces of a source in one worker of the pool, which keeps what is known of them; frames are taken on this side and sent one
 * at a time. The worker is chosen with the first frame.
 *
 * @param attributes what is told of faces where `options` say nothing.
 * @throws FacewiseError `INVALID_ARGUMENT` at once for options that make no sense or cannot be sent, and for what is no source.
 */
export function trackInWorker(
  pool: Pool,
  source: TrackSource,
  options: TrackOptions,
  attributes: readonly AttributeName[] = DEFAULT_ATTRIBUTES,
): AsyncGenerator<TrackedFrame, void, undefined> {
  const { signal, live, ...sent } = options
  assertData(sent)
  const settings = trackSettings(options, attributes)
  const open = framesOf(source, { ...settings, ...settings.detect })
  let frames: Frames | undefined

  async function look(session: Session, { picture, time, dropped }: SourceFrame): Promise<TrackedFrame> {
    const answer = await session.run({
      method: 'frame',
      // A copy: the picture is the caller's.
      pictures: [parcelOf(picture, false)],
      arrange: ([packed]) => [session.id, { picture: packed, time }] as FrameArgs,
      options: {},
      signal,
    })
    return { ...(answer as SentFrame), dropped, picture }
  }

  async function* run(): AsyncGenerator<TrackedFrame, void, undefined> {
    const session = await pool.session()
    try {
      session.tell({ type: 'track', track: session.id, options: sent })
      frames = open()
      for (;;) {
        const frame = await frames.next()
        if (!frame) return
        yield await look(session, frame)
      }
    } finally {
      session.tell({ type: 'track-over', track: session.id })
      session.end()
      await frames?.close()
    }
  }

  return endingAtOnce(run(), () => frames?.close())
}
