import type { Weight, WeightMap } from '../graph.ts'
import { FACENET_LAYERS, outputsLast, tensorOf } from './facenet-layers.ts'

const SOURCE = 'the 266 .npy files of facenet_nhwc, by their file names'

/**
 * FaceNet's weights from the published folder of 266 `.npy` files, in which batch norms and the factors of the residual blocks are folded
 * already. Kernels, OHWI there, become HWIO.
 *
 * @param files by file name (`Conv2d_1a_3x3_kernel.npy`, `Conv2d_1a_3x3_Conv2D_bias.npy`, ..., `Bottleneck_kernel_transpose.npy`,
 * `Bottleneck_MatMul_bias.npy`), as `readNpy` gives them; others are ignored.
 * @returns the same as `fromFacenetPytorch`: for each layer `LAYER/kernel` (`[height, width, inputs, outputs]`; `Bottleneck/kernel`
 * `[1792, 512]`) and `LAYER/bias`.
 * @throws FacewiseError `MODEL_INVALID` if a file is missing or its array is of another shape; it names the file.
 */
export function fromNpyFolder(files: Readonly<Record<string, Weight>>): WeightMap {
  const weights: Record<string, Weight> = {}
  for (const { name, size, inputs, outputs } of FACENET_LAYERS) {
    const rest = size ? [...size, inputs] : [inputs]
    const kernel = tensorOf(files, `${name}_kernel${size ? '' : '_transpose'}.npy`, [outputs, ...rest], SOURCE)
    const bias = tensorOf(files, `${name}_${size ? 'Conv2D' : 'MatMul'}_bias.npy`, [outputs], SOURCE)
    const rows = kernel.length / outputs
    weights[`${name}/kernel`] = {
      shape: [...rest, outputs],
      values: outputsLast(kernel, [outputs, 1, rows], () => 1),
    }
    weights[`${name}/bias`] = { shape: [outputs], values: bias.slice() }
  }
  return weights
}
