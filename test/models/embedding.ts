import type { Engine } from '../../src/backends/index.ts'
import { loadModel } from '../../src/models/index.ts'
import { noise } from '../random.ts'

/** The embeddings of two pictures of noise by the packaged embedder, 128 numbers each: the same in every browser and in Node. */
export async function embedNoise(engine: Engine): Promise<number[]> {
  const model = await loadModel('dlib-resnet-128', { engine })
  try {
    const network = model.network('embedding')
    const { scale, shift } = network.normalisation
    if (typeof shift === 'number') throw new Error('The embedder has a mean for each colour.')
    const bytes = [1, 2].flatMap(seed => [...noise(150, 150, seed).data])
    const data = Float32Array.from(bytes, (byte, i) => byte * scale + shift[i % 3])
    const [embeddings] = await network.run([{ data, shape: [2, 150, 150, 3] }])
    return [...embeddings]
  } finally {
    model.dispose()
  }
}
