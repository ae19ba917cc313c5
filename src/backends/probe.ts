import type * as Tf from '@tensorflow/tfjs-core'

const SIZE = 128
const RUNS = 3

/** What the probe took, in milliseconds. */
export interface Probed {
  /** The best of a few runs. */
  readonly ms: number
  /** The run before these, in which a GPU compiles its programs. */
  readonly firstMs: number
}

/**
 * Milliseconds that the active backend takes for a piece of work like this library's own: picture in, three fused convolutions as in
 * P-Net, result back. The first run is given by itself, since GPUs compile programs in it.
 *
 * @param best what another backend took: a backend whose first run is fifty times slower is not measured to the end.
 */
export async function probe(tf: typeof Tf, best = Number.POSITIVE_INFINITY): Promise<Probed> {
  const weights = tf.tidy(() => {
    const layer = (from: number, to: number): { filter: Tf.Tensor4D; alpha: Tf.Tensor1D } => ({
      filter: tf.fill([3, 3, from, to], 0.01),
      alpha: tf.fill([to], 0.25),
    })
    return [layer(3, 16), layer(16, 16), layer(16, 32)]
  })
  const input = new Float32Array(SIZE * SIZE * 3).fill(0.5)
  const once = async (): Promise<number> => {
    const began = performance.now()
    const result = tf.tidy(() => {
      let x: Tf.Tensor4D = tf.tensor4d(input, [1, SIZE, SIZE, 3])
      for (const { filter, alpha } of weights) {
        x = tf.fused.conv2d({ x, filter, strides: 1, pad: 'valid', activation: 'prelu', preluActivationWeights: alpha })
      }
      return x
    })
    try {
      await result.data()
    } finally {
      result.dispose()
    }
    return performance.now() - began
  }
  try {
    const first = await once()
    if (first > 50 * best) return { ms: first, firstMs: first }
    let fastest = Number.POSITIVE_INFINITY
    for (let i = 0; i < RUNS; i++) fastest = Math.min(fastest, await once())
    return { ms: fastest, firstMs: first }
  } finally {
    for (const { filter, alpha } of weights) tf.dispose([filter, alpha])
  }
}
