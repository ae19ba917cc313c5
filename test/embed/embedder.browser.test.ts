import { expect, it } from 'vitest'
import { commands } from 'vitest/browser'
import sample1 from '../../node_modules/@vladmandic/face-api/demo/sample1.jpg?url'
import { startBackend } from '../../src/backends/index.ts'
import { createEmbedder } from '../../src/embed/index.ts'
import { decode, resizeArea } from '../../src/image/index.ts'

const WIDTH = 480
const HEIGHT = 320

it.each(['wasm', 'webgl'] as const)(
  'faces of a photo in Chromium on %s: the embeddings that Node gives',
  async prefer => {
    const backend = await startBackend({ prefer, timeoutMs: 60_000 })
    const embedder = await createEmbedder(undefined, { backend })
    expect(embedder.engine.backend).toBe(prefer)
    const { faces, vectors } = await commands.embedInNode(1, WIDTH, HEIGHT)
    expect(faces).toHaveLength(3)
    const before = backend.tf.memory().numTensors
    // Decoded, aligned and embedded here.
    const embeddings = await embedder.embed(resizeArea(await decode(sample1), WIDTH, HEIGHT), faces)
    expect(backend.tf.memory().numTensors).toBe(before)
    expect(embeddings).toHaveLength(3)
    for (const [i, { vector }] of embeddings.entries()) {
      const cosine = vector.reduce((sum, value, k) => sum + value * vectors[i][k], 0)
      expect(cosine).toBeGreaterThanOrEqual(0.9999)
    }
    embedder.dispose()
  },
)

it('a model that does not come with the package says how to serve it', async () => {
  await expect(createEmbedder('facenet-512', { backend: { prefer: 'wasm' } })).rejects.toMatchObject({
    code: 'MODEL_NOT_FOUND',
    message: expect.stringContaining('facewise models pull facenet-512'),
  })
})
