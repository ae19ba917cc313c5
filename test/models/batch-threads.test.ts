import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { createAgeGenderClassifier } from '../../src/attributes/index.ts'
import { type Engine, startBackend } from '../../src/backends/index.ts'
import { createMtcnn } from '../../src/detect/index.ts'
import { createEmbedder } from '../../src/embed/index.ts'
import { decode, type Picture } from '../../src/image/index.ts'
import { shareOut } from '../../src/models/spread.ts'
import { samplePhoto } from '../data.ts'
import { random as seeded } from '../random.ts'
import { sourceThread } from './threads.ts'

/** Threads that were started, by the test that looks at them. */
function threadsInto(started: Worker[]): () => Worker {
  return () => {
    const thread = sourceThread()
    started.push(thread)
    return thread
  }
}

const ended = (thread: Worker): Promise<unknown> => new Promise(resolve => thread.once('exit', resolve))

async function facesOf(photo: Picture, backend: Engine) {
  const mtcnn = await createMtcnn({ backend })
  const faces = await mtcnn.detect(photo)
  mtcnn.dispose()
  expect(faces.length).toBeGreaterThanOrEqual(4)
  return faces
}

describe('batches over threads', () => {
  it('give the same to the bit, of every network and mirrored too, and end with the last network', async () => {
    const alone = await startBackend({ prefer: 'wasm' })
    const photo = await decode(samplePhoto(6))
    const faces = await facesOf(photo, alone)
    const started: Worker[] = []
    const engine = await startBackend({ prefer: 'wasm', threads: 3, thread: threadsInto(started) })
    expect(engine.report.threads).toBe(3)
    expect(alone.report.threads).toBe(1)

    for (const mirror of [false, true]) {
      const [spread, single] = await Promise.all(
        [engine, alone].map(backend => createEmbedder(undefined, { backend, mirror })),
      )
      for (const some of [faces, faces.slice(0, 1), []]) {
        expect(await spread.embed(photo, some)).toEqual(await single.embed(photo, some))
      }
      single.dispose()
      if (mirror) {
        const ends = started.slice(-2).map(ended)
        spread.dispose()
        expect(await Promise.all(ends)).toHaveLength(2)
      } else {
        // While another network has them, threads stay.
        const [classifier, own] = await Promise.all(
          [engine, alone].map(backend => createAgeGenderClassifier(undefined, { backend })),
        )
        spread.dispose()
        expect(await classifier.classify(photo, faces)).toEqual(await own.classify(photo, faces))
        classifier.dispose()
        own.dispose()
      }
    }
    expect(started).toHaveLength(4)
  })

  it('go on without a thread that is lost, in the middle of a batch and afterwards', async () => {
    const photo = await decode(samplePhoto(6))
    const alone = await startBackend({ prefer: 'wasm' })
    const faces = await facesOf(photo, alone)
    const started: Worker[] = []
    const engine = await startBackend({ prefer: 'wasm', threads: 2, thread: threadsInto(started) })
    const [spread, single] = await Promise.all([engine, alone].map(backend => createEmbedder(undefined, { backend })))
    const expected = await single.embed(photo, faces)
    const underWay = spread.embed(photo, faces)
    void started[0].terminate()
    expect(await underWay).toEqual(expected)
    expect(await spread.embed(photo, faces)).toEqual(expected)
    spread.dispose()
    single.dispose()
  })

  it('say so where a thread does not start, and leave nothing behind', async () => {
    const thread = (): Worker => new Worker('throw new Error("no such file")', { eval: true })
    const engine = await startBackend({ prefer: 'wasm', threads: 2, thread })
    const before = engine.tf.memory().numTensors
    for (let i = 0; i < 2; i++) {
      await expect(createEmbedder(undefined, { backend: engine })).rejects.toMatchObject({
        code: 'WORKER_LOST',
        message: expect.stringContaining('no such file'),
      })
    }
    expect(engine.tf.memory().numTensors).toBe(before)
  })

  it.each([0, -1, 1.5, 65, Number.NaN])('refuse %s threads', async threads => {
    await expect(startBackend({ prefer: 'wasm', threads })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })
})

describe('shareOut', () => {
  it('gives every row to one part, in order, evenly', () => {
    const { integer } = seeded(7)
    for (let round = 0; round < 500; round++) {
      const rows = Array.from({ length: integer(0, 3) }, () => integer(0, 8))
      const parts = integer(1, 5)
      const shares = shareOut(rows, parts)
      const total = rows.reduce((sum, count) => sum + count, 0)
      expect(shares).toHaveLength(Math.max(1, Math.min(parts, total)))
      const listed = shares.flatMap(slices =>
        slices.flatMap(({ input, from, to }) => Array.from({ length: to - from }, (_, i) => `${input}/${from + i}`)),
      )
      expect(listed).toEqual(rows.flatMap((count, input) => Array.from({ length: count }, (_, i) => `${input}/${i}`)))
      const sizes = shares.map(slices => slices.reduce((sum, { from, to }) => sum + to - from, 0))
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
    }
  })
})
