import { describe, expect, it } from 'vitest'
import { type BackendName, type Engine, startBackend } from '../../src/backends/index.ts'
import { isFacewiseError } from '../../src/errors.ts'
import {
  embedSamples,
  head,
  randomFrom,
  type Samples,
  smallNetwork,
  train,
  vectorSamples,
} from '../../src/train/index.ts'

const random = randomFrom(3)
const people = Array.from({ length: 24 }, (_, i) => `person ${i % 6}`)
const vectors = vectorSamples(
  people.map((_, i) => Array.from({ length: 8 }, (_, k) => Math.sin((i % 6) * 7 + k * 3) + 2 * (random() - 0.5))),
  people,
)

async function start(prefer: BackendName, skip: (note: string) => void): Promise<Engine> {
  try {
    return await startBackend({ prefer, threads: false, timeoutMs: 60_000 })
  } catch (error) {
    if (prefer === 'webgpu' && isFacewiseError(error) && error.code === 'BACKEND_UNAVAILABLE') skip(error.message)
    throw error
  }
}

/** The loss of each epoch, and what the head makes of the samples then. */
async function learned(engine: Engine): Promise<{ losses: number[]; embedded: number[] }> {
  const network = head({ dimension: 8 })
  const { log, weights } = await train({ engine, network, samples: vectors, learningRate: 0.01, epochs: 3 })
  const { data } = await embedSamples(engine, network, weights, vectors)
  return { losses: log.map(({ loss }) => loss), embedded: [...data] }
}

// A backend that is read at once may give zeros, as WebGPU did.
describe.each(['webgpu', 'webgl'] as const)('%s', prefer => {
  it('learns what WebAssembly learns', async ({ skip }) => {
    const mine = await learned(await start(prefer, skip))
    const expected = await learned(await start('wasm', skip))
    expect(mine.losses.every(loss => loss > 0)).toBe(true)
    mine.losses.forEach((loss, i) => {
      expect(loss).toBeCloseTo(expected.losses[i], 4)
    })
    mine.embedded.forEach((value, i) => {
      expect(value).toBeCloseTo(expected.embedded[i], 4)
    })
  })

  it('learns convolutions, and leaves no tensor behind', async ({ skip }) => {
    const engine = await start(prefer, skip)
    const side = 8
    const samples: Samples = {
      people: people.slice(0, 12),
      shape: [side, side, 3],
      read: indices =>
        Float32Array.from({ length: indices.length * side * side * 3 }, (_, k) => {
          const person = indices[Math.floor(k / (side * side * 3))] % 6
          return Math.sin(person * 5 + k * (1 + person)) / 2
        }),
    }
    const network = smallNetwork({ dimension: 8, channels: [4] })
    const once = () => train({ engine, network, samples, learningRate: 0.01, epochs: 2 })
    const { log } = await once()
    const before = engine.tf.memory().numTensors
    await once()
    expect(engine.tf.memory().numTensors).toBe(before)
    expect(log.every(({ loss }) => Number.isFinite(loss))).toBe(true)
  })
})
