import { beforeAll, describe, expect, it } from 'vitest'
import type { Engine } from '../../src/backends/index.ts'
import { withGradients } from '../../src/train/gradients.ts'
import { constantRate, cosineDecay, OPTIMISERS, type OptimiserName, stepDecay } from '../../src/train/index.ts'
import { createOptimiser } from '../../src/train/optimisers.ts'
import { cpu } from './backend.ts'

let engine: Engine
beforeAll(async () => {
  engine = await cpu()
  await withGradients(engine)
})

const CURVES = [1, 10, 0.5]
const START = [3, -2, 0.7]

/** Steps over the quadratic sum c x^2 / 2, whose gradient is c x. */
async function descend(name: OptimiserName, steps: number, cut?: number): Promise<number[]> {
  const { tf } = engine
  const before = tf.memory().numTensors
  const x = tf.tidy(() => tf.variable(tf.tensor1d(START)))
  let optimiser = createOptimiser(tf, name)
  for (let i = 0; i < steps; i++) {
    if (i === cut) {
      const state = await optimiser.state()
      optimiser.dispose()
      optimiser = createOptimiser(tf, name)
      await optimiser.restore(state)
    }
    tf.tidy(() => {
      const { grads } = tf.variableGrads(
        () => tf.sum(tf.mul(tf.square(x), tf.tensor1d(CURVES.map(c => c / 2)))).asScalar(),
        [x],
      )
      optimiser.apply(grads, 0.05)
    })
  }
  const result = Array.from(x.dataSync())
  x.dispose()
  optimiser.dispose()
  expect(tf.memory().numTensors).toBe(before)
  return result
}

it('AdaGrad moves as published: x - rate * g / sqrt(sum of g^2)', async () => {
  const x = [...START]
  // TensorFlow's form (and so FaceNet's): the sum begins at 0.1.
  const sums = CURVES.map(() => 0.1)
  for (let i = 0; i < 25; i++) {
    CURVES.forEach((curve, k) => {
      const gradient = curve * x[k]
      sums[k] += gradient ** 2
      x[k] -= (0.05 * gradient) / Math.sqrt(sums[k])
    })
  }
  const found = await descend('adagrad', 25)
  found.forEach((value, k) => {
    expect(value).toBeCloseTo(x[k], 4)
  })
})

it('SGD has a momentum of 0.9', async () => {
  const x = [...START]
  const velocity = CURVES.map(() => 0)
  for (let i = 0; i < 25; i++) {
    CURVES.forEach((curve, k) => {
      velocity[k] = 0.9 * velocity[k] + curve * x[k]
      x[k] -= 0.05 * velocity[k]
    })
  }
  const found = await descend('sgd', 25)
  found.forEach((value, k) => {
    expect(value).toBeCloseTo(x[k], 4)
  })
})

describe.each(OPTIMISERS)('%s', name => {
  it('goes on from its state to the last bit', async () => {
    expect(await descend(name, 30, 13)).toEqual(await descend(name, 30))
  })
})

it('is refused where there is none of that name', () => {
  expect(() => createOptimiser(engine.tf, 'lion' as OptimiserName)).toThrow(/choose among adagrad, sgd, adam/)
})

it('has schedules that are what they say', () => {
  expect([0, 5, 9].map(epoch => constantRate(epoch, 10))).toEqual([1, 1, 1])
  expect(cosineDecay(0, 10)).toBe(1)
  expect(cosineDecay(5, 10)).toBeCloseTo(0.5, 12)
  expect(cosineDecay(10, 10)).toBeCloseTo(0, 12)
  expect([0, 2, 3, 6].map(epoch => stepDecay(3, 0.5)(epoch, 10))).toEqual([1, 1, 0.5, 0.25])
})
