import type { GraphModel } from '@tensorflow/tfjs-converter'
import type { Tensor } from '@tensorflow/tfjs-core'
import type { Engine } from '../backends/index.ts'
import { FacewiseError, messageOf, throwIfAborted } from '../errors.ts'
import type { WeightMap } from './graph.ts'
import { channelsOf, type Manifest, type NetworkManifest } from './manifest.ts'

/** A batch for a network: numbers in row-major order and their shape, `[batch, height, width, channels]`; colours are RGB. */
export interface NetworkInput {
  readonly data: Float32Array
  readonly shape: readonly [batch: number, height: number, width: number, channels: number]
}

/** How the bytes of a picture become the numbers that a network takes. */
export interface Normalisation {
  readonly scale: number
  readonly shift: number | readonly [red: number, green: number, blue: number]
}

/**
 * A network that is loaded and ready. It takes and gives plain arrays, so that whoever uses it neither holds tensors nor knows what
 * runs it.
 */
export interface Network {
  readonly name: string
  /** A byte b of a picture is given to the network as `b * scale + shift`; three shifts are for red, green and blue. */
  readonly normalisation: Normalisation
  /** Whether calls and shapes are dear (see {@link Engine}). */
  readonly gpu: boolean
  /** Whether large inputs suit it (see {@link Engine}). */
  readonly parallel: boolean
  /** Where this is a faster form of another network: that one, and how far the outputs of the two may lie apart. */
  readonly approximates?: { readonly network: Network; readonly within: number }
  /**
   * Runs all inputs and reads the results back together.
   *
   * @returns each input's output in row-major order.
   * @throws FacewiseError `BACKEND_LOST`, `NETWORK_FAILED` (not-a-number), `ABORTED`.
   */
  run(inputs: readonly NetworkInput[], signal?: AbortSignal): Promise<Float32Array[]>
  /** Its weights by name, as they are after loading (float32): for what runs the same network in another way. */
  weights(): Promise<WeightMap>
  dispose(): void
}

/** Wraps a graph model. */
export function createNetwork(
  engine: Engine,
  graph: Pick<GraphModel, 'execute' | 'dispose' | 'weights'>,
  manifest: Manifest,
  network: NetworkManifest,
): Network {
  const { tf, gpu, parallel } = engine
  const { mean, divisor } = manifest.input
  const reversed = manifest.input.channels === 'bgr'
  const channels = channelsOf(network)
  const shiftFor = (channelMean: number): number => -channelMean / divisor

  /** What the graph throws on its way is an error of the network, or the first sign of a lost backend. */
  function attempt<T>(execute: () => T): T {
    try {
      return execute()
    } catch (error) {
      engine.activate()
      throw new FacewiseError('NETWORK_FAILED', `${network.name} could not be run: ${messageOf(error)}`, {
        cause: error,
      })
    }
  }

  async function run(inputs: readonly NetworkInput[], signal?: AbortSignal): Promise<Float32Array[]> {
    throwIfAborted(signal)
    if (inputs.length === 0) return []
    engine.activate()
    const sizes: number[] = []
    // Everything up to the results happens in one turn, so calls that overlap cannot mix their scopes.
    const results = attempt(() =>
      tf.tidy(() => {
        const outputs = inputs.map(({ data, shape }) => {
          // Its own scope, so that the next input takes the memory of this one, which is still in the processor's cache.
          const output = tf.tidy(() => {
            const rgb = tf.tensor(data, [...shape], 'float32')
            return graph.execute(reversed ? tf.reverse(rgb, 3) : rgb) as Tensor
          })
          sizes.push(output.size)
          return output
        })
        // From a GPU, one read of everything is far cheaper than several.
        return gpu && outputs.length > 1 ? [tf.concat(outputs.map(output => tf.reshape(output, [-1])))] : outputs
      }),
    )
    try {
      const values = await read(engine, results)
      throwIfAborted(signal)
      for (const array of values) rejectNaN(array, network.name)
      return values.length === sizes.length ? values : split(values[0], sizes)
    } finally {
      tf.dispose(results)
    }
  }

  return {
    name: network.name,
    normalisation: {
      scale: 1 / divisor,
      shift: typeof mean === 'number' ? shiftFor(mean) : [shiftFor(mean[0]), shiftFor(mean[1]), shiftFor(mean[2])],
    },
    gpu,
    parallel,
    async run(inputs, signal) {
      const outputs = await run(inputs, signal)
      outputs.forEach((output, i) => {
        if (output.length % (inputs[i].shape[0] * channels) !== 0) {
          throw new FacewiseError(
            'NETWORK_FAILED',
            `${network.name} gave ${output.length} numbers, not rows of ${channels}.`,
          )
        }
      })
      return outputs
    },
    async weights() {
      engine.activate()
      const tensors = Object.values(graph.weights).flat()
      const values = await Promise.all(tensors.map(tensor => tensor.data() as Promise<Float32Array>))
      const names = Object.entries(graph.weights).flatMap(([name, list]) => list.map(() => name))
      return Object.fromEntries(names.map((name, i) => [name, { shape: tensors[i].shape, values: values[i] }]))
    },
    dispose() {
      graph.dispose()
    },
  }
}

/** How long after a failed read the word of a loss may come: WebGPU breaks reads off first and tells of the loss in a later turn. */
const LOSS_PATIENCE_MS = 1000

async function read(engine: Engine, results: readonly Tensor[]): Promise<Float32Array[]> {
  const values = Promise.all(results.map(result => result.data() as Promise<Float32Array>))
  if (!engine.gpu) return values
  // A context that is lost while it is read from may never answer.
  let release = (): void => {}
  const lost = new Promise<never>((_, reject) => {
    release = engine.onLost(reject)
  })
  try {
    const result = await Promise.race([values, lost])
    // It may also answer, with rubbish.
    engine.activate()
    return result
  } catch (error) {
    // The loss may be seen first as another error; `activate` throws the right one, now or when the word of it has come.
    engine.activate()
    await Promise.race([lost, new Promise(resolve => setTimeout(resolve, LOSS_PATIENCE_MS))])
    throw new FacewiseError('NETWORK_FAILED', `The results could not be read back: ${messageOf(error)}`, {
      cause: error,
    })
  } finally {
    release()
  }
}

function rejectNaN(values: Float32Array, name: string): void {
  let sum = 0
  // A finite number times zero is zero; not-a-number and infinity stay.
  for (let i = 0; i < values.length; i++) sum += values[i] * 0
  if (sum !== 0) {
    throw new FacewiseError(
      'NETWORK_FAILED',
      `${name} gave not-a-number. Try another backend (\`backend: { prefer: 'wasm' }\`).`,
    )
  }
}

function split(values: Float32Array, sizes: readonly number[]): Float32Array[] {
  let at = 0
  return sizes.map(size => {
    at += size
    return values.subarray(at - size, at)
  })
}
