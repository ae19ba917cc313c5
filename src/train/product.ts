import type { GradSaveFunc, Tensor, Tensor2D } from '@tensorflow/tfjs-core'
import type { TensorFlow } from './gradients.ts'

/**
 * The matrix product `a b`. TensorFlow.js' own gradient asks for products with a transposed factor, for which its WebAssembly backend has
 * a loop that is ten to twenty times slower than its kernel for plain ones; so this one transposes first.
 */
export function product(tf: TensorFlow, a: Tensor2D, b: Tensor2D): Tensor2D {
  return tf.customGrad((left, right, save) => {
    ;(save as GradSaveFunc)([left as Tensor, right as Tensor])
    return {
      value: tf.matMul(left as Tensor2D, right as Tensor2D),
      gradFunc: (dy: Tensor, [one, other]: Tensor[]) => [
        tf.matMul(dy as Tensor2D, tf.transpose(other as Tensor2D)),
        tf.matMul(tf.transpose(one as Tensor2D), dy as Tensor2D),
      ],
    }
  })(a, b) as Tensor2D
}

/** {@link product} of something that does not learn, to which no gradient is passed on. `x` must live until the gradient is taken. */
export function productOfInput(tf: TensorFlow, x: Tensor2D, b: Tensor2D): Tensor2D {
  return tf.customGrad(right => ({
    value: tf.matMul(x, right as Tensor2D),
    gradFunc: (dy: Tensor) => tf.matMul(tf.transpose(x), dy as Tensor2D),
  }))(b) as Tensor2D
}
