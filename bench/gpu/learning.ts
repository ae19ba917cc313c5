import type { Engine } from '../../src/backends/index.ts'
import { head, randomFrom, type Samples, smallNetwork, train, vectorSamples } from '../../src/train/index.ts'
import { median } from '../timing.ts'
import type { Learned } from './results.ts'

const EPOCHS = 10

/** The benchmark of `bench/training.ts`, of one head. */
export async function learnHead(engine: Engine, dimension: number): Promise<Learned> {
  const random = randomFrom(dimension)
  const vectors = Array.from({ length: 1500 }, () => Float32Array.from({ length: dimension }, () => random() - 0.5))
  const people = vectors.map((_, i) => `person ${i % 250}`)
  return learn(vectors.length, onEpoch =>
    train({
      engine,
      network: head({ kind: 'linear', dimension }),
      samples: vectorSamples(vectors, people),
      optimiser: 'adam',
      epochs: EPOCHS,
      batch: { people: 48, pictures: 6 },
      onEpoch,
    }),
  )
}

/** Convolutions from scratch on people that are easy: each has a colour and a pattern, and each picture noise of its own. */
export async function learnNetwork(engine: Engine): Promise<Learned> {
  const side = 32
  const random = randomFrom(7)
  const people = Array.from({ length: 192 }, (_, i) => `person ${i % 32}`)
  const looks = Array.from({ length: 32 }, () => Array.from({ length: 6 }, random))
  const pictures = people.map((_, i) => {
    const look = looks[i % 32]
    return Float32Array.from({ length: side * side * 3 }, (_, k) => {
      const [x, y] = [Math.floor(k / 3) % side, Math.floor(k / 3 / side)]
      return look[k % 3] + Math.sin(x * look[3] + y * look[4] + look[5]) - 0.5 + 0.3 * (random() - 0.5)
    })
  })
  const samples: Samples = {
    shape: [side, side, 3],
    people,
    read(indices) {
      const rows = new Float32Array(indices.length * side * side * 3)
      indices.forEach((index, i) => {
        rows.set(pictures[index], i * side * side * 3)
      })
      return rows
    },
  }
  return learn(people.length, onEpoch =>
    train({
      engine,
      network: smallNetwork(),
      samples,
      optimiser: 'adam',
      epochs: EPOCHS,
      batch: { people: 16, pictures: 6 },
      onEpoch,
    }),
  )
}

async function learn(
  samples: number,
  run: (onEpoch: () => void) => Promise<{ log: readonly { loss: number }[] }>,
): Promise<Learned> {
  const times: number[] = []
  let last = performance.now()
  const { log } = await run(() => {
    times.push(performance.now() - last)
    last = performance.now()
  })
  // The first compiles.
  const epoch = median(times.slice(1))
  return {
    firstMs: times[0],
    epochsPerSecond: 1000 / epoch,
    perSecond: (samples * 1000) / epoch,
    losses: log.map(({ loss }) => loss),
  }
}
