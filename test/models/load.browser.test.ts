import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Engine, startBackend } from '../../src/backends/index.ts'
import { loadModel, type ModelSource, packagedManifests, packagedSource } from '../../src/models/index.ts'

let engine: Engine
beforeAll(async () => {
  engine = await startBackend({ prefer: 'wasm' })
})
beforeEach(() => caches.delete('facewise-models'))

function counting(inner: ModelSource): ModelSource & { count: number } {
  const source = {
    count: 0,
    locate: (path: string) => inner.locate(path),
    read: (path: string, options?: Parameters<ModelSource['read']>[1]) => {
      source.count++
      return inner.read(path, options)
    },
  }
  return source
}

describe('loading a model in a browser', () => {
  it('fetches it once, keeps it, and says how far it is', async () => {
    const source = counting(packagedSource('mtcnn'))
    const progress: number[] = []
    const model = await loadModel('mtcnn', {
      engine,
      source,
      onProgress: ({ loadedBytes, totalBytes }) => progress.push(loadedBytes / totalBytes),
    })
    model.dispose()
    expect(source.count).toBe(6)
    expect(progress.at(-1)).toBe(1)
    expect(progress).toEqual([...progress].sort((a, b) => a - b))
    ;(await loadModel('mtcnn', { engine, source })).dispose()
    expect(source.count).toBe(6)
    ;(await loadModel('mtcnn', { engine, source, cache: false })).dispose()
    expect(source.count).toBe(12)
  })

  it('reads a file anew whose kept copy is damaged', async () => {
    const source = counting(packagedSource('mtcnn'))
    ;(await loadModel('mtcnn', { engine, source })).dispose()
    const [file] = packagedManifests.mtcnn.networks[0].weights
    const cache = await caches.open('facewise-models')
    const key = (await cache.keys()).find(({ url }) => url.endsWith(file.sha256))
    expect(key).toBeDefined()
    await cache.put(key!, new Response(new Uint8Array(file.bytes)))
    ;(await loadModel('mtcnn', { engine, source })).dispose()
    expect(source.count).toBe(7)
  })

  it('says which address gives nothing, or something else', async () => {
    await expect(loadModel('mtcnn', { engine, source: 'http://localhost:1/models' })).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: expect.stringContaining('http://localhost:1/models/'),
    })
    const page: ModelSource = {
      locate: path => `https://app.example/${path}`,
      read: async () => new TextEncoder().encode('<!doctype html>'),
    }
    await expect(loadModel('mtcnn', { engine, source: page })).rejects.toMatchObject({
      code: 'MODEL_CORRUPT',
      message: expect.stringContaining('https://app.example/pnet.graph.json'),
    })
  })
})
