/** A second place that uses the same database: stores `count` records at once, and says when it begins and how it ended. */
import { indexedDbStore } from '../../src/store/indexeddb.ts'

addEventListener('message', async ({ data }: MessageEvent<{ name: string; model: string; count: number }>) => {
  const { name, model, count } = data
  try {
    const store = await indexedDbStore({ name })
    postMessage('begins')
    await store.upsert(
      Array.from({ length: count }, (_, i) => ({
        id: `worker${i}`,
        subject: 'worker',
        vector: Float32Array.of(1, i, 0, 0),
        model,
      })),
    )
    await store.close()
    postMessage('stored')
  } catch (error) {
    postMessage((error as { code?: string }).code ?? String(error))
  }
})
