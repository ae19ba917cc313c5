import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import sharp from 'sharp'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { decode } from '../../src/image/index.ts'
import { createFacewise, type Facewise, type FacewiseProgress } from '../../src/index.ts'
import { memoryStore } from '../../src/store/index.ts'
import { createFacewiseWorker, type FacewiseWorker, type FacewiseWorkerOptions } from '../../src/worker/index.ts'
import { samplePhoto } from '../data.ts'
import { refused, sourceWorker } from './threads.ts'

const backend = { prefer: 'wasm' } as const

let folder: string
let here: Facewise
let there: FacewiseWorker
const photo = (name: string): string => join(folder, `${name}.png`)

const open: FacewiseWorker[] = []
async function create(options: FacewiseWorkerOptions = {}): Promise<FacewiseWorker> {
  const fw = await createFacewiseWorker({ backend, worker: sourceWorker, ...options })
  open.push(fw)
  return fw
}
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'facewise-worker-'))
  for (const [name, left, top] of [
    ['ann', 300, 260],
    ['bea', 720, 320],
  ] as const) {
    const person = sharp(samplePhoto(1)).extract({ left, top, width: 400, height: 420 })
    await person.clone().png().toFile(photo(name))
    await person
      .clone()
      .resize(300)
      .modulate({ brightness: 0.85 })
      .toFile(photo(`${name}-2`))
  }
  here = await createFacewise({ backend })
  there = await createFacewiseWorker({ backend, worker: sourceWorker })
})
afterEach(async () => {
  for (const fw of open.splice(0)) await fw.dispose()
})
afterAll(async () => {
  await there?.dispose()
  await here?.dispose()
  rmSync(folder, { recursive: true, force: true })
})

describe('a worker thread', () => {
  test('gives what the same call gives without one', async () => {
    const picture = samplePhoto(1)
    expect(await there.detect(picture)).toEqual(await here.detect(picture))
    expect(await there.detect(picture, { maxFaces: 1 })).toHaveLength(1)
    const represented = await there.represent(picture)
    expect(represented).toEqual(await here.represent(picture))
    expect(represented[0].embedding.vector).toBeInstanceOf(Float32Array)
    expect(await there.describe(picture)).toEqual(await here.describe(picture))
    expect(await there.verify(photo('ann'), photo('ann-2'))).toEqual(await here.verify(photo('ann'), photo('ann-2')))
    expect((await there.reports()).map(({ chosen }) => chosen)).toEqual(['wasm'])
  })

  test('remembers in a store on this side', async () => {
    const store = await memoryStore()
    const fw = await create({ store })
    await fw.enroll('ann', [photo('ann')], { metadata: { door: 'north' } })
    expect(fw.store).toBe(store)
    expect(await store.count()).toBe(1)
    const [known] = await fw.identify(photo('ann-2'))
    expect(known.match).toMatchObject({ subject: 'ann', metadata: { door: 'north' } })
    expect((await fw.identify(photo('bea')))[0].match).toBeNull()
    expect((await refused(fw.enroll('eve', photo('ann-2')))).code).toBe('ENROLMENT_REFUSED')
    // Earlier templates are listed and deleted from the worker.
    const { templates } = await fw.enroll('ann', photo('ann-2'), { replace: true })
    expect(await store.count()).toBe(1)
    expect(await store.get(templates[0])).toMatchObject({ subject: 'ann' })
    expect(await fw.forget('ann')).toBe(1)
    await fw.dispose()
    // It was not opened there.
    expect(await store.count()).toBe(0)
    await store.close()
  })

  test('several share one store in memory', async () => {
    const fw = await create({ workers: 2 })
    await fw.warmup()
    await Promise.all([fw.enroll('ann', photo('ann')), fw.enroll('bea', photo('bea'))])
    const found = await Promise.all(
      [photo('ann-2'), photo('bea-2'), photo('bea-2'), photo('ann-2')].map(each => fw.identify(each)),
    )
    expect(found.map(([face]) => face.match?.subject)).toEqual(['ann', 'bea', 'bea', 'ann'])
  })

  test('takes every kind of picture, and leaves it as it was', async () => {
    const path = photo('ann')
    const bytes = new Uint8Array(readFileSync(path))
    const expected = await here.detect(path)
    const { data, width, height } = await decode(path)
    const shared = new Uint8Array(new SharedArrayBuffer(data.length))
    shared.set(data)
    const rgba = new Uint8ClampedArray(width * height * 4).fill(255)
    for (let i = 0; i < width * height; i++) for (let k = 0; k < 3; k++) rgba[i * 4 + k] = data[i * 3 + k]
    // Amid a larger buffer, as Node's small ones are.
    const around = new Uint8Array(bytes.length + 200)
    around.set(bytes, 100)
    const pictures = {
      path,
      url: pathToFileURL(path),
      bytes,
      buffer: readFileSync(path),
      part: around.subarray(100, 100 + bytes.length),
      arrayBuffer: bytes.slice().buffer,
      blob: new Blob([bytes]),
      rgb: { data, width, height },
      rgba: { data: rgba, width, height, channels: 4 },
      shared: { data: shared, width, height },
    }
    for (const [kind, picture] of Object.entries(pictures)) expect(await there.detect(picture), kind).toEqual(expected)
    expect([bytes.length, data.length, around.length]).toEqual([
      readFileSync(path).length,
      width * height * 3,
      bytes.length + 200,
    ])
    expect(pictures.arrayBuffer.byteLength).toBe(bytes.length)
    const { code } = await refused(there.detect(new Date() as never))
    expect(code).toBe('IMAGE_UNSUPPORTED')
  })

  test('gives bytes away where it is told to', async () => {
    const bytes = new Uint8Array(readFileSync(photo('ann')))
    expect(await there.detect(bytes, { transfer: true })).toHaveLength(1)
    expect(bytes.length).toBe(0)
    const twice = new Uint8Array(readFileSync(photo('ann')))
    expect((await there.verify(twice, twice, { transfer: true })).same).toBe(true)
    expect(twice.length).toBe(0)
    expect((await refused(there.detect(twice, { transfer: true }))).code).toBe('IMAGE_UNREADABLE')
    // Others have views of the rest of this buffer.
    const around = new Uint8Array(readFileSync(photo('ann')).length + 1)
    const part = around.subarray(1)
    part.set(readFileSync(photo('ann')))
    expect(await there.detect(part, { transfer: true })).toHaveLength(1)
    expect(around.length).toBeGreaterThan(0)
  })

  test('errors keep their code, their words and their cause', async () => {
    const missing = join(folder, 'none.jpg')
    const local = await refused(here.detect(missing))
    const remote = await refused(there.detect(missing))
    expect(remote.code).toBe('IMAGE_NOT_FOUND')
    expect(remote.message).toBe(local.message)
    expect(remote.cause).toMatchObject({ code: 'ENOENT', message: (local.cause as Error).message })
    expect((await refused(there.detect(new Uint8Array(3)))).code).toBe('IMAGE_UNREADABLE')
    expect((await refused(there.detect(samplePhoto(1), { maxPixels: 100 }))).code).toBe('IMAGE_TOO_LARGE')
    expect((await refused(there.verify(photo('ann'), samplePhoto(1), { face: 'only' }))).code).toBe('FACE_AMBIGUOUS')
    expect((await refused(there.describe(photo('ann'), { attributes: ['mood' as never] }))).code).toBe(
      'INVALID_ARGUMENT',
    )
    const lost = await create({ models: join(folder, 'no-models') })
    expect((await refused(lost.detect(photo('ann')))).code).toBe('MODEL_NOT_FOUND')
    const store = await memoryStore()
    await store.upsert([{ id: 'a', subject: 'a', vector: Float32Array.of(1, 2), model: 'another' }])
    const other = await create({ store })
    expect((await refused(other.enroll('ann', photo('ann')))).code).toBe('STORE_MISMATCH')
  })

  test('tells how far loading is', async () => {
    const progress: FacewiseProgress[] = []
    const fw = await create({ onProgress: step => progress.push(step) })
    expect(progress).toEqual([])
    await fw.warmup()
    expect(new Set(progress.map(({ model }) => model))).toEqual(
      new Set(['mtcnn', 'dlib-resnet-128', 'emotion-mini-xception', 'age-gender-tiny-xception']),
    )
    expect(progress.at(-1)!.loadedBytes).toBe(progress.at(-1)!.totalBytes)
  })

  test('says which option cannot be sent', async () => {
    const mtcnn = { detect: async () => [], dispose: () => {} }
    const wrong: [string, object][] = [
      ['`detector.onStage`', { detector: { onStage: () => {} } }],
      ['`detector.detect`', { detector: mtcnn }],
      ['`embedder`', { embedder: new (class Mine {})() }],
      ['`models.mtcnn.source.read`', { models: { mtcnn: { source: { read: async () => new Uint8Array() } } } }],
      ['`workers`', { workers: 0 }],
      ['`startTimeoutMs`', { startTimeoutMs: -1 }],
      ['"mood"', { attributes: ['mood'] }],
    ]
    for (const [name, options] of wrong) {
      const { code, message } = await refused(create(options as FacewiseWorkerOptions))
      expect([code, message]).toEqual(['INVALID_ARGUMENT', expect.stringContaining(name)])
    }
    const { code, message } = await refused(there.detect(photo('ann'), { roi: () => {} } as never))
    expect([code, message]).toEqual(['INVALID_ARGUMENT', expect.stringContaining('`roi`')])
  })
})
