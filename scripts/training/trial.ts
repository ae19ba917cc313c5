import type { Engine } from '../../src/backends/index.ts'
import { distributions, type TarAtFar, tarAtFar } from '../../src/embed/index.ts'
import { distance, type VectorMatrix } from '../../src/metrics.ts'
import {
  cosFaceLoss,
  cosineDecay,
  embedSamples,
  type HeadKind,
  head,
  type NamedWeight,
  type OptimiserName,
  type Selection,
  type TrainResult,
  train,
  tripletLoss,
  vectorSamples,
  whitenWithin,
} from '../../src/train/index.ts'
import type { Sample } from './embeddings.ts'
import type { Condition } from './harden.ts'

/** The settings of a head, which are chosen on people of the training list. */
export interface Setting {
  readonly kind: HeadKind
  readonly loss: Selection | 'cosface'
  readonly optimiser: OptimiserName
  readonly learningRate: number
  readonly anchor: number
  readonly margin: number
  /** 0: the head stays what it begins with. */
  readonly epochs: number
  /** Of the whitening that the head begins with; without it, it begins with the identity. */
  readonly shrinkage?: number
  /** Pictures of a person in a batch, of any condition. */
  readonly pictures: number
}

/** A face under a condition. */
interface View {
  readonly person: string
  readonly path: string
  readonly condition: Condition
  readonly vector: Float32Array
}

/** All views of samples that have a face. */
export function viewsOf(samples: readonly Sample[], conditions: readonly Condition[]): View[] {
  return samples.flatMap(({ person, path, vectors }) =>
    vectors ? conditions.map(condition => ({ person, path, condition, vector: vectors[condition] })) : [],
  )
}

/** Trains a head on views of some people. */
export async function learn(
  engine: Engine,
  views: readonly View[],
  setting: Setting,
  centre: readonly number[] | undefined,
  seed: number,
): Promise<Pick<TrainResult, 'weights' | 'log'>> {
  const { kind, loss, margin, anchor, optimiser, learningRate, epochs, pictures, shrinkage } = setting
  const dimension = views[0].vector.length
  const samples = vectorSamples(
    views.map(({ vector }) => vector),
    views.map(({ person }) => person),
  )
  const from = shrinkage === undefined ? undefined : whitenWithin(samples, { centre, shrinkage })
  const network = head({ kind, dimension, anchor, centre, from })
  if (epochs === 0) return { weights: network.start([dimension], seed), log: [] }
  return train({
    engine,
    network,
    samples,
    loss: loss === 'cosface' ? cosFaceLoss({ margin }) : tripletLoss({ selection: loss, margin }),
    optimiser,
    learningRate,
    schedule: cosineDecay,
    epochs,
    batch: { people: 48, pictures },
    seed,
  })
}

/** What a head makes of views. */
export async function apply(
  engine: Engine,
  weights: readonly NamedWeight[],
  vectors: readonly Float32Array[],
): Promise<VectorMatrix> {
  const samples = vectorSamples(
    vectors,
    vectors.map(() => ''),
  )
  const kind = weights.length === 2 ? 'linear' : 'mlp'
  return embedSamples(engine, head({ kind, dimension: vectors[0].length }), weights, samples)
}

/** Distances of pictures under two conditions, both ways round, of all pairs of different pictures. */
export function crossRates(
  views: readonly View[],
  embedded: VectorMatrix,
  first: Condition,
  second: Condition,
  far: number,
): TarAtFar {
  const genuine: number[] = []
  const impostor: number[] = []
  const row = (i: number): Float32Array => embedded.data.subarray(i * embedded.dimension, (i + 1) * embedded.dimension)
  views.forEach((a, i) => {
    if (a.condition !== first) return
    views.forEach((b, j) => {
      if (b.condition !== second || a.path === b.path || (first === second && j <= i)) return
      const between = distance(row(i), row(j))
      if (a.person === b.person) genuine.push(between)
      else impostor.push(between)
    })
  })
  return tarAtFar(distributions(genuine, impostor), far)
}
