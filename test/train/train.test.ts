import { beforeAll, describe, expect, it } from 'vitest'
import type { Engine } from '../../src/backends/index.ts'
import {
  type Checkpoint,
  cosFaceLoss,
  cosineDecay,
  decodeCheckpoint,
  encodeCheckpoint,
  HEADS,
  head,
  heldOutScore,
  isFacewiseError,
  OPTIMISERS,
  SELECTIONS,
  type Selection,
  smallNetwork,
  type TrainOptions,
  train,
  tripletLoss,
  vectorSamples,
} from '../../src/train/index.ts'
import { toyPeople, wasm } from './backend.ts'

let engine: Engine
beforeAll(async () => {
  engine = await wasm()
})

const DIMENSION = 8
const samples = toyPeople(24, 6, 1)
const heldOut = toyPeople(16, 4, 2)

/** A short run of a linear head on the toy people. */
const settings = (over: Partial<TrainOptions> = {}): TrainOptions => ({
  engine,
  network: head({ dimension: DIMENSION, anchor: 0 }),
  samples,
  heldOut,
  epochs: 40,
  learningRate: 0.3,
  batch: { people: 12, pictures: 4 },
  ...over,
})

describe('learning', () => {
  it.each(SELECTIONS.filter(selection => selection !== 'hardest'))(
    'by the selection %s tells strangers apart that it did not before',
    async selection => {
      const { startScore, bestScore, log } = await train(settings({ loss: tripletLoss({ selection }) }))
      expect(startScore).toBeLessThan(0.8)
      expect(bestScore).toBeGreaterThan(0.95)
      expect(log.length).toBe(40)
      expect(log[39].loss).toBeLessThan(log[0].loss)
    },
  )

  it.each(HEADS.flatMap(kind => OPTIMISERS.map(optimiser => [kind, optimiser] as const)))(
    'works with a head %s and %s',
    async (kind, optimiser) => {
      const network = head({ kind, dimension: DIMENSION, anchor: 0 })
      const learningRate = optimiser === 'adam' ? 0.03 : 0.3
      const { bestScore } = await train(settings({ network, optimiser, learningRate, schedule: cosineDecay }))
      expect(bestScore).toBeGreaterThan(0.95)
    },
  )

  it('works with CosFace, whose centres learn along', async () => {
    const { bestScore } = await train(
      settings({ loss: cosFaceLoss({ scale: 10 }), optimiser: 'adam', learningRate: 0.03 }),
    )
    expect(bestScore).toBeGreaterThan(0.95)
  })

  it('begins at the identity, and keeps the start where nothing is better', async () => {
    const easy = vectorSamples(
      [
        [1, 0],
        [0.99, 0.1],
        [0, 1],
        [0.1, 0.99],
      ],
      ['a', 'a', 'b', 'b'],
    )
    const result = await train({
      engine,
      network: head({ dimension: 2 }),
      samples: easy,
      heldOut: easy,
      epochs: 3,
      batch: { people: 2 },
    })
    expect(result.startScore).toBe(1)
    expect(result.bestEpoch).toBe(0)
    expect(result.weights.map(({ values }) => Array.from(values))).toEqual([
      [1, 0, 0, 1],
      [0, 0],
    ])
  })

  it('stops early where held-out people gain nothing more', async () => {
    const { stopped, log, bestEpoch } = await train(settings({ epochs: 200, patience: 5 }))
    expect(stopped).toBe('patience')
    expect(log.length).toBe(bestEpoch + 5)
  })

  it('holds weights the nearer to the start the stronger the anchor is', async () => {
    const distance = async (anchor: number): Promise<number> => {
      const { weights } = await train(settings({ network: head({ dimension: DIMENSION, anchor }), heldOut: undefined }))
      return Math.hypot(...weights[0].values.map((value, i) => value - (i % (DIMENSION + 1) === 0 ? 1 : 0)))
    }
    const [free, held] = [await distance(0), await distance(1)]
    expect(held).toBeLessThan(0.8 * free)
    expect(held).toBeGreaterThan(0)
  })
})

describe('a run', () => {
  it('is the same for the same seed, and another for another', async () => {
    const of = async (seed: number): Promise<number[]> =>
      (await train(settings({ epochs: 5, seed, heldOut: undefined }))).weights.flatMap(({ values }) =>
        Array.from(values),
      )
    const first = await of(7)
    expect(await of(7)).toEqual(first)
    expect(await of(8)).not.toEqual(first)
  })

  it.each(OPTIMISERS)('that is resumed ends as if it had not been stopped (%s)', async optimiser => {
    const options = settings({ epochs: 8, optimiser, loss: cosFaceLoss(), schedule: cosineDecay })
    const whole = await train(options)
    let kept: Uint8Array | undefined
    const stopping = new AbortController()
    const stopped = train({
      ...options,
      signal: stopping.signal,
      async onEpoch({ epoch }, checkpoint) {
        if (epoch !== 3) return
        kept = encodeCheckpoint(await checkpoint())
        stopping.abort()
      },
    })
    await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' })
    const resumed = await train({ ...options, resume: decodeCheckpoint(kept!) })
    expect(resumed.weights).toEqual(whole.weights)
    expect(resumed.log).toEqual(whole.log)
    expect(resumed.bestEpoch).toBe(whole.bestEpoch)
  })

  it('does not go on from another run, or from rubbish', async () => {
    const kept: Checkpoint[] = []
    await train(settings({ epochs: 1, onEpoch: async (_, checkpoint) => void kept.push(await checkpoint()) }))
    await expect(train(settings({ seed: 2, resume: kept[0] }))).rejects.toThrow(/another run/)
    expect(() => decodeCheckpoint(new TextEncoder().encode('{}'))).toThrow(/no checkpoint/)
  })

  it('leaves nothing in memory, after 100 epochs as after one, and after an error', async () => {
    const { tf } = engine
    const before = tf.memory().numTensors
    const within: number[] = []
    const onEpoch = (): void => void within.push(tf.memory().numTensors)
    await train(settings({ epochs: 100, onEpoch }))
    expect(new Set(within.slice(1)).size).toBe(1)
    expect(tf.memory().numTensors).toBe(before)
    await expect(
      train(
        settings({
          onEpoch() {
            throw new Error('the disk is full')
          },
        }),
      ),
    ).rejects.toThrow('the disk is full')
    expect(tf.memory().numTensors).toBe(before)
  })
})

describe('collapse', () => {
  /** Vectors that say next to nothing of whose they are: no loss is small, but all faces in one point cost the margin alone. */
  const crowd = toyPeople(16, 4, 5, DIMENSION, 50)
  const run = (selection: Selection): Promise<unknown> =>
    train({
      engine,
      network: head({ dimension: DIMENSION, anchor: 0 }),
      samples: crowd,
      loss: tripletLoss({ selection }),
      optimiser: 'sgd',
      learningRate: 0.5,
      epochs: 60,
      batch: { people: 16, pictures: 4 },
    }).catch((reason: unknown) => reason)

  it.each([
    ['hardest', /collapsed in epoch \d+: faces lie .* apart .*semi-hard/],
    ['batch-hard', /collapsed in epoch \d+: faces lie .* apart .*semi-hard/],
    ['all', /collapsed in epoch \d+: all faces lie on one line/],
  ] as const)('by the selection %s is noticed, and said', async (selection, words) => {
    const error = await run(selection)
    expect(isFacewiseError(error) && error.code).toBe('NETWORK_FAILED')
    expect(String(error)).toMatch(words)
  })

  it('does not come by semi-hard triplets, as the paper says', async () => {
    expect(await run('semi-hard')).toMatchObject({ stopped: 'epochs' })
  })

  it('to what is no number is noticed too', async () => {
    await expect(train(settings({ optimiser: 'sgd', learningRate: 1e38 }))).rejects.toMatchObject({
      code: 'NETWORK_FAILED',
    })
  })
})

it('refuses what it cannot learn from', async () => {
  const alone = vectorSamples([new Float32Array(DIMENSION).fill(1)], ['a'])
  await expect(train(settings({ samples: alone }))).rejects.toThrow(/two or more/)
  await expect(train(settings({ epochs: 0 }))).rejects.toThrow(/whole numbers over 0/)
  await expect(train(settings({ network: head({ dimension: 4 }) }))).rejects.toThrow(/embeddings of 4 numbers/)
  const pictures = { people: ['a', 'b'], shape: [8, 8, 3], read: () => new Float32Array(0) }
  await expect(train({ engine, network: smallNetwork(), samples: pictures })).rejects.toMatchObject({
    code: 'BACKEND_UNAVAILABLE',
  })
})

it('scores strangers by the share of triplets in the right order', () => {
  const matrix = { data: Float32Array.of(1, 0, 0.8, 0.6, 0, 1), count: 3, dimension: 2 }
  // Anchor 0: positive 1 at 0.4, negative 2 at 2. Anchor 1: positive 0 at 0.4, negative 2 at 0.8.
  expect(heldOutScore(matrix, ['a', 'a', 'b'])).toBe(1)
  expect(heldOutScore(matrix, ['a', 'b', 'a'])).toBe(0)
  expect(heldOutScore({ ...matrix, data: new Float32Array(6).fill(Math.SQRT1_2) }, ['a', 'a', 'b'])).toBe(0.5)
  expect(heldOutScore(matrix, ['a', 'b', 'c'])).toBe(0.5)
})
