import type { NamedTensorMap, Tensor, Tensor2D, Variable } from '@tensorflow/tfjs-core'
import type { Engine } from '../backends/index.ts'
import { FacewiseError, throwIfAborted } from '../errors.ts'
import { distanceBlock, type VectorMatrix } from '../metrics.ts'
import type { Checkpoint } from './checkpoint.ts'
import { refuseCollapse, type Spread, spreadOf } from './collapse.ts'
import { embedRows } from './embed.ts'
import { requireConvolutionGradients, type TensorFlow, withGradients } from './gradients.ts'
import type { EpochRecord } from './log.ts'
import type { Loss, RunningLoss } from './loss.ts'
import {
  constantRate,
  createOptimiser,
  LEARNING_RATES,
  type Optimiser,
  type OptimiserName,
  type Schedule,
} from './optimisers.ts'
import { randomFrom } from './random.ts'
import { type BatchShape, peopleBatches, type Samples } from './samples.ts'
import type { NamedWeight, Trainable } from './trainable.ts'
import { tripletLoss } from './triplet.ts'
import { heldOutScore } from './validation.ts'

/** Options of {@link train}. */
export interface TrainOptions {
  readonly engine: Engine
  readonly network: Trainable
  readonly samples: Samples
  /** Samples of other people, on which every epoch is judged and the best one kept. Without them the last epoch is kept. */
  readonly heldOut?: Samples
  /**
   * How good embeddings of the held-out samples are, in their order; higher is better. By default the share of triplets among them
   * whose negative is farther than their positive.
   */
  readonly score?: (embeddings: VectorMatrix, people: readonly string[]) => number
  /** {@link tripletLoss} with semi-hard selection by default. */
  readonly loss?: Loss
  readonly batch?: BatchShape
  /** `adagrad` by default, as in FaceNet's paper. */
  readonly optimiser?: OptimiserName
  /** At the start; by default that of `LEARNING_RATES`. */
  readonly learningRate?: number
  /** {@link constantRate} by default. */
  readonly schedule?: Schedule
  /** At most so many; 100 by default. */
  readonly epochs?: number
  /** Epochs without a better score after which the run ends; never by default. */
  readonly patience?: number
  /** The same seed gives the same result on the same backend; 1 by default. */
  readonly seed?: number
  /** Goes on from here. Everything else must be as it was. */
  readonly resume?: Checkpoint
  /** Hears of every epoch; a promise is waited for. `checkpoint()` is dear where the network is large. */
  readonly onEpoch?: (record: EpochRecord, checkpoint: () => Promise<Checkpoint>) => void | Promise<void>
  readonly signal?: AbortSignal
}

/** What {@link train} learned. */
export interface TrainResult {
  /** Of the best epoch. */
  readonly weights: readonly NamedWeight[]
  /** The epoch that they are of; 0 where none was better than the start. */
  readonly bestEpoch: number
  /** Score of the held-out people then, and before the first epoch. */
  readonly bestScore?: number
  readonly startScore?: number
  readonly log: readonly EpochRecord[]
  /** Why it ended. */
  readonly stopped: 'epochs' | 'patience'
}

/**
 * Learns an embedding: in each step a batch of people and pictures is embedded, the loss selects what it looks at on the distances of
 * that batch, and the weights move against its gradient.
 *
 * Batches, starts and selection follow from `seed`. Nothing is left in TensorFlow.js' memory, whether the run ends or throws.
 *
 * @throws FacewiseError `DEPENDENCY_MISSING` without `@tensorflow/tfjs`; `BACKEND_UNAVAILABLE` for convolutions on a backend without
 *   their gradients; `INVALID_ARGUMENT` for samples of a single person, settings outside their range, or a checkpoint of another run;
 *   `NETWORK_FAILED` where the embeddings collapse or are not finite; `ABORTED`.
 */
export async function train(options: TrainOptions): Promise<TrainResult> {
  const { engine, network, samples, signal } = options
  const settings = settingsOf(options)
  const tf = await withGradients(engine)
  if (network.convolutional) requireConvolutionGradients(engine)
  const names = [...new Set(samples.people)].sort()
  if (names.length < 2) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      'Learning to tell people apart needs two or more; the samples are of one.',
    )
  }
  const numbers = new Map(names.map((name, i) => [name, i]))
  const labels = Int32Array.from(samples.people, name => numbers.get(name)!)

  const run = new Run(tf, network, samples.shape, settings, names.length)
  try {
    if (options.resume) await run.restore(options.resume, fingerprintOf(options, settings))
    const judge = (): number | undefined => {
      const { heldOut, score = heldOutScore } = options
      return heldOut && score(run.embed(heldOut), heldOut.people)
    }
    const startScore = options.resume?.log[0] ? undefined : judge()
    if (!options.resume) run.remember(0, startScore)
    let stopped: TrainResult['stopped'] = 'epochs'
    while (run.epoch < settings.epochs) {
      throwIfAborted(signal)
      if (run.epoch - run.best.epoch >= settings.patience && options.heldOut) {
        stopped = 'patience'
        break
      }
      const record = await run.next(samples, labels, signal)
      const score = judge()
      const complete = score === undefined ? record : { ...record, score }
      run.finish(complete, score)
      await options.onEpoch?.(complete, () => run.checkpoint(fingerprintOf(options, settings)))
    }
    return {
      weights: run.best.weights,
      bestEpoch: run.best.epoch,
      ...(options.heldOut && { bestScore: run.best.score, startScore }),
      log: run.log,
      stopped,
    }
  } finally {
    run.dispose()
  }
}

/** What a run is told, complete. */
interface Settings {
  readonly loss: Loss
  readonly batch: BatchShape
  readonly optimiser: OptimiserName
  readonly learningRate: number
  readonly schedule: Schedule
  readonly epochs: number
  readonly patience: number
  readonly seed: number
}

function settingsOf(options: TrainOptions): Settings {
  const { loss = tripletLoss(), batch = {}, optimiser = 'adagrad', schedule = constantRate } = options
  const { epochs = 100, patience = Number.POSITIVE_INFINITY, seed = 1 } = options
  const learningRate = options.learningRate ?? LEARNING_RATES[optimiser]
  const whole = [epochs, batch.people ?? 32, batch.pictures ?? 4]
  if (!whole.every(value => Number.isInteger(value) && value > 0) || (batch.people ?? 32) < 2) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      'Epochs, pictures and people of a batch are whole numbers over 0, people 2 or more.',
    )
  }
  if (!(learningRate > 0) || !(patience > 0) || !Number.isInteger(seed)) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `A learning rate and patience over 0 and a whole seed are needed; got ${learningRate}, ${patience}, ${seed}.`,
    )
  }
  return { loss, batch, optimiser, learningRate, schedule, epochs, patience, seed }
}

/** What must be the same for a run to go on; epochs and patience may be more. */
function fingerprintOf({ samples, network }: TrainOptions, settings: Settings): string {
  const { loss, batch, optimiser, learningRate, seed } = settings
  const { dimension, anchor } = network
  const people = samples.people.length
  return JSON.stringify({
    loss: loss.name,
    batch,
    optimiser,
    learningRate,
    seed,
    dimension,
    anchor,
    people,
    shape: samples.shape,
  })
}

/** The state of a run. */
class Run {
  epoch = 0
  log: EpochRecord[] = []
  best: { epoch: number; score: number; weights: NamedWeight[] } = {
    epoch: 0,
    score: Number.NEGATIVE_INFINITY,
    weights: [],
  }
  private readonly initial: readonly NamedWeight[]
  private readonly weights: Variable[]
  private readonly loss: RunningLoss
  private readonly optimiser: Optimiser
  private startSpread: Spread | undefined

  constructor(
    private readonly tf: TensorFlow,
    private readonly network: Trainable,
    private readonly shape: readonly number[],
    private readonly settings: Settings,
    people: number,
  ) {
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
      const x = this.tf.tensor(samples.read(indices, random), [indices.length, ...this.shape])
      try {
        const step = this.step(
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

  private step(
    x: Tensor,
    labels: Int32Array,
    rate: number,
  ): { value: number; terms: number; active: number; spread: number } {
    const { tf, network } = this
    return tf.tidy(() => {
      const embeddings = network.forward(tf, this.weights, x)
      const matrix = matrixOf(embeddings)
      const squared = finiteDistances(matrix)
      const distances = { squared, count: matrix.count }
      const spread = spreadOf(distances)
      this.startSpread ??= spread
      refuseCollapse(spread, this.startSpread, new Set(labels).size, this.epoch + 1)
      const judgement = this.loss.judge({ embeddings, distances, labels })
      if (judgement.active > 0) {
        const learned = [...this.weights, ...this.loss.variables]
        const { grads } = tf.variableGrads(() => judgement.gradientOf(network.forward(tf, this.weights, x)), learned)
        this.optimiser.apply(this.inOrder(grads, learned), rate)
        this.pullBack(rate)
      }
      return { value: judgement.value, terms: judgement.terms, active: judgement.active, spread: spread.distance }
    })
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

  embed(samples: Samples): VectorMatrix {
    return embedRows(this.tf, this.network, this.weights, samples)
  }

  finish(record: EpochRecord, score: number | undefined): void {
    this.log.push(record)
    // Without anybody held out the newest counts as the best.
    if (score === undefined || score > this.best.score) this.remember(this.epoch, score)
  }

  remember(epoch: number, score = Number.NEGATIVE_INFINITY): void {
    this.best = { epoch, score, weights: this.values() }
  }

  private values(): NamedWeight[] {
    return this.weights.map((variable, i) => ({ ...this.initial[i], values: copyOf(variable) }))
  }

  async checkpoint(fingerprint: string): Promise<Checkpoint> {
    return {
      epoch: this.epoch,
      fingerprint,
      weights: this.values(),
      lossWeights: this.loss.variables.map((variable, i) => ({
        name: `loss/${i}`,
        shape: variable.shape,
        values: copyOf(variable),
      })),
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
const copyOf = (tensor: Tensor): Float32Array => Float32Array.from(tensor.dataSync())

function matrixOf(embeddings: Tensor2D): VectorMatrix {
  const [count, dimension] = embeddings.shape
  return { data: embeddings.dataSync() as Float32Array, count, dimension }
}

function finiteDistances(matrix: VectorMatrix): Float32Array {
  const { data, count } = matrix
  // Left to the check for collapse, which says what to do about it.
  if (!data.every(Number.isFinite)) return new Float32Array(count * count).fill(Number.NaN)
  return distanceBlock(matrix, matrix, 'squared-euclidean')
}
