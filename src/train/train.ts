import type { Engine } from '../backends/index.ts'
import { FacewiseError, throwIfAborted } from '../errors.ts'
import type { VectorMatrix } from '../metrics.ts'
import type { Checkpoint } from './checkpoint.ts'
import { requireConvolutionGradients, withGradients } from './gradients.ts'
import type { EpochRecord } from './log.ts'
import type { Loss } from './loss.ts'
import { constantRate, LEARNING_RATES, type OptimiserName, type Schedule } from './optimisers.ts'
import { Run, type Settings } from './run.ts'
import type { BatchShape, Samples } from './samples.ts'
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
  await withGradients(engine)
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

  const run = new Run(engine, network, samples.shape, settings, names.length)
  try {
    const fingerprint = fingerprintOf(options, settings, run.initial)
    if (options.resume) await run.restore(options.resume, fingerprint)
    const judge = async (): Promise<number | undefined> => {
      const { heldOut, score = heldOutScore } = options
      return heldOut && score(await run.embed(heldOut), heldOut.people)
    }
    const startScore = options.resume?.log[0] ? undefined : await judge()
    if (!options.resume) await run.remember(0, startScore)
    let stopped: TrainResult['stopped'] = 'epochs'
    while (run.epoch < settings.epochs) {
      throwIfAborted(signal)
      if (run.epoch - run.best.epoch >= settings.patience && options.heldOut) {
        stopped = 'patience'
        break
      }
      const record = await run.next(samples, labels, signal)
      const score = await judge()
      const complete = score === undefined ? record : { ...record, score }
      await run.finish(complete, score)
      await options.onEpoch?.(complete, () => run.checkpoint(fingerprint))
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
function fingerprintOf({ samples, network }: TrainOptions, settings: Settings, start: readonly NamedWeight[]): string {
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
    start: digestOf(start),
  })
}

/** FNV-1a over the bits of all values: tells one start from another. */
function digestOf(weights: readonly NamedWeight[]): number {
  let state = 0x811c9dc5
  for (const { values } of weights) {
    for (const bits of new Uint32Array(Float32Array.from(values).buffer)) state = Math.imul(state ^ bits, 0x01000193)
  }
  return state >>> 0
}
