import type * as Tf from '@tensorflow/tfjs-core'
import type { WeightMap } from '../../../src/models/graph.ts'

/**
 * Inception-ResNet-v1 from folded weights, operation by operation and without any graph: what the weights alone have to give.
 *
 * @param x `[batch, 160, 160, 3]`, RGB, `(x - 127.5) / 128`.
 * @returns `[batch, 512]`, each row of length 1.
 */
export function runInceptionResnet(tf: typeof Tf, weights: WeightMap, x: Tf.Tensor4D): Tf.Tensor2D {
  type Map4D = Tf.Tensor4D
  const linear = (input: Map4D, name: string, stride = 1, padding: 'valid' | 'same' = 'same'): Map4D => {
    const { shape, values } = weights[`${name}/kernel`]
    const kernel = tf.tensor4d(values, shape as [number, number, number, number])
    return tf.add(tf.conv2d(input, kernel, stride, padding), tf.tensor1d(weights[`${name}/bias`].values))
  }
  const convolve = (...args: Parameters<typeof linear>): Map4D => tf.relu(linear(...args))
  const shrink = (input: Map4D, name: string): Map4D => convolve(input, name, 2, 'valid')
  const pool = (input: Map4D): Map4D => tf.maxPool(input, 3, 2, 'valid')
  const chain = (input: Map4D, prefix: string, ...names: string[]): Map4D =>
    names.reduce((y, name) => convolve(y, `${prefix}_Conv2d_${name}`), input)
  const block = (input: Map4D, name: string, branches: string[][], activate = true): Map4D => {
    const joined = branches.map((names, i) => chain(input, `${name}_Branch_${i}`, ...names))
    const sum = tf.add(input, linear(tf.concat(joined, 3), `${name}_Conv2d_1x1`)) as Map4D
    return activate ? tf.relu(sum) : sum
  }

  return tf.tidy(() => {
    let y = convolve(shrink(x, 'Conv2d_1a_3x3'), 'Conv2d_2a_3x3', 1, 'valid')
    y = pool(convolve(y, 'Conv2d_2b_3x3'))
    y = convolve(convolve(y, 'Conv2d_3b_1x1'), 'Conv2d_4a_3x3', 1, 'valid')
    y = shrink(y, 'Conv2d_4b_3x3')
    for (let i = 1; i <= 5; i++) {
      y = block(y, `Block35_${i}`, [['1x1'], ['0a_1x1', '0b_3x3'], ['0a_1x1', '0b_3x3', '0c_3x3']])
    }
    y = tf.concat(
      [
        shrink(y, 'Mixed_6a_Branch_0_Conv2d_1a_3x3'),
        shrink(chain(y, 'Mixed_6a_Branch_1', '0a_1x1', '0b_3x3'), 'Mixed_6a_Branch_1_Conv2d_1a_3x3'),
        pool(y),
      ],
      3,
    )
    for (let i = 1; i <= 10; i++) y = block(y, `Block17_${i}`, [['1x1'], ['0a_1x1', '0b_1x7', '0c_7x1']])
    y = tf.concat(
      [
        shrink(chain(y, 'Mixed_7a_Branch_0', '0a_1x1'), 'Mixed_7a_Branch_0_Conv2d_1a_3x3'),
        shrink(chain(y, 'Mixed_7a_Branch_1', '0a_1x1'), 'Mixed_7a_Branch_1_Conv2d_1a_3x3'),
        shrink(chain(y, 'Mixed_7a_Branch_2', '0a_1x1', '0b_3x3'), 'Mixed_7a_Branch_2_Conv2d_1a_3x3'),
        pool(y),
      ],
      3,
    )
    for (let i = 1; i <= 6; i++) y = block(y, `Block8_${i}`, [['1x1'], ['0a_1x1', '0b_1x3', '0c_3x1']], i < 6)
    const dense = tf.matMul(
      tf.mean(y, [1, 2]) as Tf.Tensor2D,
      tf.tensor2d(weights['Bottleneck/kernel'].values, [1792, 512]),
    )
    const embedding = tf.add(dense, tf.tensor1d(weights['Bottleneck/bias'].values))
    return tf.div(embedding, tf.norm(embedding, 2, 1, true))
  })
}
