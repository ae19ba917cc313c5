import type { Engine } from '../src/backends/index.ts'
import { createFixedPoint } from '../src/detect/fixed-point/index.ts'
import { loadModel } from '../src/models/index.ts'
import { inTurns } from './timing.ts'

/**
 * How many multiply-adds a second P-Net does on a large picture, and what the same backend reaches on large 3x3 convolutions, which is
 * as fast as it gets.
 */
export async function measureMultiplyAdds(engine: Engine): Promise<{ name: string; perSecond: number }[]> {
  const { tf } = engine
  const height = 288
  const width = 384
  const model = await loadModel('mtcnn', { engine })
  const pnet = model.network('pnet')
  const picture = new Float32Array(height * width * 3).fill(0.1)
  const conv = (size: number, channels: number): { task: () => Promise<void>; count: number } => {
    const x = tf.randomUniform([1, size, size, channels], -1, 1) as ReturnType<typeof tf.tensor4d>
    const filter = tf.randomUniform([3, 3, channels, channels], -1, 1) as ReturnType<typeof tf.tensor4d>
    const bias = tf.zeros([channels])
    const task = async (): Promise<void> => {
      const result = tf.fused.conv2d({ x, filter, bias, strides: 1, pad: 'same' })
      await result.data()
      result.dispose()
    }
    return { task, count: size * size * 9 * channels * channels }
  }
  const conv64 = conv(80, 64)
  const conv256 = conv(40, 256)
  const run = (): Promise<unknown> => pnet.run([{ data: picture, shape: [1, height, width, 3] }])
  const lease = await (await createFixedPoint(engine, model))?.lease(
    { data: new Uint8Array(height * width * 3), width, height },
    { x: 0, y: 0, width, height },
  )
  const fixed = lease?.network('pnet') ?? pnet
  const sheet = lease?.sheets([{ width, height }])[0].fill(0.1) ?? picture
  const runFixed = (): Promise<unknown> => fixed.run([{ data: sheet, shape: [1, height, width, 3] }])
  const [p, f, c64, c256] = await inTurns([run, runFixed, conv64.task, conv256.task])
  lease?.release()
  model.dispose()
  return [
    { name: `P-Net, ${width}x${height}`, perSecond: (pnetMultiplyAdds(height, width) / p) * 1000 },
    { name: `P-Net in fixed point, ${width}x${height}`, perSecond: (pnetMultiplyAdds(height, width) / f) * 1000 },
    { name: '3x3 convolution, 64 to 64 channels, 80x80', perSecond: (conv64.count / c64) * 1000 },
    { name: '3x3 convolution, 256 to 256 channels, 40x40', perSecond: (conv256.count / c256) * 1000 },
  ]
}

/** P-Net's multiply-adds by its definition (five outputs), without what a backend adds to fill its registers. */
function pnetMultiplyAdds(height: number, width: number): number {
  const cells = (border: number): number => ((height - border) / 2) * ((width - border) / 2)
  return (height - 2) * (width - 2) * 27 * 10 + cells(6) * 90 * 16 + cells(10) * (144 * 32 + 32 * 5)
}
