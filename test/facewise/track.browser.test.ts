import { afterAll, beforeAll, expect, test } from 'vitest'
import sample1 from '../../node_modules/@vladmandic/face-api/demo/sample1.jpg?url'
import { isFacewiseError } from '../../src/errors.ts'
import { createFacewise, type Facewise, type TrackedFrame } from '../../src/index.ts'

let fw: Facewise
let photo: HTMLImageElement

beforeAll(async () => {
  fw = await createFacewise({ backend: { prefer: 'wasm' }, attributes: ['pose'] })
  photo = new Image()
  photo.src = sample1
  await photo.decode()
  await fw.detect(photo)
})
afterAll(() => fw.dispose())

/** A camera before which three people sway: a canvas that is drawn anew all the time. */
function camera(): { stream: MediaStream; stop(): void } {
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
  return {
    stream,
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

function expectThree(seen: readonly TrackedFrame[]): void {
  for (const { faces, width, height } of seen) {
    expect([width, height]).toEqual([480, 320])
    expect(faces.map(({ id }) => id).sort()).toEqual([1, 2, 3])
  }
  const times = seen.map(({ time }) => time)
  expect(times).toEqual([...times].sort((a, b) => a - b))
  expect(new Set(times).size).toBe(seen.length)
  expect(seen.filter(({ searched }) => searched).length).toBeLessThan(seen.length / 2)
  expect(seen.at(-1)!.faces.every(({ stable, pose }) => stable && pose)).toBe(true)
}

/** Playing, as on a page. */
async function playing(stream: MediaStream): Promise<HTMLVideoElement> {
  const video = document.createElement('video')
  video.muted = true
  video.srcObject = stream
  await video.play()
  return video
}

test('follows a stream, and leaves it to its owner', async () => {
  const { stream, stop } = camera()
  expectThree(await some(stream, 15))
  expect(stream.active).toBe(true)
  stop()
})

test('leaves frames out while one is looked at', async () => {
  const { stream, stop } = camera()
  let dropped = 0
  let count = 0
  for await (const frame of fw.track(stream)) {
    dropped += frame.dropped
    if (++count === 8) break
    await new Promise(resolve => setTimeout(resolve, 150))
  }
  expect(dropped).toBeGreaterThan(count)
  stop()
})

test.each(['requestVideoFrameCallback', 'requestAnimationFrame'])('follows a <video> by %s', async by => {
  const { stream, stop } = camera()
  const video = await playing(stream)
  if (by === 'requestAnimationFrame') Object.assign(video, { requestVideoFrameCallback: undefined })
  expectThree(await some(video, 15))
  expect(video.paused).toBe(false)
  stop()
})

test('ends with the video, with its signal and with return', async () => {
  const { stream, stop } = camera()
  const video = await playing(stream)
  const tracked = fw.track(video)
  expect((await tracked.next()).done).toBe(false)
  video.pause()
  // No frame comes any more.
  const waiting = (async () => {
    while (!(await tracked.next()).done);
    return 'done'
  })()
  await new Promise(resolve => setTimeout(resolve, 300))
  await tracked.return()
  expect(await waiting).toBe('done')

  const controller = new AbortController()
  const aborted = (async () => {
    for await (const _ of fw.track(video, { signal: controller.signal }));
  })().catch(error => (isFacewiseError(error) ? error.code : String(error)))
  setTimeout(() => controller.abort(), 200)
  expect(await aborted).toBe('ABORTED')

  let frames = 0
  for await (const _ of fw.track(stream)) if (++frames === 3) stop()
  expect(frames).toBeGreaterThanOrEqual(3)
  const over = await some(stream, 1).catch(error => (isFacewiseError(error) ? error.code : String(error)))
  expect(over).toBe('IMAGE_UNREADABLE')
})
