import type { Tensor2D } from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Engine } from '../../src/backends/index.ts'
import { distanceBlock, packVectors } from '../../src/metrics.ts'
import { withGradients } from '../../src/train/gradients.ts'
import { cosFaceLoss, type Loss, SELECTIONS, tripletLoss } from '../../src/train/index.ts'
import { unitRows } from '../../src/train/trainable.ts'
import { random } from '../random.ts'
import { unit, wasm } from './backend.ts'

let engine: Engine
beforeAll(async () => {
  engine = await wasm()
  await withGradients(engine)
})

const DIMENSION = 6
const LABELS = [0, 0, 0, 1, 1, 2, 2, 3]

function rowsFrom(seed: number): number[][] {
  const { float } = random(seed)
  return LABELS.map(() => Array.from({ length: DIMENSION }, () => float(-1, 1)))
}

/** Value and gradient by the raw rows, which are brought to length one first. */
async function judged(
  loss: Loss,
  raw: readonly number[][],
): Promise<{ value: number; gradient: Float32Array; constant: number }> {
  const { tf } = engine
  const running = loss.start(tf, { people: 4, dimension: DIMENSION, seed: 3 })
  const before = tf.memory().numTensors
  const x = tf.tensor2d(raw.flat(), [raw.length, DIMENSION])
  const embeddings = tf.tidy(() => unitRows(tf, x))
  const matrix = packVectors(raw.map(unit))
  const squared = distanceBlock(matrix, matrix, 'squared-euclidean')
  const judgement = await running.judge({
    embeddings,
    distances: { squared, count: raw.length },
    labels: Int32Array.from(LABELS),
  })
  const result = tf.tidy(() => {
    const { value, grad } = tf.valueAndGrad(rows => judgement.gradientOf(unitRows(tf, rows as Tensor2D)))(x)
    return {
      value: judgement.value,
      gradient: Float32Array.from(grad.dataSync()),
      constant: judgement.value - value.dataSync()[0],
    }
  })
  tf.dispose([x, embeddings])
  expect(tf.memory().numTensors).toBe(before)
  running.dispose()
  return result
}

describe('the triplet loss', () => {
  it('is the hinge of the paper, worked out by hand', async () => {
    // Two people at 0 and 90 degrees, the first with a second picture at 60: d_ap = 1, d_an = 2 and 2 - sqrt(3).
    const rows = [unit([1, 0]), unit([1, Math.sqrt(3)]), unit([0, 1])]
    const matrix = packVectors(rows)
    const squared = distanceBlock(matrix, matrix, 'squared-euclidean')
    const running = tripletLoss({ selection: 'all' }).start(engine.tf, { people: 2, dimension: 2, seed: 1 })
    const embeddings = engine.tf.tensor2d(rows)
    const judgement = await running.judge({
      embeddings,
      distances: { squared, count: 3 },
      labels: Int32Array.of(0, 0, 1),
    })
    embeddings.dispose()
    expect(judgement).toMatchObject({ terms: 2, active: 1 })
    expect(judgement.value).toBeCloseTo((0 + (1 - (2 - Math.sqrt(3)) + 0.2)) / 2, 6)
  })
})

describe.each<[string, Loss]>([
  ...SELECTIONS.map(selection => [`triplet/${selection}`, tripletLoss({ selection })] as [string, Loss]),
  ['cosface', cosFaceLoss({ margin: 0.2, scale: 8 })],
])('the gradient of %s', (_, loss) => {
  it('agrees with finite differences', async () => {
    let checked = 0
    for (let seed = 1; seed <= 4; seed++) {
      const raw = rowsFrom(seed)
      const { gradient } = await judged(loss, raw)
      const step = 1e-3
      for (let k = 0; k < raw.flat().length; k++) {
        const moved = async (by: number): Promise<number> => {
          const copy = raw.map(row => [...row])
          copy[Math.floor(k / DIMENSION)][k % DIMENSION] += by
          return (await judged(loss, copy)).value
        }
        const [up, down, here] = [await moved(step), await moved(-step), await moved(0)]
        // A selection that changes within the step makes a kink, where there is no derivative to compare with.
        if (Math.abs(up + down - 2 * here) > 2e-5) continue
        expect(Math.abs(gradient[k] - (up - down) / (2 * step))).toBeLessThan(5e-3)
        checked++
      }
    }
    expect(checked).toBeGreaterThan(100)
  })
})

it('CosFace is the cross entropy of the paper', async () => {
  const raw = rowsFrom(9)
  const scale = 8
  const margin = 0.2
  const running = cosFaceLoss({ margin, scale }).start(engine.tf, { people: 4, dimension: DIMENSION, seed: 3 })
  const centres = running.variables[0].arraySync() as number[][]
  running.dispose()
  const cosine = (row: readonly number[], person: number): number => {
    const centre = unit(centres.map(line => line[person]))
    return unit(row).reduce((sum, value, i) => sum + value * centre[i], 0)
  }
  const expected = raw.map((row, i) => {
    const logits = [0, 1, 2, 3].map(j => scale * (cosine(row, j) - (j === LABELS[i] ? margin : 0)))
    return -Math.log(Math.exp(logits[LABELS[i]]) / logits.reduce((sum, logit) => sum + Math.exp(logit), 0))
  })
  const { value, constant } = await judged(cosFaceLoss({ margin, scale }), raw)
  expect(value).toBeCloseTo(expected.reduce((a, b) => a + b, 0) / raw.length, 4)
  expect(constant).toBeCloseTo(0, 4)
})

it('refuses margins and scales that make no sense', () => {
  expect(() => tripletLoss({ margin: 0 })).toThrow(/margin/)
  expect(() => tripletLoss({ margin: Number.NaN })).toThrow(/margin/)
  expect(() => cosFaceLoss({ scale: 0 })).toThrow(/scale/)
})
