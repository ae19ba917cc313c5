import { FacewiseError } from '../../errors.ts'
import type { Weight } from '../graph.ts'

/**
 * The layers of FaceNet (Inception-ResNet-v1 at 160x160, 512-d) under the names of the two families of published weights.
 *
 * Sources: `src/models/inception_resnet_v1.py` of davidsandberg/facenet (MIT) for the architecture and the names with underscores;
 * `models/inception_resnet_v1.py` of timesler/facenet-pytorch (MIT) for those with dots.
 */

/** A convolution of the network, or its last dense layer. */
export interface FaceNetLayer {
  /** As in the TensorFlow model: `Block35_1_Branch_1_Conv2d_0b_3x3`. */
  readonly name: string
  /** As in facenet-pytorch: `repeat_1.0.branch1.1`. */
  readonly torch: string
  /** Height and width of the kernel; `undefined` for the dense layer. */
  readonly size: readonly [height: number, width: number] | undefined
  readonly inputs: number
  readonly outputs: number
  /**
   * The factor of a residual block, for the projection at its end, which has a bias; `undefined` for the other layers, which are followed by
   * a batch norm.
   */
  readonly scale: number | undefined
}

/** A convolution of a branch: its place in the names, its kernel and its outputs. */
type Step = readonly [place: string, height: number, width: number, outputs: number]

const BLOCK35_BRANCHES: readonly (readonly Step[])[] = [
  [['', 1, 1, 32]],
  [
    ['_0a', 1, 1, 32],
    ['_0b', 3, 3, 32],
  ],
  [
    ['_0a', 1, 1, 32],
    ['_0b', 3, 3, 32],
    ['_0c', 3, 3, 32],
  ],
]

const BLOCK17_BRANCHES: readonly (readonly Step[])[] = [
  [['', 1, 1, 128]],
  [
    ['_0a', 1, 1, 128],
    ['_0b', 1, 7, 128],
    ['_0c', 7, 1, 128],
  ],
]

const BLOCK8_BRANCHES: readonly (readonly Step[])[] = [
  [['', 1, 1, 192]],
  [
    ['_0a', 1, 1, 192],
    ['_0b', 1, 3, 192],
    ['_0c', 3, 1, 192],
  ],
]

/** All layers in the order of the network: 132 convolutions and `Bottleneck`. */
export const FACENET_LAYERS: readonly FaceNetLayer[] = [
  convolution('Conv2d_1a_3x3', 'conv2d_1a', [3, 3], 3, 32),
  convolution('Conv2d_2a_3x3', 'conv2d_2a', [3, 3], 32, 32),
  convolution('Conv2d_2b_3x3', 'conv2d_2b', [3, 3], 32, 64),
  convolution('Conv2d_3b_1x1', 'conv2d_3b', [1, 1], 64, 80),
  convolution('Conv2d_4a_3x3', 'conv2d_4a', [3, 3], 80, 192),
  convolution('Conv2d_4b_3x3', 'conv2d_4b', [3, 3], 192, 256),
  ...blocks('Block35', 'repeat_1', 5, 256, 0.17, BLOCK35_BRANCHES),
  ...branches('Mixed_6a', 'mixed_6a', 256, [
    [['_1a', 3, 3, 384]],
    [
      ['_0a', 1, 1, 192],
      ['_0b', 3, 3, 192],
      ['_1a', 3, 3, 256],
    ],
  ]),
  ...blocks('Block17', 'repeat_2', 10, 896, 0.1, BLOCK17_BRANCHES),
  ...branches('Mixed_7a', 'mixed_7a', 896, [
    [
      ['_0a', 1, 1, 256],
      ['_1a', 3, 3, 384],
    ],
    [
      ['_0a', 1, 1, 256],
      ['_1a', 3, 3, 256],
    ],
    [
      ['_0a', 1, 1, 256],
      ['_0b', 3, 3, 256],
      ['_1a', 3, 3, 256],
    ],
  ]),
  ...blocks('Block8', 'repeat_3', 5, 1792, 0.2, BLOCK8_BRANCHES),
  // The last block stands alone in facenet-pytorch, and has no factor.
  ...block('Block8_6', 'block8', 1792, 1, BLOCK8_BRANCHES),
  { name: 'Bottleneck', torch: 'last_linear', size: undefined, inputs: 1792, outputs: 512, scale: undefined },
]

function convolution(
  name: string,
  torch: string,
  size: readonly [number, number],
  inputs: number,
  outputs: number,
  scale?: number,
): FaceNetLayer {
  return { name, torch, size, inputs, outputs, scale }
}

function branches(name: string, torch: string, inputs: number, all: readonly (readonly Step[])[]): FaceNetLayer[] {
  return all.flatMap((steps, branch) =>
    steps.map(([place, height, width, outputs], i) =>
      convolution(
        `${name}_Branch_${branch}_Conv2d${place}_${height}x${width}`,
        // A branch of one convolution is that convolution; one of several is their sequence.
        `${torch}.branch${branch}${steps.length > 1 ? `.${i}` : ''}`,
        [height, width],
        i === 0 ? inputs : steps[i - 1][3],
        outputs,
      ),
    ),
  )
}

/** One residual block: its branches, and the projection of what they give together. */
function block(
  name: string,
  torch: string,
  channels: number,
  scale: number,
  all: readonly (readonly Step[])[],
): FaceNetLayer[] {
  const joined = all.reduce((sum, steps) => sum + steps[steps.length - 1][3], 0)
  return [
    ...branches(name, torch, channels, all),
    convolution(`${name}_Conv2d_1x1`, `${torch}.conv2d`, [1, 1], joined, channels, scale),
  ]
}

function blocks(
  name: string,
  torch: string,
  count: number,
  channels: number,
  scale: number,
  all: readonly (readonly Step[])[],
): FaceNetLayer[] {
  return Array.from({ length: count }, (_, i) =>
    block(`${name}_${i + 1}`, `${torch}.${i}`, channels, scale, all),
  ).flat()
}

/**
 * The tensor `key` of `tensors`.
 *
 * @throws FacewiseError `MODEL_INVALID` if it is missing, or is not of `shape`.
 */
export function tensorOf(
  tensors: Readonly<Record<string, Weight>>,
  key: string,
  shape: readonly number[],
  source: string,
): Float32Array {
  const tensor = Object.hasOwn(tensors, key) ? tensors[key] : undefined
  const size = shape.reduce((a, b) => a * b, 1)
  if (!tensor || tensor.shape.join() !== shape.join() || tensor.values.length !== size) {
    const is = tensor ? `is of shape [${tensor.shape}] with ${tensor.values.length} numbers` : 'is missing'
    throw new FacewiseError(
      'MODEL_INVALID',
      `"${key}" ${is}; FaceNet (Inception-ResNet-v1, 512-d) wants it of shape [${shape}]. Give the weights of that network: ${source}.`,
    )
  }
  return tensor.values
}

/**
 * Kernels as TensorFlow.js wants them, with the outputs last, from ones with the outputs first.
 *
 * @param values row-major, `[outputs, inputs, positions]`: OIHW with the positions together; `inputs` of 1 stands for OHWI with all but the
 * outputs together.
 * @returns `[positions, inputs, outputs]`, each output times its `factor`.
 */
export function outputsLast(
  values: Float32Array,
  [outputs, inputs, positions]: readonly [number, number, number],
  factor: (output: number) => number,
): Float32Array {
  const result = new Float32Array(values.length)
  let from = 0
  for (let output = 0; output < outputs; output++) {
    const by = factor(output)
    for (let input = 0; input < inputs; input++) {
      for (let position = 0; position < positions; position++) {
        result[(position * inputs + input) * outputs + output] = values[from++] * by
      }
    }
  }
  return result
}
