import { beforeAll, describe, expect, it } from 'vitest'
import { type Engine, startBackend } from '../../src/backends/index.ts'
import {
  findModel,
  loadModel,
  memorySource,
  packagedManifests,
  packagedSource,
  pullModel,
} from '../../src/models/index.ts'

let engine: Engine
beforeAll(async () => {
  engine = await startBackend({ prefer: 'wasm' })
})

describe('finding a model in a browser', () => {
  it('finds those of the package', async () => {
    const { manifest, source } = await findModel('mtcnn')
    expect(manifest.name).toBe('mtcnn')
    expect((await source.read('pnet.bin')).length).toBe(packagedManifests.mtcnn.networks[0].weights[0].bytes)
  })

  it('says how to serve one that must be pulled', async () => {
    const advice = /npx facewise models pull facenet-512 --dir public\/models.*source: '\/models\/facenet-512\/'/
    await expect(findModel('facenet-512')).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: expect.stringMatching(advice),
    })
    await expect(loadModel('facenet-512', { engine })).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' })
    await expect(pullModel('facenet-512')).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(advice),
    })
  })

  it('names the known ones where a name is unknown', async () => {
    await expect(findModel('facenet')).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('there is mtcnn'),
    })
  })

  it('reads the manifest of a served model from among its files', async () => {
    const manifest = { ...packagedManifests.mtcnn, name: 'served' }
    const paths = manifest.networks.flatMap(({ graph, weights }) => [graph, ...weights]).map(({ path }) => path)
    const contents = await Promise.all(
      paths.map(async path => [path, await packagedSource('mtcnn').read(path)] as const),
    )
    const source = memorySource({
      ...Object.fromEntries(contents),
      'manifest.json': new TextEncoder().encode(JSON.stringify(manifest)),
    })
    const model = await loadModel('served', { engine, source })
    expect(model.manifest.name).toBe('served')
    expect(model.network('pnet').name).toBe('pnet')
    model.dispose()
  })

  it('says so where a site answers with its page, or nothing is there', async () => {
    const page = memorySource({ 'manifest.json': new TextEncoder().encode('<!doctype html><title>App</title>') })
    await expect(loadModel('served', { engine, source: page })).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining('is a web page, not a manifest'),
    })
    await expect(loadModel('served', { engine, source: memorySource({}) })).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
    })
    const other = memorySource({
      'manifest.json': new TextEncoder().encode(JSON.stringify(packagedManifests.mtcnn)),
    })
    await expect(loadModel('served', { engine, source: other })).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining('model mtcnn, not of served'),
    })
  })
})
