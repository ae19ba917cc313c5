import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commands } from 'vitest/browser'
import sample1 from '../../node_modules/@vladmandic/face-api/demo/sample1.jpg?url'
import sample6 from '../../node_modules/@vladmandic/face-api/demo/sample6.jpg?url'
import { type FacewiseError, isFacewiseError } from '../../src/errors.ts'
import { decode, resizeArea } from '../../src/image/index.ts'
import { createFacewise, type Face, type Facewise } from '../../src/index.ts'
import { createFacewiseWorker, type FacewiseWorker, type FacewiseWorkerOptions } from '../../src/worker/index.ts'

const backend = { prefer: 'wasm' } as const

let here: Facewise
let there: FacewiseWorker
/** The photo as a bitmap, and what is found in it without a worker. */
let bitmap: ImageBitmap
let expected: Face[]

beforeAll(async () => {
  here = await createFacewise({ backend })
  there = await createFacewiseWorker({ backend })
  bitmap = await createImageBitmap(await (await fetch(sample6)).blob(), { resizeWidth: 640, resizeHeight: 427 })
  expected = await here.detect(bitmap)
  expect(expected).toHaveLength(4)
})
afterAll(async () => {
  await there?.dispose()
  await here?.dispose()
})

async function refused(action: Promise<unknown>): Promise<FacewiseError> {
  const error = await action.then(
    () => undefined,
    reason => reason,
  )
  if (!isFacewiseError(error)) throw new Error(`expected a FacewiseError, got ${error}`)
  return error
}

/** A worker of the source, kept in a list. */
const into = (list: Worker[]) => (): Worker => {
  const worker = new Worker(new URL('../../src/worker/worker-entry.ts', import.meta.url), { type: 'module' })
  list.push(worker)
  return worker
}

function canvasOf(source: ImageBitmap): HTMLCanvasElement {
  const canvas = document.createElement('canvas')
  canvas.width = source.width
  canvas.height = source.height
  canvas.getContext('2d')!.drawImage(source, 0, 0)
  return canvas
}

async function imageOf(source: string): Promise<HTMLImageElement> {
  const image = new Image()
  image.src = source
  await image.decode()
  return image
}

/** The bitmap as a video. */
async function videoOf(source: ImageBitmap): Promise<{ video: HTMLVideoElement; end(): void }> {
  const canvas = canvasOf(source)
  const video = document.createElement('video')
  video.muted = true
  video.srcObject = canvas.captureStream(30)
  // A canvas gives a frame when it is drawn on.
  const paint = setInterval(() => canvas.getContext('2d')!.drawImage(source, 0, 0), 20)
  await video.play()
  const end = (): void => {
    clearInterval(paint)
    video.srcObject = null
  }
  return { video, end }
}

describe('a Web Worker', () => {
  it('gives what the same call gives on the page', async () => {
    expect(await there.detect(bitmap)).toEqual(expected)
    expect(await there.represent(bitmap)).toEqual(await here.represent(bitmap))
    expect(await there.describe(bitmap)).toEqual(await here.describe(bitmap))
    expect((await there.reports())[0]).toMatchObject({ chosen: 'wasm', simd: true })
  })

  it('gives what Node gives', async () => {
    const { faces, vectors } = await commands.embedInNode(1, 480, 320)
    const picture = resizeArea(await decode(sample1), 480, 320)
    const fw = await createFacewiseWorker({ backend, detector: { minFaceSize: 24 } })
    const found = await fw.represent(picture)
    await fw.dispose()
    expect(found).toHaveLength(faces.length)
    for (const [i, { embedding }] of found.entries()) {
      const cosine = embedding.vector.reduce((sum, value, k) => sum + value * vectors[i][k], 0)
      expect(cosine).toBeGreaterThanOrEqual(0.9999)
    }
  })

  it('takes every kind of picture, and leaves it as it was', async () => {
    const canvas = canvasOf(bitmap)
    const offscreen = new OffscreenCanvas(bitmap.width, bitmap.height)
    offscreen.getContext('2d')!.drawImage(bitmap, 0, 0)
    const imageData = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height)
    const blob = await new Promise<Blob>(resolve => canvas.toBlob(each => resolve(each!), 'image/png'))
    const bytes = new Uint8Array(await blob.arrayBuffer())
    const frame = new VideoFrame(canvas, { timestamp: 0 })
    const image = await imageOf(URL.createObjectURL(blob))
    const address = URL.createObjectURL(blob)
    const pictures = {
      bitmap,
      canvas,
      offscreen,
      imageData,
      blob,
      file: new File([blob], 'a.png'),
      bytes,
      arrayBuffer: bytes.slice().buffer,
      image,
      address,
      url: new URL(address),
    }
    for (const [kind, picture] of Object.entries(pictures)) expect(await there.detect(picture), kind).toEqual(expected)
    expect([bitmap.width, bytes.length, imageData.data.length]).toEqual([640, blob.size, 640 * 427 * 4])
    // These may come as YUV, whose colours are a little off.
    const { video, end } = await videoOf(bitmap)
    for (const [kind, picture] of Object.entries({ frame, video })) {
      expect(await there.detect(picture), kind).toHaveLength(expected.length)
    }
    end()
    expect(frame.codedWidth).toBe(640)
    frame.close()
    // An address is relative to the page, not to the worker's script.
    const relative = new URL(sample6, location.href).pathname
    expect(await there.detect(relative)).toEqual(await here.detect(relative))
  })

  it('takes a picture as it is when it is given', async () => {
    const canvas = canvasOf(bitmap)
    // Two calls are in the worker and more wait.
    const busy = Array.from({ length: 4 }, () => there.detect(bitmap))
    const call = there.detect(canvas)
    canvas.getContext('2d')!.clearRect(0, 0, canvas.width, canvas.height)
    expect(await call).toEqual(expected)
    await Promise.all(busy)
  })

  it('takes bitmaps and frames away where it is told to', async () => {
    const own = await createImageBitmap(bitmap)
    expect(await there.detect(own, { transfer: true })).toEqual(expected)
    expect(own.width).toBe(0)
    const frame = new VideoFrame(bitmap, { timestamp: 0 })
    expect(await there.detect(frame, { transfer: true })).toHaveLength(4)
    expect(frame.format).toBeNull()
    expect((await refused(there.detect(own, { transfer: true }))).code).toBe('INVALID_ARGUMENT')
    expect(await there.detect(bitmap)).toEqual(expected)
  })

  it('errors keep their code and their words', async () => {
    for (const wrong of [
      new Uint8Array(3),
      'no-such-photo.jpg',
      document.createElement('video'),
      document.createElement('canvas'),
      new Blob(['text']),
      new Image(),
    ]) {
      if (wrong instanceof HTMLCanvasElement) wrong.width = 0
      const local = await refused(here.detect(wrong))
      const remote = await refused(there.detect(wrong))
      expect(remote.code).toBe(local.code)
      // The one address is absolute there.
      if (typeof wrong !== 'string') expect(remote.message).toBe(local.message)
    }
    expect((await refused(there.detect(document.body as never))).code).toBe('IMAGE_UNSUPPORTED')
    const tainted = await imageOf(`${await commands.otherOrigin()}/photo.png`)
    expect((await refused(there.detect(tainted))).code).toBe((await refused(here.detect(tainted))).code)
  })

  it('enrols and recognises; the store is on the page', async () => {
    const fw = await createFacewiseWorker({ backend, workers: 2, store: `indexeddb:worker-${crypto.randomUUID()}` })
    const face = (left: number, top: number): Promise<ImageBitmap> => createImageBitmap(photo, left, top, 400, 420)
    const photo = await createImageBitmap(await (await fetch(sample1)).blob())
    const [ann, bea] = await Promise.all([face(300, 260), face(720, 320)])
    await Promise.all([fw.enroll('ann', ann), fw.enroll('bea', bea)])
    expect(await fw.store.count()).toBe(2)
    const found = await Promise.all([fw.identify(ann), fw.identify(bea)])
    expect(found.map(([each]) => each.match?.subject)).toEqual(['ann', 'bea'])
    expect(fw.store.capabilities.name).toBe('indexeddb')
    await fw.dispose()
  })

  it('stops a call at once, and later calls work', async () => {
    const controller = new AbortController()
    const call = refused(there.detect(sample1, { signal: controller.signal }))
    setTimeout(() => controller.abort(), 20)
    expect((await call).code).toBe('ABORTED')
    expect(await there.detect(bitmap)).toEqual(expected)
  })
})

describe('a Web Worker that is lost', () => {
  const create = (options: FacewiseWorkerOptions): Promise<FacewiseWorker> =>
    createFacewiseWorker({ backend, ...options })

  it('without an event is noticed by its lock; its calls reject, the next gets another', async () => {
    const workers: Worker[] = []
    const fw = await create({ worker: into(workers) })
    await fw.detect(bitmap)
    const calls = [refused(fw.detect(sample1)), refused(fw.describe(sample1))]
    const waiting = fw.detect(bitmap)
    await new Promise(resolve => setTimeout(resolve, 10))
    workers[0].terminate()
    for (const { code } of await Promise.all(calls)) expect(code).toBe('WORKER_LOST')
    expect(await waiting).toEqual(expected)
    expect(workers).toHaveLength(2)
    await fw.dispose()
    await fw.dispose()
    expect((await refused(fw.detect(bitmap))).code).toBe('DISPOSED')
  })

  it('before it answers says why', async () => {
    const script = (code: string): string => URL.createObjectURL(new Blob([code], { type: 'text/javascript' }))
    const missing = (): Worker => new Worker('/no-such-worker.js?raw-404', { type: 'module' })
    for (const [why, worker] of [
      ['boom', () => new Worker(script('throw new Error("boom")'))],
      ['could not be loaded', missing],
      ['within 500 ms', () => new Worker(script('close()'))],
    ] as const) {
      const startTimeoutMs = why.includes('500') ? 500 : 60_000
      const { code, message } = await refused(create({ worker, startTimeoutMs }))
      expect([code, message]).toEqual(['WORKER_LOST', expect.stringContaining(why)])
    }
  })
})

describe('the page', () => {
  it('is free while faces are found', async () => {
    await there.detect(sample1)
    const gaps = await gapsDuring(async () => {
      for (let i = 0; i < 25; i++) await there.detect(sample1)
    })
    const blocked = await gapsDuring(() => here.detect(sample1))
    console.log(
      `25 detections in a worker: the page was kept busy for ${gaps.longest.toFixed(1)} ms at most, ${gaps.beats} beats; ` +
        `one on the page: ${blocked.longest.toFixed(1)} ms`,
    )
    // No time is asserted: that the page went on meanwhile, many times for each detection, is what this can tell.
    expect(gaps.beats).toBeGreaterThan(25 * 10)
  })
})

/** Sends itself messages as fast as they go, and measures the longest time between two. */
async function gapsDuring(action: () => Promise<unknown>): Promise<{ longest: number; beats: number }> {
  const { port1, port2 } = new MessageChannel()
  let last = performance.now()
  let longest = 0
  let beats = 0
  port2.onmessage = () => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
    beats++
    port1.postMessage(0)
  }
  port1.postMessage(0)
  await action()
  longest = Math.max(longest, performance.now() - last)
  port2.close()
  return { longest, beats }
}
