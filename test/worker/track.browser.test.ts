import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import sample1 from '../../node_modules/@vladmandic/face-api/demo/sample1.jpg?url'
import { isFacewiseError } from '../../src/errors.ts'
import type { TrackedFrame } from '../../src/index.ts'
import { createFacewiseWorker, type FacewiseWorker } from '../../src/worker/index.ts'

const workers: Worker[] = []
let fw: FacewiseWorker
let photo: HTMLImageElement

beforeAll(async () => {
  fw = await createFacewiseWorker({
    backend: { prefer: 'wasm' },
    attributes: ['pose'],
    worker: () => {
      const worker = new Worker(new URL('../../src/worker/worker-entry.ts', import.meta.url), { type: 'module' })
      workers.push(worker)
      return worker
    },
  })
  photo = new Image()
  photo.src = sample1
  await photo.decode()
  await fw.detect(photo)
})
afterAll(() => fw?.dispose())

/** A `<video>` that plays a camera before which three people sway. */
async function playing(): Promise<{ video: HTMLVideoElement; stop(): void }> {
  const canvas = document.createElement('canvas')
  canvas.width = 480
  canvas.height = 320
  const context = canvas.getContext('2d')!
  let frame = 0
  const draw = (): void => {
    frame++
    context.drawImage(photo, 12 * Math.sin(frame / 20), 6 * Math.cos(frame / 15), 480, 320)
  }
  draw()
  const timer = setInterval(draw, 30)
  const stream = canvas.captureStream(30)
  const video = document.createElement('video')
  video.muted = true
  video.srcObject = stream
  await video.play()
  return {
    video,
    stop() {
      clearInterval(timer)
      for (const track of stream.getTracks()) track.stop()
    },
  }
}

async function some(source: HTMLVideoElement | MediaStream, count: number): Promise<TrackedFrame[]> {
  const seen: TrackedFrame[] = []
  for await (const frame of fw.track(source)) {
    seen.push(frame)
    if (seen.length === count) break
  }
  return seen
}

/** The code with which a loop over a video ends. */
async function ended(video: HTMLVideoElement, signal?: AbortSignal): Promise<string> {
  try {
    for await (const _ of fw.track(video, { signal }));
    return 'done'
  } catch (error) {
    return isFacewiseError(error) ? error.code : String(error)
  }
}

const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

describe('a <video> that is followed in a Web Worker', () => {
  test('gives ids that stay, poses and the frames themselves', async () => {
    const { video, stop } = await playing()
    for (const source of [video, video.srcObject as MediaStream]) {
      const seen = await some(source, 15)
      for (const { faces, width, height, picture } of seen) {
        expect([width, height, picture.data.length]).toEqual([480, 320, 480 * 320 * 3])
        expect(faces.map(({ id }) => id).sort()).toEqual([1, 2, 3])
      }
      const times = seen.map(({ time }) => time)
      expect(times).toEqual([...new Set(times)].sort((a, b) => a - b))
      expect(seen.at(-1)!.faces.every(({ stable, pose }) => stable && pose)).toBe(true)
    }
    expect(video.paused).toBe(false)
    stop()
  })

  test('leaves frames out, and the page goes on meanwhile', async () => {
    const { video, stop } = await playing()
    let dropped = 0
    let beats = 0
    const timer = setInterval(() => beats++, 5)
    let count = 0
    for await (const frame of fw.track(video)) {
      dropped += frame.dropped
      if (++count === 8) break
      await pause(150)
    }
    clearInterval(timer)
    expect(dropped).toBeGreaterThan(count)
    expect(beats).toBeGreaterThan(count)
    stop()
  })

  test('ends with its signal, with the stream and with the worker', async () => {
    const { video, stop } = await playing()
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 200)
    expect(await ended(video, controller.signal)).toBe('ABORTED')

    const tracked = fw.track(video)
    await tracked.next()
    const before = workers.length
    workers.at(-1)!.terminate()
    const lost = (async () => {
      while (!(await tracked.next()).done);
    })().catch(error => error.code)
    expect(await lost).toBe('WORKER_LOST')
    // The next one has another worker.
    expect(await some(video, 4)).toHaveLength(4)
    expect(workers.length).toBe(before + 1)

    setTimeout(stop, 100)
    expect(await ended(video)).toBe('done')
  })
})

describe('a pool under which Web Workers are killed', () => {
  test('settles every call, and answers rightly', async () => {
    const bitmap = await createImageBitmap(photo, { resizeWidth: 480, resizeHeight: 320 })
    const expected = await fw.detect(bitmap)
    const outcomes: string[] = []
    const lane = async (kills: boolean): Promise<void> => {
      for (let i = 0; i < 10; i++) {
        // Not while it starts: that is only noticed when it does not answer in time.
        if (kills && i > 0 && outcomes.at(-1) === 'right') workers.at(-1)!.terminate()
        const wrong = i % 4 === 3
        try {
          const faces = await fw.detect(wrong ? new Blob(['text']) : bitmap)
          expect(faces).toEqual(expected)
          outcomes.push('right')
        } catch (error) {
          outcomes.push(isFacewiseError(error) ? error.code : String(error))
        }
      }
    }
    await Promise.all([lane(true), lane(false), lane(false)])
    expect(outcomes).toHaveLength(30)
    expect(outcomes.filter(each => !['right', 'WORKER_LOST', 'IMAGE_UNREADABLE'].includes(each))).toEqual([])
    expect(outcomes).toContain('right')
    expect(outcomes).toContain('WORKER_LOST')
    expect(outcomes).toContain('IMAGE_UNREADABLE')
  })
})
