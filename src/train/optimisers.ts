import type { NamedTensorMap, Optimizer, SGDOptimizer, Tensor, Variable } from '@tensorflow/tfjs-core'
import { FacewiseError } from '../errors.ts'
import type { TensorFlow } from './gradients.ts'

/** The optimisers, which are those of TensorFlow.js: AdaGrad is FaceNet's. */
export const OPTIMISERS = ['adagrad', 'sgd', 'adam'] as const
/** One of {@link OPTIMISERS}. `sgd` has a momentum of 0.9. */
export type OptimiserName = (typeof OPTIMISERS)[number]

/** Learning rates where none is given: FaceNet's 0.05 for AdaGrad, usual ones for the others. */
export const LEARNING_RATES: Readonly<Record<OptimiserName, number>> = { adagrad: 0.05, sgd: 0.05, adam: 1e-3 }

const MOMENTUM = 0.9

/** What the learning rate is multiplied by in each epoch, from 0 on. */
export type Schedule = (epoch: number, epochs: number) => number

/** The learning rate stays as it is. */
export const constantRate: Schedule = () => 1

/** Falls from 1 to 0 along half a cosine (Loshchilov and Hutter, "SGDR", 2017, arXiv:1608.03983, without restarts). */
export const cosineDecay: Schedule = (epoch, epochs) => (1 + Math.cos((Math.PI * epoch) / epochs)) / 2

/** Multiplied by `factor` after every `every` epochs. */
export function stepDecay(every: number, factor = 0.1): Schedule {
  return epoch => factor ** Math.floor(epoch / every)
}

/** The numbers that an optimiser has gathered. */
export interface OptimiserState {
  readonly name: string
  readonly shape: readonly number[]
  readonly values: Float32Array
}

/** An optimiser of TensorFlow.js whose rate can be set and whose state can be kept. */
export interface Optimiser {
  apply(gradients: NamedTensorMap, rate: number): void
  state(): Promise<OptimiserState[]>
  restore(state: readonly OptimiserState[]): Promise<void>
  dispose(): void
}

/** What TensorFlow.js keeps of Adam beside the moments: powers of its betas, in float32. */
interface AdamPowers {
  readonly accBeta1: Variable
  readonly accBeta2: Variable
}

/** @throws FacewiseError `INVALID_ARGUMENT` for an unknown name. */
export function createOptimiser(tf: TensorFlow, name: OptimiserName): Optimiser {
  const inner = start(tf, name)
  // `setWeights` of Adam computes these anew, a last bit otherwise than they had become step by step: a resumed run would drift off.
  const powers = (): Variable[] => {
    if (name !== 'adam') return []
    const { accBeta1, accBeta2 } = inner as unknown as AdamPowers
    return [accBeta1, accBeta2]
  }
  return {
    apply(gradients, rate) {
      // Not `instanceof`, to which every optimiser of TensorFlow.js says yes.
      if ('setLearningRate' in inner) (inner as SGDOptimizer).setLearningRate(rate)
      else (inner as unknown as { learningRate: number }).learningRate = rate
      inner.applyGradients(gradients)
    },
    async state() {
      // The first is the count of steps, made for the caller; the others are the optimiser's own.
      const [steps, ...weights] = await inner.getWeights()
      const kept = [steps, ...weights, ...powers().map(tensor => ({ name: 'power', tensor }))]
      const state = await Promise.all(
        kept.map(async ({ name: key, tensor }) => ({
          name: key,
          shape: [...tensor.shape],
          values: Float32Array.from(await tensor.data()),
        })),
      )
      steps.tensor.dispose()
      return state
    },
    async restore(state) {
      const extra = powers()
      const own = state.slice(0, state.length - extra.length)
      const weights = own.map(({ name: key, shape, values }, i) => ({
        name: key,
        tensor: i === 0 ? tf.scalar(values[0], 'int32') : tf.tensor(values, [...shape]),
      }))
      await inner.setWeights(weights)
      tf.dispose(weights.map(({ tensor }) => tensor))
      extra.forEach((power, i) => {
        tf.tidy(() => power.assign(tf.scalar(state[own.length + i].values[0])))
      })
    },
    dispose() {
      inner.dispose()
      // TensorFlow.js' momentum forgets the rate that it holds as a tensor.
      if (name === 'sgd') (inner as unknown as { c: Tensor }).c.dispose()
    },
  }
}

function start(tf: TensorFlow, name: OptimiserName): Optimizer {
  if (name === 'adagrad') return tf.train.adagrad(LEARNING_RATES.adagrad)
  if (name === 'sgd') return tf.train.momentum(LEARNING_RATES.sgd, MOMENTUM)
  if (name === 'adam') return tf.train.adam(LEARNING_RATES.adam)
  throw new FacewiseError('INVALID_ARGUMENT', `There is no optimiser "${name}"; choose among ${OPTIMISERS.join(', ')}.`)
}
