/**
 * Two small convolutional networks that tell pictures of living faces from pictures of pictures by their texture.
 *
 * Dense layers over a map are convolutions of the map's size here, with the same numbers.
 */
import { GraphBuilder, type GraphModelFiles, type NodeRef, type Weight } from '../graph.ts'
import { weightOf } from '../weight.ts'

/** Height and width of the input of {@link buildAntispoof}. */
export const ANTISPOOF_SIZE = 128

/** Height and width of the input of {@link buildLivenessnet}. */
export const LIVENESSNET_SIZE = 32

/** A dense layer `[height * width * from, to]` as a kernel over the map that it flattens. */
function overMap({ values }: Weight, shape: readonly [number, number, number, number]): Weight {
  return { shape, values }
}

/**
 * Three convolutions with poolings and two dense layers, trained by "anku420" on a set of real and fake faces
 * (https://www.kaggle.com/anku420/fake-face-detection).
 *
 * @param weights as `models/antispoof.json` of the npm package `@vladmandic/human` names them.
 * @returns a graph model with input `input` (`[batch, 128, 128, 3]`, RGB from 0 to 1) and output `real` (`[batch, 1, 1, 1]`, 0 to 1).
 * @throws FacewiseError `MODEL_INVALID` for a weight that is missing or has another shape, by its name.
 */
export function buildAntispoof(weights: Readonly<Record<string, Weight>>, weightFile: string): GraphModelFiles {
  const graph = new GraphBuilder()
  const store = 'float16' as const
  const named = (index: number, shape: readonly number[]): Weight =>
    weightOf(weights, index < 0 ? 'unknown' : `unknown_${index}`, shape)

  // A ReLU before the pooling that follows gives what one after it gives.
  let x = graph.input('input', [-1, ANTISPOOF_SIZE, ANTISPOOF_SIZE, 3])
  const layer = (name: string, at: number, from: number, to: number): void => {
    const conv = graph.conv2d(name, x, {
      filter: named(at, [3, 3, from, to]),
      bias: named(at + 1, [to]),
      activation: 'relu',
      store,
    })
    x = graph.maxPool(`${name}/pool`, conv, 2, 2, 'valid')
  }
  layer('conv1', -1, 3, 64)
  layer('conv2', 1, 64, 32)
  layer('conv3', 3, 32, 16)
  x = graph.conv2d('dense1', x, {
    filter: overMap(named(5, [14 * 14 * 16, 128]), [14, 14, 16, 128]),
    bias: named(6, [128]),
    activation: 'relu',
    store,
  })
  x = graph.conv2d('dense2', x, { filter: overMap(named(7, [128, 1]), [1, 1, 128, 1]), bias: named(8, [1]), store })
  graph.output('real', graph.sigmoid('sigmoid', x))
  return graph.build(weightFile)
}

/**
 * LivenessNet: four convolutions, two poolings and two dense layers with batch norms after the ReLUs (Adrian Rosebrock: "Liveness
 * Detection with OpenCV", 2019, https://pyimagesearch.com/2019/03/11/liveness-detection-with-opencv/), trained by "leokwu"
 * (https://github.com/leokwu/livenessnet).
 *
 * @param weights as `models/liveness.json` of the npm package `@vladmandic/human` names them.
 * @returns a graph model with input `input` (`[batch, 32, 32, 3]`, RGB from 0 to 1) and output `scores` (`[batch, 1, 1, 2]`, which sum to 1).
 * @throws FacewiseError `MODEL_INVALID` for a weight that is missing or has another shape, by its name.
 */
export function buildLivenessnet(weights: Readonly<Record<string, Weight>>, weightFile: string): GraphModelFiles {
  const graph = new GraphBuilder()
  const store = 'float16' as const
  const published = (name: string, shape: readonly number[]): Weight =>
    weightOf(weights, `StatefulPartitionedCall/sequential_1/${name}`, shape)

  const normalise = (
    x: NodeRef,
    index: number,
    channels: number,
    [factors, shifts]: readonly [string, string],
  ): NodeRef =>
    graph.affine(
      `norm${index}`,
      x,
      published(`batch_normalization_${index}/${factors}`, [channels]),
      published(`batch_normalization_${index}/${shifts}`, [channels]),
    )
  const conv = (x: NodeRef, index: number, from: number, to: number): NodeRef => {
    const node = graph.conv2d(`conv${index}`, x, {
      filter: published(`conv2d_${index}/Conv2D/ReadVariableOp`, [3, 3, from, to]),
      bias: published(`conv2d_${index}/BiasAdd/ReadVariableOp`, [to]),
      activation: 'relu',
      padding: 'same',
      store,
    })
    // Not folded into the next convolution: its shift does not reach into the zeros around the map.
    return normalise(node, index, to, ['FusedBatchNormV3/Scaled', 'FusedBatchNormV3/Offset'])
  }

  let x = graph.input('input', [-1, LIVENESSNET_SIZE, LIVENESSNET_SIZE, 3])
  x = conv(conv(x, 1, 3, 16), 2, 16, 16)
  x = graph.maxPool('pool1', x, 2, 2, 'valid')
  x = conv(conv(x, 3, 16, 32), 4, 32, 32)
  x = graph.maxPool('pool2', x, 2, 2, 'valid')
  x = graph.conv2d('dense1', x, {
    filter: overMap(published('dense_1/MatMul/ReadVariableOp', [8 * 8 * 32, 64]), [8, 8, 32, 64]),
    bias: published('dense_1/BiasAdd/ReadVariableOp', [64]),
    activation: 'relu',
    store,
  })
  x = normalise(x, 5, 64, ['batchnorm/mul', 'batchnorm/sub'])
  x = graph.conv2d('dense2', x, {
    filter: overMap(published('dense_2/MatMul/ReadVariableOp', [64, 2]), [1, 1, 64, 2]),
    bias: published('dense_2/BiasAdd/ReadVariableOp', [2]),
    store,
  })
  graph.output('scores', graph.softmax('softmax', x))
  return graph.build(weightFile)
}
