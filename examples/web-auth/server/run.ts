import { type Challenge, estimatePose, watchChallenge } from 'facewise/attributes'
import { normalise } from 'facewise/embed'
import type { RefusalCode } from '../protocol.ts'
import type { Faces, Look } from './faces.ts'
import { Refused } from './refusal.ts'

/** A frame as it came: its bytes, and the page's idea of the server's clock. */
export interface TimedFrame {
  readonly bytes: Uint8Array
  /** Milliseconds since 1970. */
  readonly time: number
  /** In pixels, as its header says. */
  readonly width: number
  readonly height: number
}

/** What is known after a run that passed. */
export interface PassedRun {
  /** The frames in which the face is seen best, the best first; all were compared with the rest of the run. */
  readonly best: readonly Uint8Array[]
  /** The mean embedding of these, of length 1. */
  readonly vector: Float32Array
}

/** Frames that are compared with the account, at most. */
const BEST = 4
/** A frame is embedded at random, so that nobody knows which face is compared; and at least every so many milliseconds. */
const EMBED_SHARE = 0.25
const EMBED_EVERY = 350

/** Watches a run as the library does, on what this server finds in the frames itself. @throws Refused that says what was wrong. */
export async function watchRun(
  faces: Faces,
  challenge: Challenge,
  frames: readonly TimedFrame[],
  options: { readonly atOnce: number; readonly signal: AbortSignal },
): Promise<PassedRun> {
  const { threshold, metric } = faces.identity
  const watch = watchChallenge(challenge, { identity: { threshold, metric } })
  const embedded: { frame: TimedFrame; look: Look; embedding: Float32Array }[] = []
  // Frames that are begun when the run is decided already are given up.
  const rest = new AbortController()
  const signal = AbortSignal.any([options.signal, rest.signal])
  const marked = embeddingsOf(frames)
  const looks = frames.map((): Promise<Look> | undefined => undefined)
  const begin = (i: number): void => {
    if (i >= frames.length || looks[i]) return
    const look = faces.look(frames[i].bytes, { embed: marked[i], signal })
    look.catch(() => {})
    looks[i] = look
  }
  try {
    for (const [i, frame] of frames.entries()) {
      for (let ahead = i; ahead <= i + options.atOnce; ahead++) begin(ahead)
      const look = await looks[i]!
      looks[i] = undefined
      const { time, width, height } = frame
      const { status } = watch.add({ challengeId: challenge.id, time, width, height, ...look })
      if (look.embedding) embedded.push({ frame, look, embedding: look.embedding })
      if (status === 'passed' || status === 'failed') break
    }
  } finally {
    rest.abort()
  }
  const { hint: lastHint } = watch.state
  const { status, reason, hint } = watch.end()
  if (status !== 'passed') throw notLive(reason ?? 'incomplete', lastHint.code, hint.text)
  return bestOf(faces, embedded, options.signal)
}

/** Which frames are embedded: the first, some at random, and whenever the last one is too long ago. */
function embeddingsOf(frames: readonly TimedFrame[]): boolean[] {
  const dice = crypto.getRandomValues(new Uint8Array(frames.length))
  let last = Number.NEGATIVE_INFINITY
  return frames.map(({ time }, i) => {
    const embed = dice[i] < EMBED_SHARE * 256 || time - last >= EMBED_EVERY
    if (embed) last = time
    return embed
  })
}

async function bestOf(
  faces: Faces,
  embedded: readonly { frame: TimedFrame; look: Look; embedding: Float32Array }[],
  signal: AbortSignal,
): Promise<PassedRun> {
  const turned = ({ look }: { look: Look }): number => {
    const [largest] = [...look.faces].sort((a, b) => b.box.width - a.box.width)
    if (!largest?.landmarks) return Number.POSITIVE_INFINITY
    const { yaw, pitch } = estimatePose(largest.landmarks)
    return Math.hypot(yaw, pitch)
  }
  const ahead = [...embedded].sort((a, b) => turned(a) - turned(b)).slice(0, BEST)
  const judged = await Promise.all(
    ahead.map(async each => ({ ...each, quality: await faces.quality(each.frame.bytes, signal) })),
  )
  const good = judged.filter(({ quality }) => quality !== undefined && quality.reasons.length === 0)
  if (good.length === 0) {
    const reason = judged.flatMap(({ quality }) => quality?.reasons ?? [])[0]
    throw new Refused(
      'poor-picture',
      reason?.message ?? 'Your face could not be seen well. Try again in better light.',
      {
        hint: reason?.code,
      },
    )
  }
  good.sort((a, b) => b.quality!.score - a.quality!.score)
  const sum = new Float32Array(good[0].embedding.length)
  for (const { embedding } of good) for (let i = 0; i < sum.length; i++) sum[i] += embedding[i]
  return { best: good.map(({ frame }) => frame.bytes), vector: normalise(sum) }
}

/** What the camera showed, where that is the reason; else that the movements were not the right ones. */
function notLive(reason: string, lastHint: string, text: string): Refused {
  const shown: Partial<Record<string, RefusalCode>> = {
    'no-face': 'no-face',
    'face-lost': 'no-face',
    'several-faces': 'several-faces',
  }
  const code = shown[reason] ?? (reason === 'incomplete' ? shown[lastHint] : undefined) ?? 'not-live'
  return new Refused(code, text, { hint: reason })
}
