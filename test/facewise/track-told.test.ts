import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createEmotionClassifier } from '../../src/attributes/index.ts'
import { type Engine, startBackend } from '../../src/backends/index.ts'
import { createMtcnn } from '../../src/detect/index.ts'
import { createEmbedder } from '../../src/embed/index.ts'
import type { Picture } from '../../src/image/index.ts'
import {
  createFacewise,
  type Facewise,
  type TrackedFace,
  type TrackedFrame,
  type TrackOptions,
  type TrackSource,
} from '../../src/index.ts'
import { testBackend } from '../data.ts'
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
let background: Picture
let people: Cutout[]
const calls = { emotion: 0, embed: 0 }
let fw: Facewise
const open: Facewise[] = []

beforeAll(async () => {
  engine = await startBackend({ prefer: testBackend })
  const mtcnn = await createMtcnn({ backend: engine })
  people = await samplePeople(mtcnn)
  mtcnn.dispose()
  background = await emptyPlace()
  fw = await create()
})
afterAll(async () => {
  for (const each of open) await each.dispose()
})

/** The whole library, with parts that count the faces that they are given. */
async function create(): Promise<Facewise> {
  const emotion = await createEmotionClassifier(undefined, { backend: engine })
  const embedder = await createEmbedder(undefined, { backend: engine })
  const made = await createFacewise({
    backend: engine,
    embedder: {
      ...embedder,
      embed: (picture, faces, how) => {
        calls.embed += faces.length
        return embedder.embed(picture, faces, how)
      },
    },
    classifiers: {
      emotion: {
        ...emotion,
        classify: (picture, faces, how) => {
          calls.emotion += faces.length
          return emotion.classify(picture, faces, how)
        },
      },
    },
  })
  open.push(made)
  return made
}

function reset(): void {
  calls.emotion = 0
  calls.embed = 0
}

const actor = (person: number, at: (frame: number) => Place | undefined): Actor => ({ cutout: people[person], at })
const sceneOf = (...actors: Actor[]): Scene => ({ background, actors })

async function all(source: TrackSource, options: TrackOptions, by: Facewise = fw): Promise<TrackedFrame[]> {
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

describe('what is told of a face', () => {
  const still = (person: number): Scene => sceneOf(actor(person, () => ({ x: 320, y: 230, size: 110 })))

  test('begins with a stable track and is read again now and then, smoothed', async () => {
    reset()
    const seen = await all(framesOf(still(1), 60), { attributes: ['emotion', 'pose', 'quality'], refreshMs: 600 })
    const emotions = seen.map(({ faces: [face] }) => face.emotion)
    expect(emotions.slice(0, 2)).toEqual([undefined, undefined])
    expect(seen.map(({ faces: [{ stable }] }) => stable).indexOf(true)).toBe(2)
    // At 80, 680, 1280 and 1880 of 2,360 ms.
    expect(calls.emotion).toBe(4)
    expect(new Set(emotions.slice(2)).size).toBe(4)
    for (const { faces } of seen.slice(2)) {
      const [{ emotion, pose, quality, seen: times, since }] = faces
      expect(Object.values(emotion!).reduce((a, b) => a + b)).toBeCloseTo(1, 5)
      expect(Math.abs(pose!.yaw)).toBeLessThan(40)
      expect(quality!.score).toBeGreaterThan(0.3)
      expect([times > 2, since]).toEqual([true, 0])
    }
  })

  test('jumps less with smoothing than without', async () => {
    // The light flickers, and with it what is read.
    const flicker = sceneOf(
      actor(2, f => ({ x: 320, y: 230, size: 110, light: 0.7 + 0.5 * ((f * 7) % 5 > 2 ? 1 : 0) })),
    )
    const jumps = async (smoothing: number): Promise<number> => {
      const seen = await all(framesOf(flicker, 50), { attributes: ['emotion'], refreshMs: 0, smoothing })
      const happy = seen.slice(2).map(({ faces }) => faces[0].emotion!.happy)
      return happy.slice(1).reduce((sum, value, i) => sum + Math.abs(value - happy[i]), 0)
    }
    const raw = await jumps(0)
    expect(raw).toBeGreaterThan(0)
    expect(await jumps(1000)).toBeLessThan(raw / 2)
  })

  test('with identify, is whose face it is, once the track is stable', async () => {
    const own = await create()
    await own.enroll('ann', drawFrame(still(0), 0), { minQuality: 0 })
    reset()
    const scene = sceneOf(
      actor(0, f => ({ x: 180 + f, y: 240, size: 100 })),
      actor(4, f => ({ x: 460 + f, y: 240, size: 100 })),
    )
    const seen = await all(framesOf(scene, 60), { identify: true }, own)
    const [ann, stranger] = scene.actors.map(({ at }) => seen.map((frame, f) => faceAt(frame, at(f)!)!))
    expect([ann[1].match, ann[1].embedding]).toEqual([undefined, undefined])
    expect(ann[59].match).toMatchObject({ subject: 'ann' })
    expect(ann[59].embedding!.vector).toHaveLength(128)
    expect(ann.slice(3).every(({ match }) => match?.subject === 'ann')).toBe(true)
    expect(stranger.slice(4).every(({ match }) => match === null)).toBe(true)
    // Three of each.
    expect(calls.embed).toBe(6)
    const rules = await all(framesOf(scene, 8), { identify: { threshold: 0 } }, own)
    expect(rules[7].faces.map(({ match }) => match)).toEqual([null, null])
    const unasked = await all(framesOf(scene, 8), { embeddings: true }, own)
    expect(unasked[7].faces.every(face => face.embedding && !('match' in face))).toBe(true)
  })

  test('tells that another person has taken the place of the first', async () => {
    const own = await create()
    await own.enroll('ann', drawFrame(still(0), 0), { minQuality: 0 })
    const pictures = [...framesOf(still(0), 50), ...framesOf(still(3), 60)]
    const seen = await all(pictures, { identify: true, identityRefreshMs: 400, refreshMs: 200 }, own)
    expect(seen[49].faces).toMatchObject([{ id: 1, match: { subject: 'ann' } }])
    const [last] = seen[109].faces
    expect(last.id).toBeGreaterThan(1)
    expect(last.match).toBeNull()
    expect(seen.flatMap(({ ended }) => ended)).toContain(1)
  })
})
