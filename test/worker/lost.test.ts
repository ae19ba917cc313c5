import { Worker } from 'node:worker_threads'
import sharp from 'sharp'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { memoryStore } from '../../src/store/index.ts'
import { createFacewiseWorker, type FacewiseWorker, type FacewiseWorkerOptions } from '../../src/worker/index.ts'
import { samplePhoto } from '../data.ts'
import { into, refused, sourceWorker } from './threads.ts'

const backend = { prefer: 'wasm' } as const

/** A picture of one face. */
let face: Uint8Array
let fw: FacewiseWorker

const open: FacewiseWorker[] = []
async function create(options: FacewiseWorkerOptions = {}): Promise<FacewiseWorker> {
  const created = await createFacewiseWorker({ backend, worker: sourceWorker, ...options })
  open.push(created)
  return created
}

beforeAll(async () => {
  const area = { left: 300, top: 260, width: 400, height: 420 }
  face = new Uint8Array(await sharp(samplePhoto(1)).extract(area).png().toBuffer())
  fw = await createFacewiseWorker({ backend, worker: sourceWorker })
})
afterEach(async () => {
  for (const each of open.splice(0)) await each.dispose()
})
afterAll(() => fw?.dispose())

describe('a call that is stopped', () => {
  test('rejects at once, and later calls work', async () => {
    expect((await refused(fw.detect(face, { signal: AbortSignal.abort() }))).code).toBe('ABORTED')
    const controller = new AbortController()
    const call = refused(fw.detect(samplePhoto(1), { minFaceSize: 12, signal: controller.signal } as never))
    await new Promise(resolve => setTimeout(resolve, 20))
    controller.abort(new Error('enough'))
    expect(await call).toMatchObject({ code: 'ABORTED', cause: { message: 'enough' } })
    expect(await fw.detect(face)).toHaveLength(1)
  })

  test('is stopped in the worker too', async () => {
    const store = await memoryStore()
    const fw = await create({ store })
    await fw.warmup()
    const controller = new AbortController()
    const call = refused(fw.enroll('ann', Array(6).fill(samplePhoto(1)), { signal: controller.signal }))
    await new Promise(resolve => setTimeout(resolve, 20))
    controller.abort()
    expect((await call).code).toBe('ABORTED')
    // One call at a time goes through this worker's networks; had the first gone on, it would have stored or refused by then.
    expect(await fw.detect(face)).toHaveLength(1)
    expect(await store.count()).toBe(0)
    await store.close()
  })

  test('leaves those that wait behind it', async () => {
    const controller = new AbortController()
    const { signal } = controller
    const calls = Array.from({ length: 8 }, (_, i) => (i % 2 ? fw.detect(face) : refused(fw.detect(face, { signal }))))
    controller.abort()
    const settled = await Promise.all(calls)
    for (const [i, value] of settled.entries()) {
      if (i % 2) expect(value).toHaveLength(1)
      else expect(value).toMatchObject({ code: 'ABORTED' })
    }
  })
})

describe('a worker that is lost', () => {
  test('in mid-call rejects its calls; the next call gets another', async () => {
    const threads: Worker[] = []
    const own = await create({ worker: into(threads) })
    await own.detect(face)
    const calls = [own.detect(samplePhoto(1)), own.describe(samplePhoto(2)), own.detect(face)].map(call =>
      call.then(
        () => 'done',
        error => error.code as string,
      ),
    )
    await new Promise(resolve => setTimeout(resolve, 10))
    await threads[0].terminate()
    // The third had not been sent: it goes to the worker that took the place.
    expect(await Promise.all(calls)).toEqual(['WORKER_LOST', 'WORKER_LOST', 'done'])
    // And one that is lost while it is idle is replaced.
    await threads[1].terminate()
    expect(await own.detect(face)).toHaveLength(1)
    expect(threads).toHaveLength(3)
  })

  test('by an error of its own says which', async () => {
    const source = JSON.stringify(new URL('./source-worker.mjs', import.meta.url).href)
    const script = `
      import(${source}).then(() => require('node:worker_threads').parentPort.on('message', ({ type }) => {
        if (type === 'call') setTimeout(() => { throw new RangeError('boom') })
      }))`
    const fw = await create({ worker: () => new Worker(script, { eval: true }) })
    const { code, message, cause } = await refused(fw.detect(face))
    expect([code, message]).toEqual(['WORKER_LOST', expect.stringContaining('boom')])
    expect(cause).toBeInstanceOf(RangeError)
  })

  test('before it answers says why, and nothing waits for ever', async () => {
    const failing: [string, () => Worker][] = [
      ['boom', () => new Worker('throw new Error("boom")', { eval: true })],
      ['code 3', () => new Worker('process.exit(3)', { eval: true })],
      [
        'no worker',
        () => {
          throw new Error('no worker')
        },
      ],
      ['within 300 ms', () => new Worker('setInterval(() => {}, 1e6)', { eval: true })],
    ]
    for (const [why, worker] of failing) {
      const { code, message } = await refused(create({ worker, startTimeoutMs: why.includes('300') ? 300 : 60_000 }))
      expect([code, message]).toEqual(['WORKER_LOST', expect.stringContaining(why)])
    }
  })

  test('as one of several leaves the others at work', async () => {
    let count = 0
    const fw = await create({
      workers: 3,
      worker: () => (count++ === 0 ? sourceWorker() : new Worker('throw new Error("boom")', { eval: true })),
    })
    const codes = await Promise.all(
      Array.from({ length: 8 }, () =>
        fw.detect(face).then(
          faces => faces.length,
          error => error.code,
        ),
      ),
    )
    // What kept one from starting is not tried again for every call.
    expect(codes).toEqual(Array(8).fill(1))
    expect(count).toBe(3)
    expect(await fw.reports()).toHaveLength(1)
  })
})

describe('dispose', () => {
  test('ends the threads and rejects what is under way; a second time does nothing', async () => {
    const own: Worker[] = []
    const fw = await create({ workers: 2, worker: into(own) })
    const ended = own.map(thread => new Promise(resolve => thread.on('exit', resolve)))
    const calls = Array.from({ length: 6 }, () => refused(fw.detect(samplePhoto(1))))
    await new Promise(resolve => setTimeout(resolve, 10))
    await fw.dispose()
    await fw.dispose()
    for (const { code } of await Promise.all(calls)) expect(code).toBe('DISPOSED')
    await Promise.all(ended)
    for (const call of [fw.detect(face), fw.enroll('x', face), fw.forget('x'), fw.warmup(), fw.reports()]) {
      expect((await refused(call)).code).toBe('DISPOSED')
    }
    expect((await refused(fw.store.count())).code).toBe('DISPOSED')
  })
})
