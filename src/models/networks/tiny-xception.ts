/**
 * A small Xception (François Chollet: "Xception: Deep Learning with Depthwise Separable Convolutions", CVPR 2017, arXiv:1610.02357) for age
 * and gender, as Vincent Mühler drew and trained it for face-api.js: an entry of two reductions, two residual blocks, one more
 * reduction, a mean over the map and two dense layers.
 */
import {
  type Activation,
  GraphBuilder,
  type GraphModelFiles,
  type NodeRef,
  type QuantisedWeight,
  type Weight,
} from '../graph.ts'
import { plain, weightOf } from '../weight.ts'

/** Height and width of the input. */
export const TINY_XCEPTION_SIZE = 112

/** Channels of the last map. */
const FEATURES = 512

/**
 * Builds the network.
 *
 * @param weights as the npm package `@vladmandic/face-api` names and stores them (`age_gender_model`). Kernels that come as bytes are
 * stored as these bytes, others as float16.
 * @param weightFile name of the weight file, `name.bin`.
 * @returns a graph model with input `input` (`[batch, 112, 112, 3]`, RGB, less the mean, over 255) and output `age-gender` (`[batch, 3]`:
 * age in years, then the probabilities of male and female).
 * @throws FacewiseError `MODEL_INVALID` for a weight that is missing or has another shape, by its name.
 */
export function buildTinyXception(
  weights: Readonly<Record<string, Weight | QuantisedWeight>>,
  weightFile: string,
): GraphModelFiles {
  const graph = new GraphBuilder()
  const store = 'float16' as const
  const vector = (name: string, channels: number): Weight => plain(weightOf(weights, name, [channels]))

  const conv = (layer: string, x: NodeRef, from: number, to: number, size: number, activation: Activation): NodeRef =>
    graph.conv2d(layer, x, {
      filter: weightOf(weights, `${layer}/filters`, [size, size, from, to]),
      bias: vector(`${layer}/bias`, to),
      activation,
      stride: 2,
      padding: 'same',
      store,
    })
  const separable = (layer: string, x: NodeRef, from: number, to: number, activation: Activation): NodeRef => {
    const depthwise = graph.depthwiseConv2d(`${layer}/depthwise`, x, {
      filter: weightOf(weights, `${layer}/depthwise_filter`, [3, 3, from, 1]),
      padding: 'same',
      store,
    })
    return graph.conv2d(layer, depthwise, {
      filter: weightOf(weights, `${layer}/pointwise_filter`, [1, 1, from, to]),
      bias: vector(`${layer}/bias`, to),
      activation,
      store,
    })
  }
  /** @param x what the shortcut takes; the separable convolutions take it after a ReLU. */
  const reduction = (block: string, x: NodeRef, from: number, to: number, positive: NodeRef): NodeRef => {
    const first = separable(`${block}/separable_conv0`, positive, from, to, 'relu')
    const second = separable(`${block}/separable_conv1`, first, to, to, 'none')
    const pooled = graph.maxPool(`${block}/pool`, second, 3, 2, 'same')
    return graph.sum(block, pooled, conv(`${block}/expansion_conv`, x, from, to, 1, 'none'))
  }
  const residual = (block: string, x: NodeRef, channels: number): NodeRef => {
    let inner = graph.relu(`${block}/relu`, x)
    for (let i = 0; i < 3; i++) {
      inner = separable(`${block}/separable_conv${i}`, inner, channels, channels, i < 2 ? 'relu' : 'none')
    }
    return graph.sum(block, inner, x)
  }

  const size = TINY_XCEPTION_SIZE
  let x = graph.input('input', [-1, size, size, 3])
  x = conv('entry_flow/conv_in', x, 3, 32, 3, 'relu')
  x = reduction('entry_flow/reduction_block_0', x, 32, 64, x)
  x = reduction('entry_flow/reduction_block_1', x, 64, 128, graph.relu('entry_flow/relu', x))
  x = residual('middle_flow/main_block_0', x, 128)
  x = residual('middle_flow/main_block_1', x, 128)
  x = reduction('exit_flow/reduction_block', x, 128, 256, graph.relu('exit_flow/relu', x))
  x = graph.mean('mean', separable('exit_flow/separable_conv', x, 256, FEATURES, 'relu'))
  const dense = (head: string, outputs: number): NodeRef =>
    graph.dense(`fc/${head}`, x, {
      kernel: weightOf(weights, `fc/${head}/weights`, [FEATURES, outputs]),
      bias: vector(`fc/${head}/bias`, outputs),
      store,
    })
  const gender = graph.softmax('gender', dense('gender', 2))
  graph.output('age-gender', graph.concat('heads', [dense('age', 1), gender], 2))
  return graph.build(weightFile)
}
