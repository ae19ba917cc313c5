import type { Tensor, Variable } from '@tensorflow/tfjs-core'
import type { Engine } from '../backends/index.ts'
import type { VectorMatrix } from '../metrics.ts'
import type { Samples } from './samples.ts'
import type { NamedWeight, Trainable } from './trainable.ts'

/** Samples that are embedded together. */
const ROWS = 256

/**
 * What a trained network makes of samples, without augmentation: one row a sample, of length one. It needs no gradients.
 *
 * @param weights {@link TrainResult.weights}.
 */
export async function embedSamples(
  engine: Engine,
  network: Trainable,
  weights: readonly NamedWeight[],
  samples: Samples,
): Promise<VectorMatrix> {
  engine.activate()
  const { tf } = engine
  const tensors = weights.map(({ values, shape }) => tf.tensor(values, [...shape]))
  try {
    return await embedRows(engine, network, tensors, samples)
  } finally {
    tf.dispose(tensors)
  }
}

/** {@link embedSamples} with weights that are tensors already. */
export async function embedRows(
  engine: Engine,
  network: Trainable,
  weights: readonly (Tensor | Variable)[],
  samples: Samples,
): Promise<VectorMatrix> {
  const { tf } = engine
  const count = samples.people.length
  const { dimension } = network
  const data = new Float32Array(count * dimension)
  for (let from = 0; from < count; from += ROWS) {
    const indices = Array.from({ length: Math.min(ROWS, count - from) }, (_, i) => from + i)
    engine.activate()
    const rows = tf.tidy(() =>
      network.forward(tf, weights, tf.tensor(samples.read(indices), [indices.length, ...samples.shape])),
    )
    try {
      data.set(await rows.data(), from * dimension)
    } finally {
      rows.dispose()
    }
  }
  return { data, count, dimension }
}
