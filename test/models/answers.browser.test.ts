import { beforeAll, expect, it } from 'vitest'
import { commands } from 'vitest/browser'
import { type Engine, startBackend } from '../../src/backends/index.ts'
import { loadModel, type ModelSource, packagedManifests, packagedSource } from '../../src/models/index.ts'

let engine: Engine
beforeAll(async () => {
  engine = await startBackend({ prefer: 'wasm' })
  await caches.delete('facewise-models')
})

const kept = async (): Promise<readonly Request[]> => (await caches.open('facewise-models')).keys()

it.each([
  ['/cors/none', 'MODEL_NOT_FOUND', /\/cors\/none\/pnet\.graph\.json.*404/],
  ['/cors/app', 'MODEL_CORRUPT', /\/cors\/app\/pnet\.graph\.json has \d+ bytes instead of/],
  ['/app', 'MODEL_NOT_FOUND', /\/app\/pnet\.graph\.json cannot be fetched/],
])('a server that answers %s with something else: the address, and nothing is kept', async (path, code, message) => {
  const source = (await commands.otherOrigin()) + path
  await expect(loadModel('mtcnn', { engine, source })).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message),
  })
  expect(await kept()).toHaveLength(0)
})

it('a file of the right length with other contents: the address, and it is not kept', async () => {
  const packaged = packagedSource('mtcnn')
  const [file] = packagedManifests.mtcnn.networks[1].weights
  const source: ModelSource = {
    locate: path => packaged.locate(path),
    async read(path, options) {
      const bytes = await packaged.read(path, options)
      if (path === file.path) bytes[bytes.length >> 1] ^= 1
      return bytes
    },
  }
  await expect(loadModel('mtcnn', { engine, source })).rejects.toMatchObject({
    code: 'MODEL_CORRUPT',
    message: expect.stringContaining(packaged.locate(file.path)),
  })
  expect((await kept()).filter(({ url }) => url.endsWith(file.sha256))).toEqual([])
})
