import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Engine, startBackend } from '../../src/backends/index.ts'
import { GraphBuilder, type GraphModelJson } from '../../src/models/graph.ts'
import { type LoadProgress, loadModel } from '../../src/models/load.ts'
import type { Manifest, ModelFile } from '../../src/models/manifest.ts'
import { packagedManifests } from '../../src/models/packaged.ts'
import { memorySource } from '../../src/models/source.ts'
import { sha256 } from '../../src/models/verify.ts'

const manifest = packagedManifests.mtcnn as unknown as Manifest
const files = manifest.networks.flatMap(network => [network.graph, ...network.weights])
const folder = fileURLToPath(new URL('../../models/mtcnn/', import.meta.url))
const bytes: Readonly<Record<string, Uint8Array>> = Object.fromEntries(
  files.map(({ path }) => [path, new Uint8Array(readFileSync(folder + path))]),
)

let engine: Engine
let before: number
const tensors = (): number => engine.tf.memory().numTensors

beforeAll(async () => {
  engine = await startBackend({ prefer: 'wasm' })
})
// Whatever a test does, succeed or fail, no tensor stays behind.
beforeEach(() => {
  before = tensors()
})
afterEach(() => {
  expect(tensors()).toBe(before)
})

/** The packaged model with other contents of some files, and a manifest that says so. */
async function altered(
  changes: Record<string, Uint8Array>,
): Promise<{ manifest: Manifest; source: ReturnType<typeof memorySource> }> {
  const describeFile = async (file: ModelFile): Promise<ModelFile> => {
    const contents = changes[file.path] ?? bytes[file.path]
    return { path: file.path, bytes: contents.length, sha256: await sha256(contents) }
  }
  const networks = await Promise.all(
    manifest.networks.map(async network => ({
      ...network,
      graph: await describeFile(network.graph),
      weights: await Promise.all(network.weights.map(describeFile)),
    })),
  )
  return { manifest: { ...manifest, networks }, source: memorySource({ ...bytes, ...changes }) }
}

describe('loading', () => {
  test('the packaged model: its networks run, and go when it is disposed', async () => {
    const model = await loadModel('mtcnn', { engine })
    expect(tensors()).toBeGreaterThan(before)
    const rnet = model.network('rnet')
    expect(rnet.normalisation).toEqual({ scale: 1 / 128, shift: -127.5 / 128 })
    const loaded = tensors()
    const input = (batch: number): { data: Float32Array; shape: [number, number, number, number] } => ({
      data: Float32Array.from({ length: batch * 24 * 24 * 3 }, (_, i) => Math.sin(i)),
      shape: [batch, 24, 24, 3],
    })
    const [three, one] = await rnet.run([input(3), input(1)])
    expect([three.length, one.length]).toEqual([15, 5])
    // The first of three has the same numbers as the one.
    for (let i = 0; i < 5; i++) expect(three[i]).toBeCloseTo(one[i], 5)
    expect(await rnet.run([])).toEqual([])
    await expect(rnet.run([input(1)], AbortSignal.abort())).rejects.toMatchObject({ code: 'ABORTED' })
    expect(tensors()).toBe(loaded)

    expect(() => model.network('qnet')).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(/"qnet".*pnet, rnet, onet/) }),
    )
    model.dispose()
    model.dispose()
    expect(() => model.network('rnet')).toThrow(expect.objectContaining({ code: 'DISPOSED' }))
  })

  test('progress grows and ends at the total', async () => {
    const seen: LoadProgress[] = []
    const model = await loadModel('mtcnn', { engine, onProgress: progress => seen.push(progress) })
    const total = files.reduce((sum, file) => sum + file.bytes, 0)
    const counts = seen.map(p => p.loadedBytes)
    expect(counts).toEqual([...counts].sort((a, b) => a - b))
    expect(seen[seen.length - 1]).toEqual({ model: 'mtcnn', loadedBytes: total, totalBytes: total })
    expect(seen.every(p => p.totalBytes === total && p.model === 'mtcnn')).toBe(true)
    model.dispose()
  })

  test('a model that is not packaged: its manifest lies with its files', async () => {
    const own = { ...manifest, name: 'own' }
    const source = memorySource({ ...bytes, 'manifest.json': new TextEncoder().encode(JSON.stringify(own)) })
    const model = await loadModel('own', { engine, source })
    expect(model.manifest.name).toBe('own')
    model.dispose()
    await expect(loadModel('own', { engine, source: memorySource(bytes) })).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: expect.stringContaining('manifest.json'),
    })
    const broken = memorySource({ 'manifest.json': new TextEncoder().encode('{') })
    await expect(loadModel('own', { engine, source: broken })).rejects.toMatchObject({ code: 'MODEL_INVALID' })
  })

  test('a network that wants blue first gets it, and means differ by colour', async () => {
    const graph = new GraphBuilder()
    const x = graph.input('input', [-1, -1, -1, 3])
    const filter = { shape: [1, 1, 3, 3], values: Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1) }
    const bias = { shape: [3], values: new Float32Array(3) }
    graph.output('output', graph.conv2d('same', x, { filter, bias }))
    const { model: json, weights } = graph.build('same.bin')
    const contents: Record<string, Uint8Array> = {
      'same.graph.json': new TextEncoder().encode(JSON.stringify(json)),
      'same.bin': weights[0].bytes,
    }
    const file = async (path: string): Promise<ModelFile> => ({
      path,
      bytes: contents[path].length,
      sha256: await sha256(contents[path]),
    })
    const network = { name: 'same', graph: await file('same.graph.json'), weights: [await file('same.bin')] }
    const own: Manifest = {
      ...manifest,
      input: { channels: 'bgr', mean: [1, 2, 3], divisor: 4 },
      networks: [{ ...network, inputSize: [1, 2], output: 3 }],
    }
    const model = await loadModel('own', { engine, manifest: own, source: memorySource(contents) })
    const same = model.network('same')
    expect(same.normalisation).toEqual({ scale: 0.25, shift: [-0.25, -0.5, -0.75] })
    const given = Float32Array.of(1, 2, 3, 4, 5, 6)
    expect([...(await same.run([{ data: given, shape: [1, 1, 2, 3] }]))[0]]).toEqual([3, 2, 1, 6, 5, 4])
    expect([...given]).toEqual([1, 2, 3, 4, 5, 6])
    model.dispose()
  })

  test('from an address', async () => {
    const server = createServer((request, response) => response.end(Buffer.from(bytes[request.url!.slice(3)])))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const model = await loadModel('mtcnn', { engine, source: `http://127.0.0.1:${port}/m` })
    expect(model.network('pnet').name).toBe('pnet')
    model.dispose()
    server.closeAllConnections()
    server.close()
  })
})

describe('failing', () => {
  test.each(files.map(file => file.path))('%s with one other byte is found out', async path => {
    const copy = bytes[path].slice()
    copy[copy.length >> 1] ^= 1
    const source = memorySource({ ...bytes, [path]: copy })
    await expect(loadModel('mtcnn', { engine, source })).rejects.toMatchObject({
      code: 'MODEL_CORRUPT',
      message: expect.stringContaining(path),
    })
  })

  test('a file that is cut off', async () => {
    const source = memorySource({ ...bytes, 'rnet.bin': bytes['rnet.bin'].subarray(0, 1000) })
    await expect(loadModel('mtcnn', { engine, source })).rejects.toMatchObject({
      code: 'MODEL_CORRUPT',
      message: expect.stringMatching(/rnet\.bin has 1000 bytes instead of/),
    })
  })

  test('a file that is missing', async () => {
    const { 'onet.bin': _, ...rest } = bytes
    await expect(loadModel('mtcnn', { engine, source: memorySource(rest) })).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: expect.stringContaining('onet.bin'),
    })
  })

  test('a packaged file that is missing: the message says how to get it', async () => {
    const elsewhere = { ...structuredClone(manifest), name: 'not-built' }
    await expect(loadModel('x', { engine, manifest: elsewhere })).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: expect.stringMatching(/not-built.*npm run build:models/),
    })
  })

  test.each(['retinaface', 'toString', ''])('the unknown model "%s" is named, and the known ones', async name => {
    await expect(loadModel(name, { engine })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(new RegExp(`"${name}".*mtcnn`)),
    })
  })

  test('a manifest that is none', async () => {
    await expect(loadModel('mtcnn', { engine, manifest: { schema: 1 } })).rejects.toMatchObject({
      code: 'MODEL_INVALID',
    })
  })

  test('a signal', async () => {
    await expect(loadModel('mtcnn', { engine, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
  })

  test('a graph that is no JSON: named, and the networks before it are freed', async () => {
    const changed = await altered({ 'onet.graph.json': new TextEncoder().encode('{ "oops"') })
    await expect(loadModel('mtcnn', { engine, ...changed })).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining('mtcnn/onet'),
    })
  })

  test('a graph with an unknown operation: its weights, already read, are freed', async () => {
    const graph = JSON.parse(new TextDecoder().decode(bytes['rnet.graph.json'])) as GraphModelJson
    graph.modelTopology.node.find(node => node.op === 'MaxPool')!.op = 'MaxPuddle'
    const changed = await altered({ 'rnet.graph.json': new TextEncoder().encode(JSON.stringify(graph)) })
    await expect(loadModel('mtcnn', { engine, ...changed })).rejects.toMatchObject({
      name: 'FacewiseError',
      code: expect.stringMatching(/MODEL_INVALID|NETWORK_FAILED/),
    })
  })

  test('fewer weights than the graph says', async () => {
    const changed = await altered({ 'rnet.bin': bytes['rnet.bin'].slice(0, 100_000) })
    await expect(loadModel('mtcnn', { engine, ...changed })).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining('mtcnn/rnet'),
    })
  })

  test('a graph with two outputs', async () => {
    const graph = JSON.parse(new TextDecoder().decode(bytes['rnet.graph.json'])) as GraphModelJson
    graph.modelTopology.node.push({ ...graph.modelTopology.node.at(-1)!, name: 'second' })
    const changed = await altered({ 'rnet.graph.json': new TextEncoder().encode(JSON.stringify(graph)) })
    await expect(loadModel('mtcnn', { engine, ...changed })).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringMatching(/mtcnn\/rnet.*1 inputs and 2 outputs/),
    })
  })

  test('weights that are not numbers: found at the first run', async () => {
    const changed = await altered({ 'onet.bin': new Uint8Array(bytes['onet.bin'].length).fill(0xff) })
    await expect(loadModel('mtcnn', { engine, ...changed })).rejects.toMatchObject({
      code: 'NETWORK_FAILED',
      message: expect.stringContaining('onet'),
    })
  })

  test('other channels than the manifest says', async () => {
    const networks = manifest.networks.map(network => ({
      ...network,
      output: (network.output as string[]).slice(0, 3),
    }))
    await expect(loadModel('mtcnn', { engine, manifest: { ...manifest, networks } })).rejects.toMatchObject({
      code: 'NETWORK_FAILED',
      message: expect.stringContaining('rows of 3'),
    })
  })
})
