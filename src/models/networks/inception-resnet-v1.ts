/**
 * Inception-ResNet-v1 with a 512-dimensional embedding: Szegedy, Ioffe, Vanhoucke, Alemi: "Inception-v4, Inception-ResNet and the Impact
 * of Residual Connections on Learning", AAAI 2017, section 3.2, with the stem, sizes and last layers of David Sandberg's `facenet`, which
 * trained it as the network of Schroff, Kalenichenko, Philbin: "FaceNet: A Unified Embedding for Face Recognition and Clustering",
 * CVPR 2015.
 *
 * Batch norms and the factors of the residual blocks are folded into the weights: a block is the input plus a projection of its
 * branches.
 */
import {
  type Activation,
  GraphBuilder,
  type GraphModelFiles,
  type NodeRef,
  type StoredDtype,
  type WeightMap,
} from '../graph.ts'
import { weightOf } from '../weight.ts'

/** Height and width of the input. */
export const INCEPTION_RESNET_V1_SIZE = 160

/** Numbers of the embedding. */
export const INCEPTION_RESNET_V1_DIMENSION = 512

/** A convolution's name within its block, its output channels and what differs from a 1x1 one with stride 1. */
type Layer = readonly [
  name: string,
  channels: number,
  options?: {
    readonly size?: readonly [height: number, width: number]
    readonly stride?: number
    readonly valid?: true
  },
]

const THREE = [3, 3] as const
const REDUCE = { size: THREE, stride: 2, valid: true } as const

/** The layers before the first block; a maximum is taken over 3x3 with stride 2 after the third. */
const STEM: readonly Layer[] = [
  ['Conv2d_1a_3x3', 32, REDUCE],
  ['Conv2d_2a_3x3', 32, { size: THREE, valid: true }],
  ['Conv2d_2b_3x3', 64, { size: THREE }],
  ['Conv2d_3b_1x1', 80],
  ['Conv2d_4a_3x3', 192, { size: THREE, valid: true }],
  ['Conv2d_4b_3x3', 256, REDUCE],
]
const STEM_POOL_AFTER = 3

/** The branches of each block; each begins at the block's input, and their outputs are joined. */
const BLOCK35: readonly Layer[][] = [
  [['Branch_0_Conv2d_1x1', 32]],
  [
    ['Branch_1_Conv2d_0a_1x1', 32],
    ['Branch_1_Conv2d_0b_3x3', 32, { size: THREE }],
  ],
  [
    ['Branch_2_Conv2d_0a_1x1', 32],
    ['Branch_2_Conv2d_0b_3x3', 32, { size: THREE }],
    ['Branch_2_Conv2d_0c_3x3', 32, { size: THREE }],
  ],
]
const BLOCK17: readonly Layer[][] = [
  [['Branch_0_Conv2d_1x1', 128]],
  [
    ['Branch_1_Conv2d_0a_1x1', 128],
    ['Branch_1_Conv2d_0b_1x7', 128, { size: [1, 7] }],
    ['Branch_1_Conv2d_0c_7x1', 128, { size: [7, 1] }],
  ],
]
const BLOCK8: readonly Layer[][] = [
  [['Branch_0_Conv2d_1x1', 192]],
  [
    ['Branch_1_Conv2d_0a_1x1', 192],
    ['Branch_1_Conv2d_0b_1x3', 192, { size: [1, 3] }],
    ['Branch_1_Conv2d_0c_3x1', 192, { size: [3, 1] }],
  ],
]

/** The blocks that halve the map; a maximum over 3x3 with stride 2 is their last branch. */
const MIXED_6A: readonly Layer[][] = [
  [['Branch_0_Conv2d_1a_3x3', 384, REDUCE]],
  [
    ['Branch_1_Conv2d_0a_1x1', 192],
    ['Branch_1_Conv2d_0b_3x3', 192, { size: THREE }],
    ['Branch_1_Conv2d_1a_3x3', 256, REDUCE],
  ],
]
const MIXED_7A: readonly Layer[][] = [
  [
    ['Branch_0_Conv2d_0a_1x1', 256],
    ['Branch_0_Conv2d_1a_3x3', 384, REDUCE],
  ],
  [
    ['Branch_1_Conv2d_0a_1x1', 256],
    ['Branch_1_Conv2d_1a_3x3', 256, REDUCE],
  ],
  [
    ['Branch_2_Conv2d_0a_1x1', 256],
    ['Branch_2_Conv2d_0b_3x3', 256, { size: THREE }],
    ['Branch_2_Conv2d_1a_3x3', 256, REDUCE],
  ],
]

/** A map of the network and how many channels it has. */
interface Map {
  readonly node: NodeRef
  readonly channels: number
}

/**
 * Builds the network.
 *
 * @param weights for each layer `LAYER/kernel` (`[height, width, in, out]`) and `LAYER/bias`, batch norm and residual factors folded.
 * Layers are `Conv2d_1a_3x3`, ..., `Block35_1_Branch_0_Conv2d_1x1`, ..., `Block35_1_Conv2d_1x1` (a block's projection; five of them),
 * `Mixed_6a_...`, `Block17_1_...` (ten), `Mixed_7a_...`, `Block8_1_...` (six) and `Bottleneck` (`kernel` is `[1792, 512]`).
 * @param weightFile name of the weight file, `name.bin`; over 4 MiB it is split into `name.1of12.bin` and so on.
 * @returns a graph model with input `input` (`[batch, 160, 160, 3]`, RGB, `(x - 127.5) / 128`) and output `embedding`
 * (`[batch, 512]`, each of Euclidean length 1).
 * @throws FacewiseError `MODEL_INVALID` for a weight that is missing or has another shape, by its name.
 */
export function buildInceptionResnetV1(
  weights: WeightMap,
  weightFile: string,
  store: StoredDtype = 'float32',
): GraphModelFiles {
  const graph = new GraphBuilder()

  const named = (name: string, shape: readonly number[]) => weightOf(weights, name, shape)

  const conv = (x: Map, block: string, [name, channels, options]: Layer, activation: Activation = 'relu'): Map => {
    const { size = [1, 1], stride = 1, valid = false } = options ?? {}
    const layer = block + name
    const node = graph.conv2d(layer, x.node, {
      filter: named(`${layer}/kernel`, [...size, x.channels, channels]),
      bias: named(`${layer}/bias`, [channels]),
      activation,
      stride,
      padding: valid ? 'valid' : 'same',
      store,
    })
    return { node, channels }
  }

  const branches = (x: Map, block: string, layers: readonly Layer[][], more: readonly Map[] = []): Map => {
    const ends = [...layers.map(branch => branch.reduce((map, layer) => conv(map, block, layer), x)), ...more]
    return {
      node: graph.concat(
        `${block}concat`,
        ends.map(end => end.node),
      ),
      channels: ends.reduce((sum, end) => sum + end.channels, 0),
    }
  }

  const residual = (x: Map, block: string, layers: readonly Layer[][], activation: Activation = 'relu'): Map => {
    const projected = conv(branches(x, block, layers), block, ['Conv2d_1x1', x.channels], 'none')
    return { node: graph.sum(`${block}out`, x.node, projected.node, activation), channels: x.channels }
  }

  const pool = (x: Map, name: string): Map => ({
    node: graph.maxPool(name, x.node, 3, 2, 'valid'),
    channels: x.channels,
  })
  const reduction = (x: Map, block: string, layers: readonly Layer[][]): Map =>
    branches(x, block, layers, [pool(x, `${block}pool`)])

  const size = INCEPTION_RESNET_V1_SIZE
  let x: Map = { node: graph.input('input', [-1, size, size, 3]), channels: 3 }
  STEM.forEach((layer, i) => {
    x = conv(x, '', layer)
    if (i + 1 === STEM_POOL_AFTER) x = pool(x, 'MaxPool_3a_3x3')
  })
  for (let i = 1; i <= 5; i++) x = residual(x, `Block35_${i}_`, BLOCK35)
  x = reduction(x, 'Mixed_6a_', MIXED_6A)
  for (let i = 1; i <= 10; i++) x = residual(x, `Block17_${i}_`, BLOCK17)
  x = reduction(x, 'Mixed_7a_', MIXED_7A)
  // The last block has no ReLU: the embedding may go in every direction.
  for (let i = 1; i <= 6; i++) x = residual(x, `Block8_${i}_`, BLOCK8, i < 6 ? 'relu' : 'none')

  const dimension = INCEPTION_RESNET_V1_DIMENSION
  const raw = graph.dense('Bottleneck', graph.mean('AvgPool', x.node), {
    kernel: named('Bottleneck/kernel', [x.channels, dimension]),
    bias: named('Bottleneck/bias', [dimension]),
    store,
  })
  graph.output('embedding', graph.normalise('normalised', raw))
  return graph.build(weightFile)
}
