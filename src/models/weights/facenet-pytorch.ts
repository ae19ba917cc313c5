import { FacewiseError } from '../../errors.ts'
import type { Weight, WeightMap } from '../graph.ts'
import { FACENET_LAYERS, type FaceNetLayer, outputsLast, tensorOf } from './facenet-layers.ts'

/** Of the batch norms, in `inception_resnet_v1.py` of both families. */
const BATCH_NORM_EPSILON = 1e-3

const SOURCE = 'the state_dict of an InceptionResnetV1 of facenet-pytorch, with all its layers but `logits`'

/**
 * FaceNet's weights from the `state_dict` of facenet-pytorch's `InceptionResnetV1` (or of any network with its layer names).
 *
 * Kernels become HWIO. Batch norms, which at inference are `y = (x - mean) / sqrt(variance + 0.001) * weight + bias`, and the factors
 * of the residual blocks (0.17, 0.10, 0.20 and 1) are folded into kernels and biases, in float64. The classifier `logits` and all that is
 * not of this network are ignored, and so is the prefix `module.` that `DataParallel` puts before every name.
 *
 * @param stateDict as `readStateDict` gives it.
 * @returns for each layer `LAYER/kernel` (`[height, width, inputs, outputs]`; the dense `Bottleneck/kernel` `[1792, 512]`) and
 * `LAYER/bias`, under the names of the TensorFlow model: `Block35_1_Branch_0_Conv2d_1x1`.
 * @throws FacewiseError `MODEL_INVALID` if a tensor is missing or of another shape, or a folded weight is no finite number; it names it.
 */
export function fromFacenetPytorch(stateDict: Readonly<Record<string, Weight>>): WeightMap {
  const prefix = Object.hasOwn(stateDict, `module.${FACENET_LAYERS[0].torch}.conv.weight`) ? 'module.' : ''
  const weights: Record<string, Weight> = {}
  for (const layer of FACENET_LAYERS) {
    const { kernel, bias } = fold(layer, (key, shape) => tensorOf(stateDict, prefix + key, shape, SOURCE))
    for (const [what, weight] of [
      ['kernel', kernel],
      ['bias', bias],
    ] as const) {
      if (!allFinite(weight.values)) {
        throw new FacewiseError(
          'MODEL_INVALID',
          `The ${what} of "${prefix}${layer.torch}" with its batch norm is not finite: the file is damaged, or its training went wrong.`,
        )
      }
      weights[`${layer.name}/${what}`] = weight
    }
  }
  return weights
}

type Lookup = (key: string, shape: readonly number[]) => Float32Array

/** One layer and what follows it, up to the activation, as one kernel and one bias. */
function fold(layer: FaceNetLayer, lookup: Lookup): { kernel: Weight; bias: Weight } {
  const { torch, size, inputs, outputs, scale } = layer
  const [height, width] = size ?? [1, 1]
  const kernel = size
    ? lookup(`${torch}${scale === undefined ? '.conv' : ''}.weight`, [outputs, inputs, height, width])
    : lookup(`${torch}.weight`, [outputs, inputs])
  const { factors, offsets } =
    scale === undefined
      ? batchNorm(normOf(layer), outputs, lookup)
      : projection(lookup(`${torch}.bias`, [outputs]), scale)
  return {
    kernel: {
      shape: size ? [height, width, inputs, outputs] : [inputs, outputs],
      values: outputsLast(kernel, [outputs, inputs, height * width], output => factors[output]),
    },
    bias: { shape: [outputs], values: Float32Array.from(offsets) },
  }
}

/** What the batch norm after a layer is called. */
function normOf({ torch, size }: FaceNetLayer): string {
  return size ? `${torch}.bn` : 'last_bn'
}

/** A batch norm as one factor and one offset a channel. */
function batchNorm(name: string, channels: number, lookup: Lookup): { factors: Float64Array; offsets: Float64Array } {
  const [weight, bias, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map(key =>
    lookup(`${name}.${key}`, [channels]),
  )
  const factors = Float64Array.from(weight, (w, i) => w / Math.sqrt(variance[i] + BATCH_NORM_EPSILON))
  return { factors, offsets: factors.map((factor, i) => bias[i] - mean[i] * factor) }
}

function projection(bias: Float32Array, scale: number): { factors: Float64Array; offsets: Float64Array } {
  return { factors: new Float64Array(bias.length).fill(scale), offsets: Float64Array.from(bias, b => b * scale) }
}

/** A loop, since `every` takes longer for 23 million weights than the folding does. */
function allFinite(values: Float32Array): boolean {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return false
  return true
}
