import type { NamedTensorMap, Tensor, Tensor2D, Variable } from '@tensorflow/tfjs-core'
import type { Engine } from '../backends/index.ts'
import { FacewiseError, throwIfAborted } from '../errors.ts'
import { condensedDistances, type VectorMatrix } from '../metrics.ts'
import type { Checkpoint } from './checkpoint.ts'
import { refuseCollapse, type Spread, spreadOf } from './collapse.ts'
import { embedRows } from './embed.ts'
import type { EpochRecord } from './log.ts'
import type { Loss, RunningLoss } from './loss.ts'
import { createOptimiser, type Optimiser, type OptimiserName, type Schedule } from './optimisers.ts'
import { randomFrom } from './random.ts'
import { type BatchShape, peopleBatches, type Samples } from './samples.ts'
import type { NamedWeight, Trainable } from './trainable.ts'

/** What a run is told, complete. */
export interface Settings {
  readonly loss: Loss
  readonly batch: BatchShape
  readonly optimiser: OptimiserName
  readonly learningRate: number
  readonly schedule: Schedule
  readonly epochs: number
  readonly patience: number
  readonly seed: number
}

/** The state of a run: variables, optimiser, the best weights so far. */
export class Run {
  epoch = 0
  log: EpochRecord[] = []
  best: { epoch: number; score: number; weights: NamedWeight[] } = {
    epoch: 0,
    score: Number.NEGATIVE_INFINITY,
    weights: [],
  }
  readonly initial: readonly NamedWeight[]
  private readonly weights: Variable[]
  private readonly loss: RunningLoss
  private readonly optimiser: Optimiser
  private startSpread: Spread | undefined
  private readonly tf: Engine['tf']

  constructor(
    private readonly engine: Engine,
    private readonly network: Trainable,
    private readonly shape: readonly number[],
    private readonly settings: Settings,
    people: number,
  ) {
    const { tf } = engine
    this.tf = tf
    this.initial = network.start(shape, settings.seed)
    this.weights = this.initial.map(({ values, shape: size }) =>
      tf.tidy(() => tf.variable(tf.tensor(values.slice(), [...size]))),
    )
    this.loss = settings.loss.start(tf, { people, dimension: network.dimension, seed: settings.seed })
    this.optimiser = createOptimiser(tf, settings.optimiser)
  }

  /** All batches of an epoch. */
  async next(
    samples: Samples,
    labels: Int32Array,
    signal: AbortSignal | undefined,
  ): Promise<Omit<EpochRecord, 'score'>> {
    const { batch, seed, learningRate, schedule, epochs } = this.settings
    const random = randomFrom(seed, this.epoch + 1)
    const rate = learningRate * schedule(this.epoch, epochs)
    const batches = peopleBatches(samples.people, batch, random)
    const total = { loss: 0, terms: 0, active: 0, spread: 0 }
    for (const indices of batches) {
      throwIfAborted(signal)
      this.engine.activate()
      const x = this.tf.tensor(samples.read(indices, random), [indices.length, ...this.shape])
      try {
        const step = await this.step(
          x,
          Int32Array.from(indices, i => labels[i]),
          rate,
        )
        total.loss += step.value / batches.length
        total.terms += step.terms
        total.active += step.active
        total.spread = step.spread
      } finally {
        x.dispose()
      }
      // Lets timers and an abort through: a step holds the thread.
      await new Promise(resolve => setTimeout(resolve, 0))
    }
    this.epoch++
    const { loss, ...rest } = total
    return { epoch: this.epoch, loss, learningRate: rate, ...rest }
  }

  private async step(
    x: Tensor,
    labels: Int32Array,
    rate: number,
  ): Promise<{ value: number; terms: number; active: number; spread: number }> {
    const { tf, network } = this
    const embeddings = tf.tidy(() => network.forward(tf, this.weights, x))
    try {
      const matrix = await matrixOf(embeddings)
      const squared = finiteDistances(matrix)
      const distances = { squared, count: matrix.count }
      const spread = spreadOf(distances)
      this.startSpread ??= spread
      refuseCollapse(spread, this.startSpread, new Set(labels).size, this.epoch + 1)
      this.engine.activate()
      const judgement = await this.loss.judge({ embeddings, distances, labels })
      if (judgement.active > 0) {
        this.engine.activate()
        tf.tidy(() => {
          const learned = [...this.weights, ...this.loss.variables]
          const { grads } = tf.variableGrads(() => judgement.gradientOf(network.forward(tf, this.weights, x)), learned)
          this.optimiser.apply(this.inOrder(grads, learned), rate)
          this.pullBack(rate)
        })
      }
      return { value: judgement.value, terms: judgement.terms, active: judgement.active, spread: spread.distance }
    } finally {
      embeddings.dispose()
    }
  }

  /** `variableGrads` keeps no order, and optimisers keep their state by position. */
  private inOrder(grads: NamedTensorMap, learned: readonly Variable[]): NamedTensorMap {
    return Object.fromEntries(learned.map(({ name }) => [name, grads[name]]))
  }

  /** Decoupled decay of the difference to the start: w - rate * anchor * (w - w0), as AdamW decays towards 0 (arXiv:1711.05101). */
  private pullBack(rate: number): void {
    const { tf, network } = this
    if (network.anchor === 0) return
    this.weights.forEach((weight, i) => {
      const { values, shape } = this.initial[i]
      weight.assign(
        tf.sub(weight, tf.mul(tf.sub(weight, tf.tensor(values, [...shape])), Math.min(1, rate * network.anchor))),
      )
    })
  }

  embed(samples: Samples): Promise<VectorMatrix> {
    return embedRows(this.engine, this.network, this.weights, samples)
  }

  async finish(record: EpochRecord, score: number | undefined): Promise<void> {
    this.log.push(record)
    // Without anybody held out the newest counts as the best.
    if (score === undefined || score > this.best.score) await this.remember(this.epoch, score)
  }

  async remember(epoch: number, score = Number.NEGATIVE_INFINITY): Promise<void> {
    this.best = { epoch, score, weights: await this.values() }
  }

  private values(): Promise<NamedWeight[]> {
    return Promise.all(
      this.weights.map(async (variable, i) => ({ ...this.initial[i], values: await copyOf(variable) })),
    )
  }

  async checkpoint(fingerprint: string): Promise<Checkpoint> {
    return {
      epoch: this.epoch,
      fingerprint,
      weights: await this.values(),
      lossWeights: await Promise.all(
        this.loss.variables.map(async (variable, i) => ({
          name: `loss/${i}`,
          shape: variable.shape,
          values: await copyOf(variable),
        })),
      ),
      optimiser: await this.optimiser.state(),
      // JSON has no infinity.
      best: { ...this.best, score: Number.isFinite(this.best.score) ? this.best.score : -Number.MAX_VALUE },
      spread: this.startSpread ?? { distance: 0, dimensions: 0 },
      log: [...this.log],
    }
  }

  async restore(from: Checkpoint, fingerprint: string): Promise<void> {
    if (from.fingerprint !== fingerprint) {
      throw new FacewiseError(
        'INVALID_ARGUMENT',
        `The checkpoint is of another run: ${from.fingerprint} there, ${fingerprint} here. Give it the same samples and settings, or begin anew.`,
      )
    }
    const { tf } = this
    const assign = (variable: Variable, { values, shape }: NamedWeight): void =>
      tf.tidy(() => variable.assign(tf.tensor(values, [...shape])))
    this.weights.forEach((variable, i) => {
      assign(variable, from.weights[i])
    })
    this.loss.variables.forEach((variable, i) => {
      assign(variable, from.lossWeights[i])
    })
    await this.optimiser.restore(from.optimiser)
    this.best = { ...from.best, weights: [...from.best.weights] }
    this.startSpread = from.spread
    this.log = [...from.log]
    this.epoch = from.epoch
  }

  dispose(): void {
    this.tf.dispose(this.weights)
    this.loss.dispose()
    this.optimiser.dispose()
  }
}

/** A copy: some backends give a view of memory that they write to again. */
const copyOf = async (tensor: Tensor): Promise<Float32Array> => Float32Array.from(await tensor.data())

/**
 * Never read at once (`dataSync`): WebGPU can do that only by way of a canvas, and gave zeros for embeddings and then lost its device,
 * in Chromium 156 on SwiftShader.
 */
async function matrixOf(embeddings: Tensor2D): Promise<VectorMatrix> {
  const [count, dimension] = embeddings.shape
  return { data: (await embeddings.data()) as Float32Array, count, dimension }
}

function finiteDistances(matrix: VectorMatrix): Float32Array {
  const { data, count } = matrix
  // Left to the check for collapse, which says what to do about it.
  if (!data.every(Number.isFinite)) return new Float32Array(count * count).fill(Number.NaN)
  const pairs = condensedDistances(matrix, 'squared-euclidean')
  const squared = new Float32Array(count * count)
  let at = 0
  for (let i = 0; i < count; i++) {
    for (let j = i + 1; j < count; j++) {
      squared[i * count + j] = pairs[at]
      squared[j * count + i] = pairs[at++]
    }
  }
  return squared
}
