import type { Worker } from 'node:worker_threads'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isFacewiseError } from '../../src/errors.ts'
import { decode, type Picture, resizeArea } from '../../src/image/index.ts'
import {
  createFacewise,
  type Facewise,
  type TrackedFrame,
  type TrackOptions,
  type TrackSource,
} from '../../src/index.ts'
import { createFacewiseWorker, type FacewiseWorker } from '../../src/worker/index.ts'
import { samplePhoto } from '../data.ts'
import { into, refused, sourceWorker } from './threads.ts'

const backend = { prefer: 'wasm' } as const

let here: Facewise
let there: FacewiseWorker
/** Three people who sway. */
let film: Picture[]

beforeAll(async () => {
  const whole = await decode(samplePhoto(1))
  const photo = resizeArea(whole, 480, 320)
  film = Array.from({ length: 24 }, (_, i) => shifted(photo, Math.round(6 * Math.sin(i / 3))))
  here = await createFacewise({ backend })
  there = await createFacewiseWorker({ backend, workers: 2, worker: sourceWorker })
})
afterAll(async () => {
  await there?.dispose()
  await here?.dispose()
})

/** The picture, moved to the right. */
function shifted({ data, width, height }: Picture, by: number): Picture {
  const moved = new Uint8Array(data.length)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * width + Math.min(width - 1, Math.max(0, x - by))) * 3
      moved.set(data.subarray(from, from + 3), (y * width + x) * 3)
    }
  }
  return { data: moved, width, height }
}

async function all(source: TrackSource, options: TrackOptions, by: Facewise | FacewiseWorker): Promise<TrackedFrame[]> {
  const seen: TrackedFrame[] = []
  for await (const frame of by.track(source, options)) seen.push(frame)
  return seen
}

/** Frames without their pictures, which take long to compare. */
const told = (frames: readonly TrackedFrame[]): unknown[] => frames.map(({ picture: _, ...rest }) => rest)

/** The error that ends a loop. */
const ended = (loop: AsyncIterable<unknown>): ReturnType<typeof refused> =>
  refused(
    (async () => {
      for await (const _ of loop);
    })(),
  )

const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

describe('a video that is followed in a worker', () => {
  test('gives the frames that it gives without one', async () => {
    const options = { attributes: ['emotion', 'pose'], every: 6, embeddings: true } as const
    const [local, remote] = [await all(film, options, here), await all(film, options, there)]
    expect(told(remote)).toEqual(told(local))
    expect(remote).toHaveLength(film.length)
    expect(remote.at(-1)!.faces.map(({ id }) => id)).toEqual([1, 2, 3])
    expect(remote.at(-1)!.faces[0].embedding?.vector).toBeInstanceOf(Float32Array)
    // The caller's pictures are what they were, and come back as they are.
    expect(
      remote.every(({ picture }, i) => picture.data === film[i].data && picture.data.length === 480 * 320 * 3),
    ).toBe(true)
  })

  test('takes files, times and what identifies; several videos at once have their own ids', async () => {
    const frames = await Promise.all(
      film.slice(0, 6).map(async ({ data, width, height }) => ({
        picture: await sharp(data, { raw: { width, height, channels: 3 } })
          .png()
          .toBuffer(),
        time: 0,
      })),
    )
    const timed = frames.map(({ picture }, i) => ({ picture, time: 1000 + i * 100 }))
    const options = { attributes: [], identify: true } as const
    const [first, second] = await Promise.all([all(timed, options, there), all(timed.slice(0, 4), options, there)])
    expect(first.map(({ time }) => time)).toEqual(timed.map(({ time }) => time))
    expect(told(first)).toEqual(told(await all(timed, options, here)))
    expect(told(second)).toEqual(told(first.slice(0, 4)))
    expect(first.at(-1)!.faces.every(({ match }) => match === null)).toBe(true)
    // Calls go on beside it.
    const [seen, faces] = await Promise.all([all(film.slice(0, 3), options, there), there.detect(film[0])])
    expect([seen.length, faces.length]).toEqual([3, 3])
  })

  test('asks for a picture when the one before is done with, and leaves none of a list out', async () => {
    const log: string[] = []
    function* source(): Generator<Picture> {
      try {
        for (const [i, picture] of film.slice(0, 5).entries()) {
          log.push(`given ${i}`)
          yield picture
        }
      } finally {
        log.push('let go')
      }
    }
    let count = 0
    for await (const { dropped } of there.track(source(), { attributes: [] })) {
      expect(dropped).toBe(0)
      await pause(20)
      log.push(`seen ${count++}`)
      if (count === 3) break
    }
    expect(log).toEqual(['given 0', 'seen 0', 'given 1', 'seen 1', 'given 2', 'seen 2', 'let go'])
  })

  test('leaves frames of a live source out, and never queues them', async () => {
    let given = 0
    async function* camera(): AsyncGenerator<Picture> {
      for (;;) {
        await pause(2)
        yield film[given++ % film.length]
      }
    }
    let dropped = 0
    let seen = 0
    for await (const frame of there.track(camera(), { attributes: [], live: true })) {
      dropped += frame.dropped
      if (++seen === 6) break
      await pause(40)
    }
    expect(dropped).toBeGreaterThan(seen)
    expect(dropped + seen).toBeLessThanOrEqual(given)
  })
})

describe('it ends', () => {
  test('with its signal, before, between and in the middle of frames', async () => {
    expect((await ended(there.track(film, { signal: AbortSignal.abort() }))).code).toBe('ABORTED')
    for (const ms of [0, 5, 60]) {
      const controller = new AbortController()
      const loop = ended(there.track(endless(), { signal: controller.signal, attributes: ['emotion'] }))
      setTimeout(() => controller.abort(new Error('enough')), ms)
      expect(await loop).toMatchObject({ code: 'ABORTED', cause: { message: 'enough' } })
    }
    const never = new AbortController()
    const waiting = ended(there.track(silence(), { signal: never.signal }))
    setTimeout(() => never.abort(), 10)
    expect((await waiting).code).toBe('ABORTED')
    expect(await there.detect(film[0])).toHaveLength(3)
  })

  test('with `return`, also while a picture is waited for', async () => {
    const tracked = there.track(silence())
    const waiting = tracked.next()
    await pause(20)
    await tracked.return()
    expect((await waiting).done).toBe(true)
  })

  test('with what cannot be decoded, and says so at once for what makes no sense', async () => {
    const { code } = await ended(there.track([film[0], new Uint8Array([1, 2, 3])], { attributes: [] }))
    expect(code).toBe('IMAGE_UNREADABLE')
    const wrong: [string, () => unknown][] = [
      ['`every`', () => there.track(film, { every: 0 })],
      ['"mood"', () => there.track(film, { attributes: ['mood' as never] })],
      ['A source', () => there.track('film.mp4' as never)],
      ['`identify.where', () => there.track(film, { identify: { where: { a: () => {} } } as never })],
    ]
    for (const [name, action] of wrong) {
      const error = await (async () => action())().then(
        () => undefined,
        reason => reason,
      )
      expect(isFacewiseError(error), name).toBe(true)
      expect([error.code, error.message]).toEqual(['INVALID_ARGUMENT', expect.stringContaining(name)])
    }
  })

  test('with a lost worker; the next one has another', async () => {
    const threads: Worker[] = []
    const fw = await createFacewiseWorker({ backend, worker: into(threads) })
    const codes: string[] = []
    for (const inFrame of [true, false]) {
      const tracked = fw.track(endless(), { attributes: [] })
      await tracked.next()
      const next = inFrame ? refused(tracked.next()) : undefined
      await threads.at(-1)!.terminate()
      codes.push((await (next ?? refused(tracked.next()))).code)
      expect((await tracked.next()).done).toBe(true)
    }
    expect(codes).toEqual(['WORKER_LOST', 'WORKER_LOST'])
    expect(await all(film.slice(0, 3), { attributes: [] }, fw)).toHaveLength(3)
    const last = fw.track(endless(), { attributes: [] })
    await last.next()
    const disposed = refused(last.next())
    await fw.dispose()
    expect((await disposed).code).toBe('DISPOSED')
    expect(() => fw.track(film)).toThrow(expect.objectContaining({ code: 'DISPOSED' }))
  })
})

function* endless(): Generator<Picture> {
  for (let i = 0; ; i++) yield film[i % film.length]
}

/** A camera that gives nothing. */
async function* silence(): AsyncGenerator<Picture> {
  await new Promise(() => {})
}
