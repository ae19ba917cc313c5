/** Keeps what the camera shows as JPEG frames with times of the server's clock, until they are sent. */
import { FRAME_FIELDS, LIMITS } from '../../protocol.ts'
import { sleep } from '../dom.ts'
import type { ServerClock } from './clock.ts'
import type { EncodeAnswer, EncodeCall } from './encoder.ts'

export interface RecordedFrame {
  readonly time: number
  readonly jpeg: Blob
}

export interface Recorder {
  /** From now on nothing is forgotten; before, only the last moments are kept. */
  begin(): void
  /** Takes a last moment more, ends, and gives what there is in its order. */
  finish(): Promise<RecordedFrame[]>
}

/** What is kept while the person is still finding the place: enough to be measured looking ahead. */
const KEPT_BEFORE_MS = 1500
/** After the page has seen the end, so that the server sees it too, whose frames lie between those that the page looked at. */
const KEPT_AFTER_MS = 350
/** More wait for the encoder only where it cannot follow. */
const MOST_WAITING = 4

/** All frames fit into one body, with room for the rest of it. */
const MOST_BYTES = Math.min(LIMITS.frameBytes, Math.floor((LIMITS.bodyBytes * 0.95) / LIMITS.frames))

/** Begins to record. It ends with `finish`, or when `signal` fires. */
export function startRecorder(video: HTMLVideoElement, clock: ServerClock, signal: AbortSignal): Recorder {
  const encoder = startEncoder(signal)
  const stop = new AbortController()
  const ends = AbortSignal.any([signal, stop.signal])
  const waiting = new Set<Promise<void>>()
  let frames: RecordedFrame[] = []
  let interval = 1000 / LIMITS.frameRate
  let begun = false

  function keep(frame: RecordedFrame): void {
    frames.push(frame)
    if (!begun) frames = frames.filter(({ time }) => frame.time - time <= KEPT_BEFORE_MS)
    if (frames.length < LIMITS.frames) return
    // A slow run: half as many frames a second from here on, and of those so far. Twice does not do: five a second are needed.
    if (interval > 1000 / LIMITS.frameRate) stop.abort()
    else {
      frames = frames.filter((_, i) => i % 2 === 0)
      interval *= 2
    }
  }

  async function take(moment: number): Promise<void> {
    const time = clock(moment)
    const jpeg = await encoder.encode(await bitmapOf(video))
    if (jpeg) keep({ time, jpeg })
  }

  async function record(): Promise<void> {
    while (!ends.aborted) {
      const moment = performance.now()
      if (waiting.size < MOST_WAITING) {
        const taken: Promise<void> = take(moment).finally(() => waiting.delete(taken))
        // A camera without a picture gives no frame; that there are none, the server says.
        taken.catch(() => {})
        waiting.add(taken)
      }
      await sleep(interval, ends)
    }
  }

  const recording = record().catch(() => {})
  return {
    begin() {
      begun = true
    },
    async finish() {
      if (!stop.signal.aborted) await sleep(KEPT_AFTER_MS, signal)
      stop.abort()
      await recording
      await Promise.allSettled(waiting)
      encoder.close()
      return frames.sort((a, b) => a.time - b.time)
    },
  }
}

/** The worker that makes JPEG. */
function startEncoder(signal: AbortSignal) {
  const worker = new Worker(new URL('./encoder.ts', import.meta.url), { type: 'module', name: 'frames' })
  const calls = new Map<number, (jpeg: Blob | undefined) => void>()
  let next = 0
  const close = (): void => {
    worker.terminate()
    for (const settle of calls.values()) settle(undefined)
    calls.clear()
    signal.removeEventListener('abort', close)
  }
  signal.addEventListener('abort', close)
  worker.addEventListener('message', ({ data }: MessageEvent<EncodeAnswer>) => {
    calls.get(data.id)?.(data.jpeg)
    calls.delete(data.id)
  })
  return {
    close,
    encode(bitmap: ImageBitmap): Promise<Blob | undefined> {
      const id = next++
      worker.postMessage({ id, bitmap, mostBytes: MOST_BYTES } satisfies EncodeCall, [bitmap])
      return new Promise(settle => calls.set(id, settle))
    },
  }
}

/** What the camera shows now, no larger than the server takes it. */
export function bitmapOf(video: HTMLVideoElement): Promise<ImageBitmap> {
  const { videoWidth: width, videoHeight: height } = video
  const scale = Math.min(1, LIMITS.frameSide / Math.max(width, height))
  if (scale === 1) return createImageBitmap(video)
  return createImageBitmap(video, {
    resizeWidth: Math.round(width * scale),
    resizeHeight: Math.round(height * scale),
    resizeQuality: 'medium',
  })
}

/** Frames and their challenge as the server wants them. */
export function bodyOf(challenge: string, frames: readonly RecordedFrame[]): FormData {
  const form = new FormData()
  form.append(FRAME_FIELDS.challenge, challenge)
  form.append(FRAME_FIELDS.times, JSON.stringify(frames.map(({ time }) => time)))
  for (const { jpeg } of frames) form.append(FRAME_FIELDS.frame, jpeg, 'frame.jpg')
  return form
}
