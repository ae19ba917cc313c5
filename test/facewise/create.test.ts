import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createEmotionClassifier } from '../../src/attributes/index.ts'
import { type Engine, startBackend } from '../../src/backends/index.ts'
import { createMtcnn } from '../../src/detect/index.ts'
import { createEmbedder } from '../../src/embed/index.ts'
import { isFacewiseError } from '../../src/errors.ts'
import { decode } from '../../src/image/index.ts'
import { createFacewise, type Facewise, type FacewiseOptions, type FacewiseProgress } from '../../src/index.ts'
import { memoryStore } from '../../src/store/index.ts'
import { samplePhoto } from '../data.ts'

/** Three people of a photo, each in a sharp crop and a softer, darker one. */
const PEOPLE = { ann: [300, 260], bea: [720, 320], cat: [1380, 120] } as const

let folder: string
let engine: Engine
const photo = (name: string): string => join(folder, `${name}.png`)

beforeAll(async () => {
  engine = await startBackend({ prefer: 'wasm' })
  folder = mkdtempSync(join(tmpdir(), 'facewise-object-'))
  for (const [name, [left, top]] of Object.entries(PEOPLE)) {
    const person = sharp(samplePhoto(1)).extract({ left, top, width: 400, height: 420 })
    await person.clone().png().toFile(photo(name))
    await person
      .clone()
      .resize(300)
      .modulate({ brightness: 0.85 })
      .toFile(photo(`${name}-2`))
    await person
      .clone()
      .resize(90)
      .blur(4)
      .toFile(photo(`${name}-poor`))
  }
  await sharp({ create: { width: 300, height: 300, channels: 3, background: '#678' } })
    .png()
    .toFile(photo('empty'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const open: Facewise[] = []
async function create(options: FacewiseOptions = {}): Promise<Facewise> {
  const fw = await createFacewise({ backend: engine, ...options })
  open.push(fw)
  return fw
}
afterEach(async () => {
  for (const fw of open.splice(0)) await fw.dispose()
})

async function refused(action: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error = await action.then(
    () => undefined,
    reason => reason,
  )
  if (!isFacewiseError(error)) throw new Error(`expected a FacewiseError, got ${error}`)
  return { code: error.code, message: error.message }
}

describe('one object', () => {
  test('enrols people and knows them again; a stranger is null', async () => {
    const fw = await create()
    await fw.enroll('ann', photo('ann'))
    await fw.enroll('bea', [photo('bea')])
    const [ann] = await fw.identify(photo('ann-2'))
    expect(ann.match).toMatchObject({ subject: 'ann', metadata: {} })
    expect(ann.match!.distance).toBeLessThan(ann.match!.threshold)
    expect(ann.match!.fpir).toBeCloseTo(0.002, 4)
    const [cat] = await fw.identify(photo('cat'))
    expect(cat.match).toBeNull()
    // The nearest name is never an answer.
    const three = await fw.identify(samplePhoto(1))
    expect(three.map(({ match }) => match?.subject ?? null).sort()).toEqual(['ann', 'bea', null].sort())
    expect(await fw.forget('ann')).toBe(1)
    expect((await fw.identify(photo('ann-2')))[0].match).toBeNull()
    expect(await fw.forget('ann')).toBe(0)
  })

  test('finds, represents, describes and compares as the parts do', async () => {
    const fw = await create()
    const mtcnn = await createMtcnn({ backend: engine })
    const embedder = await createEmbedder(undefined, { backend: engine })
    const picture = await decode(samplePhoto(1))
    const faces = await mtcnn.detect(picture)
    expect(await fw.detect(samplePhoto(1))).toEqual(faces)
    const represented = await fw.represent(picture)
    const embeddings = await embedder.embed(picture, faces)
    expect(represented.map(({ embedding }) => embedding)).toEqual(embeddings)
    const described = await fw.describe(picture)
    for (const [i, face] of described.entries()) {
      expect(face.box).toEqual(faces[i].box)
      expect(face.age).toBeGreaterThan(10)
      expect(face.gender?.label).toBe('female')
      expect(Object.values(face.emotion!).reduce((a, b) => a + b)).toBeCloseTo(1, 5)
      expect(Math.abs(face.pose!.yaw)).toBeLessThan(60)
      expect(face.quality!.score).toBeGreaterThan(0.5)
      expect(face.liveness).toBeUndefined()
    }
    const [only] = await fw.describe(picture, { attributes: ['liveness'], maxFaces: 1 })
    expect(Object.keys(only).sort()).toEqual(['box', 'landmarks', 'liveness', 'score'])
    const { same, faces: compared } = await fw.verify(photo('ann'), photo('ann-2'))
    expect([same, compared.length]).toEqual([true, 2])
    expect((await fw.verify(photo('ann'), photo('bea'))).same).toBe(false)
    expect((await refused(fw.verify(photo('ann'), photo('empty')))).code).toBe('FACE_NOT_FOUND')
    expect((await refused(fw.verify(photo('ann'), samplePhoto(1), { face: 'only' }))).code).toBe('FACE_AMBIGUOUS')
    mtcnn.dispose()
    embedder.dispose()
  })

  test('keeps the most central faces, and takes an aligned crop whole', async () => {
    const fw = await create()
    const picture = await decode(samplePhoto(1))
    const all = await fw.detect(picture)
    const offCentre = ({ box }: (typeof all)[0]): number =>
      Math.hypot(box.x + (box.width - picture.width) / 2, box.y + (box.height - picture.height) / 2)
    const central = all.toSorted((a, b) => offCentre(a) - offCentre(b))
    expect(all).toHaveLength(3)
    expect(await fw.detect(picture, { keep: 'center', maxFaces: 1 })).toEqual([central[0]])
    const two = await fw.represent(picture, { keep: 'center', maxFaces: 2 })
    expect(two.map(({ box }) => box)).toEqual(all.filter(face => face !== central[2]).map(({ box }) => box))
    expect((await refused(fw.detect(picture, { keep: 'center', maxFaces: 0 }))).code).toBe('INVALID_ARGUMENT')

    const crop = await decode(photo('ann'))
    const whole = { box: { x: 0, y: 0, width: 400, height: 420 }, score: 1 }
    const [represented] = await fw.represent(crop, { aligned: true })
    const embedder = await fw.embedder()
    expect(represented).toEqual({ ...whole, embedding: (await embedder.embedAligned([crop]))[0] })
    const [described] = await fw.describe(crop, { aligned: true })
    expect(Object.keys(described).sort()).toEqual(['age', 'box', 'emotion', 'gender', 'quality', 'score'])
    const emotion = await createEmotionClassifier(undefined, { backend: engine })
    expect(described.emotion).toEqual((await emotion.classifyAligned([crop]))[0])
    emotion.dispose()
    // Without a face that could be found, too.
    const { distance } = await fw.verify(photo('empty'), photo('empty'), { aligned: true })
    expect(distance).toBeCloseTo(0, 6)
    await fw.enroll('crop', crop, { aligned: true, minQuality: 0 })
    const [known] = await fw.identify(crop, { aligned: true })
    expect(known.match).toMatchObject({ subject: 'crop' })
    expect(known.match!.distance).toBeCloseTo(0, 6)
  })

  test('nobody in the picture is an empty list', async () => {
    const fw = await create()
    for (const faces of [
      await fw.detect(photo('empty')),
      await fw.represent(photo('empty')),
      await fw.describe(photo('empty')),
      await fw.identify(photo('empty')),
    ]) {
      expect(faces).toEqual([])
    }
  })

  test('takes parts of one’s own and leaves them as they are', async () => {
    const store = await memoryStore()
    const embedder = await createEmbedder(undefined, { backend: engine })
    const emotion = await createEmotionClassifier(undefined, { backend: engine, mirror: true })
    const mtcnn = await createMtcnn({ backend: engine })
    let calls = 0
    const detector = {
      detect: async (...args: Parameters<typeof mtcnn.detect>) => {
        calls++
        return (await mtcnn.detect(...args)).slice(0, 1)
      },
      dispose: () => mtcnn.dispose(),
    }
    const fw = await create({ store, embedder, detector, classifiers: { emotion }, attributes: ['emotion'] })
    await fw.enroll('first', samplePhoto(1))
    const [described] = await fw.describe(samplePhoto(1))
    expect(Object.keys(described)).not.toContain('age')
    expect(calls).toBe(2)
    await fw.dispose()
    expect(await store.count()).toBe(1)
    expect(await emotion.classifyAligned([await decode(photo('ann'))])).toHaveLength(1)
    expect(await mtcnn.detect(photo('ann'))).toHaveLength(1)
    for (const part of [embedder, emotion, mtcnn]) part.dispose()
    await store.close()
  })

  test('loads what is needed when it is needed, and tells how far it is', async () => {
    const progress: FacewiseProgress[] = []
    const fw = await create({ onProgress: step => progress.push(step) })
    expect(progress).toEqual([])
    await fw.detect(photo('ann'))
    expect(new Set(progress.map(({ model }) => model))).toEqual(new Set(['mtcnn']))
    await fw.warmup()
    expect(new Set(progress.map(({ model }) => model))).toEqual(
      new Set(['mtcnn', 'dlib-resnet-128', 'emotion-mini-xception', 'age-gender-tiny-xception']),
    )
    const last = progress.at(-1)!
    expect(last.loadedBytes).toBe(last.totalBytes)
    for (const { loadedBytes, totalBytes } of progress) expect(loadedBytes).toBeLessThanOrEqual(totalBytes)
    const count = progress.length
    await fw.describe(photo('ann'))
    expect(progress).toHaveLength(count)
  })

  test('goes on after a failed loading, and says what is wrong with options', async () => {
    const fw = await create({ models: join(folder, 'no-models') })
    expect((await refused(fw.detect(photo('ann')))).code).toBe('MODEL_NOT_FOUND')
    expect((await refused(fw.detect(photo('ann')))).code).toBe('MODEL_NOT_FOUND')
    expect((await refused(createFacewise({ attributes: ['mood' as never] }))).message).toContain('"mood"')
    expect((await refused(createFacewise({ store: 'mysql://x' }))).code).toBe('INVALID_ARGUMENT')
    const { code } = await refused(fw.describe(photo('ann'), { attributes: ['mood' as never] }))
    expect(code).toBe('INVALID_ARGUMENT')
  })

  test('frees what it has loaded, and nothing can be asked afterwards', async () => {
    const before = engine.tf.memory().numTensors
    {
      await using fw = await createFacewise({ backend: engine })
      await fw.enroll('ann', photo('ann'))
      await fw.describe(samplePhoto(1))
      expect(engine.tf.memory().numTensors).toBeGreaterThan(before)
    }
    expect(engine.tf.memory().numTensors).toBe(before)
    const fw = await create()
    await fw.dispose()
    await fw.dispose()
    for (const call of [fw.detect(photo('ann')), fw.enroll('x', photo('ann')), fw.forget('x'), fw.warmup()]) {
      expect((await refused(call)).code).toBe('DISPOSED')
    }
  })

  test('stops when it is told to', async () => {
    const fw = await create()
    const signal = AbortSignal.abort()
    for (const call of [
      fw.detect(photo('ann'), { signal }),
      fw.enroll('x', photo('ann'), { signal }),
      fw.identify(photo('ann'), { signal }),
      fw.verify(photo('ann'), photo('ann'), { signal }),
      fw.describe(photo('ann'), { signal }),
    ]) {
      expect((await refused(call)).code).toBe('ABORTED')
    }
    expect(await fw.store.count()).toBe(0)
  })
})

describe('enrolment', () => {
  test('keeps a template a frame, their mean, or the best', async () => {
    const fw = await create()
    const frames = [photo('ann'), photo('ann-2')]
    expect((await fw.enroll('mean', frames, { duplicates: 'ignore' })).templates).toHaveLength(1)
    expect((await fw.enroll('all', frames, { duplicates: 'ignore', templates: 'all' })).templates).toHaveLength(2)
    expect((await fw.enroll('best', frames, { duplicates: 'ignore', templates: 'best' })).templates).toHaveLength(1)
    expect(await fw.store.count({ subject: 'all' })).toBe(2)
    expect(await fw.store.count()).toBe(4)
  })

  test('refuses who is enrolled under another name, reports it, or is told not to look', async () => {
    const fw = await create()
    await fw.enroll('ann', photo('ann'))
    const { code, message } = await refused(fw.enroll('eve', photo('ann-2')))
    expect(code).toBe('ENROLMENT_REFUSED')
    expect(message).toContain('enrolled as "ann" already')
    expect(await fw.store.count()).toBe(1)
    const { duplicates } = await fw.enroll('eve', photo('ann-2'), { duplicates: 'report' })
    expect(duplicates.map(({ subject }) => subject)).toEqual(['ann'])
    // More pictures of the same subject are no duplicates.
    await fw.forget('eve')
    expect((await fw.enroll('ann', photo('ann-2'))).duplicates).toEqual([])
    expect(await fw.store.count({ subject: 'ann' })).toBe(2)
  })

  test('replaces earlier templates where it is told to', async () => {
    const fw = await create()
    const { templates: old } = await fw.enroll('ann', photo('ann'))
    const { templates: now } = await fw.enroll('ann', photo('ann-2'), { replace: true, metadata: { from: 'door' } })
    expect(await fw.store.count()).toBe(1)
    expect(await fw.store.get(old[0])).toBeUndefined()
    expect((await fw.store.get(now[0]))?.metadata).toEqual({ from: 'door' })
  })

  test('takes good frames of one person and says what is wrong with the others', async () => {
    const fw = await create()
    const pictures = [photo('ann'), photo('empty'), samplePhoto(3), photo('ann-2'), photo('bea')]
    const { frames, templates } = await fw.enroll('ann', pictures)
    expect(frames.map(({ accepted }) => accepted)).toEqual([true, false, false, true, false])
    expect(frames.map(({ reasons }) => reasons[0]?.code)).toEqual([
      undefined,
      'no-face',
      'several-faces',
      undefined,
      'another-person',
    ])
    expect(templates).toHaveLength(1)
  })

  test('stores nothing where no frame is good enough, and a dry run tells', async () => {
    const fw = await create({ detector: { minFaceSize: 20 } })
    const { code, message } = await refused(fw.enroll('ann', [photo('ann-poor'), photo('empty')]))
    expect(code).toBe('ENROLMENT_REFUSED')
    expect(message).toMatch(/none of 2 pictures can be used/)
    expect(message).toContain('No face was found')
    const { frames, templates } = await fw.enroll('ann', [photo('ann-poor'), photo('ann')], { dryRun: true })
    expect(frames.map(({ accepted }) => accepted)).toEqual([false, true])
    expect(frames[0].reasons.length).toBeGreaterThan(0)
    expect(templates).toEqual([])
    expect(await fw.store.count()).toBe(0)
    expect((await refused(fw.enroll('ann', []))).code).toBe('INVALID_ARGUMENT')
    expect((await refused(fw.enroll('ann', photo('ann'), { minQuality: 2 }))).code).toBe('INVALID_ARGUMENT')
  })

  test('remembers in a file, for the next process', async () => {
    const url = `file:${join(folder, 'faces.db')}`
    const first = await create({ store: url })
    await first.enroll('ann', photo('ann'))
    await first.dispose()
    expect(existsSync(join(folder, 'faces.db'))).toBe(true)
    const second = await create({ store: url })
    expect((await second.identify(photo('ann-2')))[0].match?.subject).toBe('ann')
  })
})

describe('identification', () => {
  test('by a threshold of one’s own, with a margin, among some', async () => {
    const fw = await create()
    await fw.enroll('ann', photo('ann'), { metadata: { door: 'north' } })
    await fw.enroll('bea', photo('bea'), { metadata: { door: 'south' } })
    const match = async (options: Parameters<Facewise['identify']>[1]) =>
      (await fw.identify(photo('ann-2'), options))[0].match
    expect((await match({ threshold: 1e-6 }))?.subject).toBeUndefined()
    const own = await match({ threshold: 0.5 })
    expect(own).toMatchObject({ subject: 'ann', threshold: 0.5 })
    expect(own).not.toHaveProperty('fpir')
    expect((await match({ margin: 0.02 }))?.subject).toBe('ann')
    // Nobody is that much nearer than the next.
    expect(await match({ threshold: 0.5, margin: 0.9 })).toBeNull()
    expect(await match({ where: { door: 'south' } })).toBeNull()
    expect((await match({ where: { door: 'north' } }))?.subject).toBe('ann')
    for (const options of [{ margin: -1 }, { threshold: Number.NaN }, { fpir: 2 }]) {
      expect((await refused(fw.identify(photo('ann'), options))).code).toBe('INVALID_ARGUMENT')
    }
  })
})
