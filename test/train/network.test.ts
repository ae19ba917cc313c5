import { expect, it } from 'vitest'
import { cosineDecay, type Samples, smallNetwork, train } from '../../src/train/index.ts'
import { random } from '../random.ts'
import { cpu } from './backend.ts'

const SIDE = 12

/** "People" are where a bright spot is; the rest of the picture is noise. */
function spots(people: number, pictures: number, seed: number): Samples {
  const { float, integer } = random(seed)
  const names: string[] = []
  const all: Float32Array[] = []
  for (let person = 0; person < people; person++) {
    const [row, column] = [integer(1, SIDE - 4), integer(1, SIDE - 4)]
    const colour = [float(), float(), float()]
    for (let picture = 0; picture < pictures; picture++) {
      const pixels = Float32Array.from({ length: SIDE * SIDE * 3 }, () => float(-0.4, 0.4))
      for (let y = row; y < row + 3; y++) {
        for (let x = column; x < column + 3; x++) pixels.set(colour, (y * SIDE + x) * 3)
      }
      names.push(`spot-${seed}-${person}`)
      all.push(pixels)
    }
  }
  return {
    people: names,
    shape: [SIDE, SIDE, 3],
    read(indices) {
      const out = new Float32Array(indices.length * SIDE * SIDE * 3)
      indices.forEach((index, i) => {
        out.set(all[index], i * SIDE * SIDE * 3)
      })
      return out
    },
  }
}

it('learns from scratch by the same loop, where the backend has the gradients of convolutions', async () => {
  const { startScore, bestScore } = await train({
    engine: await cpu(),
    network: smallNetwork({ dimension: 16, channels: [6, 8] }),
    samples: spots(20, 4, 1),
    heldOut: spots(12, 3, 2),
    optimiser: 'adam',
    learningRate: 0.005,
    schedule: cosineDecay,
    epochs: 15,
    batch: { people: 10, pictures: 4 },
  })
  expect(bestScore).toBeGreaterThan(0.85)
  expect(bestScore).toBeGreaterThan(startScore! + 0.1)
})
