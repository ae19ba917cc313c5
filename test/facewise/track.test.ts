import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Engine, startBackend } from '../../src/backends/index.ts'
import { createMtcnn, type Mtcnn } from '../../src/detect/index.ts'
import { isFacewiseError } from '../../src/errors.ts'
import { type ImageInput, type Picture, resizeArea } from '../../src/image/index.ts'
import {
  createFacewise,
  type Facewise,
  type FacewiseOptions,
  type TimedPicture,
  type TrackedFace,
  type TrackedFrame,
  type TrackOptions,
  type TrackSource,
} from '../../src/index.ts'
import { developmentData, testBackend } from '../data.ts'
import {
  type Actor,
  type Cutout,
  drawFrame,
  emptyPlace,
  framesOf,
  type Place,
  type Scene,
  samplePeople,
} from './track-scene.ts'

let engine: Engine
let mtcnn: Mtcnn
let background: Picture
let people: Cutout[]
const calls = { detect: 0, refine: 0 }
let fw: Facewise
const open: Facewise[] = []

beforeAll(async () => {
  engine = await startBackend({ prefer: testBackend })
  mtcnn = await createMtcnn({ backend: engine })
  people = await samplePeople(mtcnn)
  expect(people).toHaveLength(6)
  background = await emptyPlace()
  expect(await mtcnn.detect(background)).toEqual([])
  fw = await create()
})
afterAll(async () => {
  for (const each of open) await each.dispose()
  mtcnn.dispose()
})

/** The whole library, with a detector that counts its calls. */
async function create(options: FacewiseOptions = {}): Promise<Facewise> {
  const detector: FacewiseOptions['detector'] = {
    detect: (...of) => {
      calls.detect++
      return mtcnn.detect(...of)
    },
    refine: (...of) => {
      calls.refine++
      return mtcnn.refine(...of)
    },
    dispose() {},
  }
  const made = await createFacewise({ backend: engine, detector, ...options })
  open.push(made)
  return made
}

const actor = (person: number, at: (frame: number) => Place | undefined): Actor => ({ cutout: people[person], at })
const sceneOf = (...actors: Actor[]): Scene => ({ background, actors })

async function all(source: TrackSource, options: TrackOptions = {}, by: Facewise = fw): Promise<TrackedFrame[]> {
  const found: TrackedFrame[] = []
  for await (const frame of by.track(source, { attributes: [], ...options })) found.push(frame)
  return found
}

/** The face at a place of a frame. */
function faceAt({ faces }: TrackedFrame, place: Place): TrackedFace | undefined {
  return faces.find(
    ({ box }) => Math.hypot(box.x + box.width / 2 - place.x, box.y + box.height / 2 - place.y) < place.size * 0.3,
  )
}

async function refused(action: () => unknown): Promise<string> {
  try {
    await action()
  } catch (error) {
    if (isFacewiseError(error)) return error.code
    throw error
  }
  return 'nothing was wrong'
}

describe('people who move', () => {
  test('keep their ids while they cross, one behind the other, and a third walks about', async () => {
    const scene = sceneOf(
      actor(0, f => ({ x: 70 + f * 6, y: 250, size: 90 })),
      actor(1, f => ({ x: 570 - f * 6, y: 240, size: 90 })),
      actor(3, f => ({ x: 320 + 60 * Math.sin(f / 10), y: 85 + 10 * Math.cos(f / 7), size: 75 })),
    )
    Object.assign(calls, { detect: 0, refine: 0 })
    const seen = await all(framesOf(scene, 84))
    expect(seen.map(({ time }) => time)).toEqual(seen.map((_, i) => i * 40))
    for (const { faces } of seen) expect(faces.filter(({ stable }) => stable).length).toBeLessThanOrEqual(3)
    // While one hides the other, the one behind has no face to be seen.
    const apart = (f: number): boolean => Math.abs(500 - f * 12) > 100
    const ids = scene.actors.map(({ at }) => seen.flatMap((frame, f) => (apart(f) ? [faceAt(frame, at(f)!)?.id] : [])))
    expect(ids.map(each => [...new Set(each)].length)).toEqual([1, 1, 1])
    expect(new Set(ids.flat()).size).toBe(3)
    expect(ids.flat()).not.toContain(undefined)
    // Most frames are looked at where the faces were, and nowhere else.
    expect(calls.refine).toBe(83)
    expect(calls.detect).toBe(seen.filter(({ searched }) => searched).length)
    expect(calls.detect).toBeLessThan(84 / 3)
  })

  test('have another id when they come back; no id is given twice', async () => {
    const scene = sceneOf(
      actor(2, f => ({ x: 200 + 30 * Math.sin(f / 12), y: 170, size: 90 + 20 * Math.sin(f / 20) })),
      actor(4, f => {
        if (f < 30) return { x: 520 + f * 8, y: 300, size: 90 }
        return f < 50 ? undefined : { x: Math.max(480, 720 - (f - 50) * 8), y: 300, size: 90 }
      }),
    )
    const seen = await all(framesOf(scene, 100))
    const stays = new Set(seen.map((frame, f) => faceAt(frame, scene.actors[0].at(f)!)?.id))
    expect(stays.size).toBe(1)
    const before = faceAt(seen[5], scene.actors[1].at(5)!)!.id
    const after = faceAt(seen[99], scene.actors[1].at(99)!)!.id
    expect(new Set([...stays, before, after]).size).toBe(3)
    expect(seen.slice(35, 50).every(({ faces }) => faces.length === 1)).toBe(true)
    expect(seen.flatMap(({ ended }) => ended)).toContain(before)
    // Whoever came in was found by what stirred, not only when the search was due.
    const came = seen.findIndex(({ faces }) => faces.some(({ id }) => id === after))
    expect(scene.actors[1].at(came)!.x).toBeLessThan(660)
    const ended = seen.flatMap(frame => frame.ended)
    expect(new Set(ended).size).toBe(ended.length)
  })

  test('are followed by whole detections where the detector has nothing else', async () => {
    const detector = { detect: mtcnn.detect, dispose() {} }
    const plain = await create({ detector })
    const scene = sceneOf(actor(1, f => ({ x: 150 + f * 5, y: 220, size: 90 })))
    const seen = await all(framesOf(scene, 25), {}, plain)
    expect(seen.every(({ searched, faces }) => searched && faces.length === 1 && faces[0].id === 1)).toBe(true)
  })

  test('are no more than wanted, and only where they are wanted', async () => {
    const scene = sceneOf(
      actor(0, () => ({ x: 160, y: 200, size: 80 })),
      actor(1, () => ({ x: 460, y: 200, size: 120 })),
    )
    const one = await all(framesOf(scene, 20), { maxFaces: 1, keep: 'largest', every: 3 })
    for (const frame of one) {
      expect(frame.faces).toHaveLength(1)
      expect(faceAt(frame, { x: 460, y: 200, size: 120 })?.id).toBe(1)
    }
    const roi = { x: 0, y: 0, width: 320, height: 480 }
    const left = await all(framesOf(scene, 20), { roi, every: 3 })
    for (const frame of left) {
      expect(frame.faces).toHaveLength(1)
      expect(faceAt(frame, { x: 160, y: 200, size: 80 })?.id).toBe(1)
    }
  })
})

describe.skipIf(!developmentData)('a real recording', () => {
  const root = join(developmentData ?? '', 'data', 'liveness', 'frames')
  test.each(developmentData ? readdirSync(root) : [])('keeps one id: %s', async name => {
    const pictures = readdirSync(join(root, name)).sort()
    const seen = await all(pictures.map(file => join(root, name, file)))
    expect(seen).toHaveLength(pictures.length)
    expect(seen.map(({ faces }) => faces.map(({ id }) => id))).toEqual(pictures.map(() => [1]))
    expect(seen.flatMap(({ ended }) => ended)).toEqual([])
    expect(seen.filter(({ searched }) => searched).length).toBeLessThan(pictures.length / 4)
  })
})

describe('a source', () => {
  const scene = (): Scene => sceneOf(actor(1, f => ({ x: 200 + f * 3, y: 220, size: 90 })))

  test('is asked for a picture when a frame is, and is told when the loop is left', async () => {
    let [asked, ended] = [0, 0]
    const source = async function* (): AsyncGenerator<Picture> {
      try {
        for (;;) {
          asked++
          yield drawFrame(scene(), asked)
        }
      } finally {
        ended++
      }
    }
    let count = 0
    for await (const _ of fw.track(source(), { attributes: [] })) {
      expect(asked).toBe(++count)
      await new Promise(resolve => setTimeout(resolve, 5))
      expect(asked).toBe(count)
      if (count === 6) break
    }
    expect([asked, ended]).toEqual([6, 1])
    // One that fails is told too, and its error is the caller's.
    const wrong = { picture: drawFrame(scene(), 0), time: Number.NaN }
    ended = 0
    const failing = function* (): Generator<TimedPicture> {
      try {
        yield wrong
      } finally {
        ended++
      }
    }
    expect(await refused(() => all(failing()))).toBe('INVALID_ARGUMENT')
    expect(ended).toBe(1)
  })

  test('that is live loses what comes too fast, keeps the newest, and closes video frames', async () => {
    let [made, closed, most] = [0, 0, 0]
    const total = 30
    const source = async function* (): AsyncGenerator<ImageInput> {
      for (; made < total; ) {
        const picture = drawFrame(scene(), made++)
        most = Math.max(most, made - closed)
        const frame = { ...picture, codedWidth: 640, close: () => closed++ }
        yield frame as unknown as ImageInput
        await new Promise(resolve => setTimeout(resolve, 3))
      }
    }
    const seen: TrackedFrame[] = []
    for await (const frame of fw.track(source(), { attributes: [], live: true })) {
      seen.push(frame)
      // Whoever looks is slow by frames, not by a clock: however busy the machine is, three come meanwhile.
      const until = Math.min(total, made + 3)
      while (made < until) await new Promise(resolve => setTimeout(resolve, 1))
    }
    const dropped = seen.reduce((sum, frame) => sum + frame.dropped, 0)
    expect(seen.length + dropped).toBe(total)
    expect(dropped).toBeGreaterThan(seen.length)
    expect(closed).toBe(total)
    // One that waits, one that has just come.
    expect(most).toBeLessThanOrEqual(2)
    expect(
      Buffer.compare(Buffer.from(seen.at(-1)!.picture.data), Buffer.from(drawFrame(scene(), total - 1).data)),
    ).toBe(0)
    const times = seen.map(({ time }) => time)
    expect(times).toEqual([...times].sort((a, b) => a - b))
  })

  test('ends with its signal, also while it is waited for, and with return', async () => {
    const hangs = async function* (): AsyncGenerator<Picture> {
      yield drawFrame(scene(), 0)
      await new Promise(() => {})
    }
    for (const live of [false, true]) {
      const controller = new AbortController()
      const tracked = fw.track(hangs(), { attributes: [], signal: controller.signal, live })
      expect((await tracked.next()).value?.faces).toHaveLength(1)
      const next = refused(() => tracked.next())
      setTimeout(() => controller.abort(), 20)
      expect(await next).toBe('ABORTED')
      expect((await tracked.next()).done).toBe(true)

      const left = fw.track(hangs(), { attributes: [], live })
      await left.next()
      const waiting = left.next()
      await new Promise(resolve => setTimeout(resolve, 20))
      await left.return()
      expect((await waiting).done).toBe(true)
    }
    expect(await refused(() => all([], { signal: AbortSignal.abort() }))).toBe('ABORTED')
    expect(await all([])).toEqual([])
  })

  test('has times of its own; where they jump, or the size does, another video begins', async () => {
    const at = (times: number[]): TimedPicture[] =>
      times.map((time, f) => ({ picture: drawFrame(scene(), f), time: time * 40 }))
    const ids = (seen: TrackedFrame[]): number[] => seen.map(({ faces: [face] }) => face.id)
    expect(ids(await all(at([5, 6, 7, 8])))).toEqual([1, 1, 1, 1])
    const back = await all(at([5, 6, 7, 2, 3]))
    expect(ids(back)).toEqual([1, 1, 1, 2, 2])
    expect(back[3].ended).toEqual([1])
    expect(ids(await all(at([5, 6, 1000, 1001])))).toEqual([1, 1, 2, 2])
    // Two pictures of one time are no error.
    expect(ids(await all(at([5, 6, 6, 7]), { attributes: ['pose'] }))).toEqual([1, 1, 1, 1])
    const [big, small] = [drawFrame(scene(), 0), resizeArea(drawFrame(scene(), 0), 480, 360)]
    expect(ids(await all([big, big, small, small]))).toEqual([1, 1, 2, 2])
    expect((await all([big, big], { frameRate: 10 })).map(({ time }) => time)).toEqual([0, 100])
  })

  test('and options are looked at before anything begins', async () => {
    const invalid = (source: unknown, options: TrackOptions = {}): Promise<string> =>
      refused(() => fw.track(source as TrackSource, options))
    for (const source of ['movie.mp4', undefined, null, 7, new Uint8Array(9), {}, new URL('file:///movie.mp4')]) {
      expect(await invalid(source)).toBe('INVALID_ARGUMENT')
    }
    for (const options of [
      { every: 0 },
      { every: 1.5 },
      { minScore: 1 },
      { patience: 0 },
      { stableAfter: -1 },
      { refreshMs: -1 },
      { identityRefreshMs: Number.NaN },
      { smoothing: Number.POSITIVE_INFINITY },
      { frameRate: 0 },
      { maxFaces: 0 },
      { live: true },
      { attributes: ['mood' as never] },
      { identify: { fpir: 2 } },
      { identify: { margin: -1 } },
    ]) {
      expect([options, await invalid([], options)]).toEqual([options, 'INVALID_ARGUMENT'])
    }
    const gone = await create()
    await gone.dispose()
    expect(await refused(() => gone.track([]))).toBe('DISPOSED')
  })

  test('leaves no tensor behind', async () => {
    const { tf } = engine
    const run = (): Promise<TrackedFrame[]> =>
      all(framesOf(scene(), 12), { attributes: ['emotion', 'pose'], embeddings: true })
    await run()
    const before = tf.memory().numTensors
    await run()
    for await (const frame of fw.track(framesOf(scene(), 12), { attributes: ['emotion'], embeddings: true }))
      if (frame.time > 200) break
    expect(tf.memory().numTensors).toBe(before)
  })
})
