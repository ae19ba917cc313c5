import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readFloatOriginal } from '../../scripts/original-weights.ts'
import { type Engine, startBackend } from '../../src/backends/index.ts'
import { createMtcnn, type Mtcnn } from '../../src/detect/index.ts'
import { decode } from '../../src/image/decode.ts'
import type { StoredDtype, Weight } from '../../src/models/graph.ts'
import type { Manifest } from '../../src/models/manifest.ts'
import { buildMtcnn, MTCNN_NETWORKS, swapSpatialAxes } from '../../src/models/networks/mtcnn.ts'
import { packagedManifests } from '../../src/models/packaged.ts'
import { directorySource } from '../../src/models/platform.node.ts'
import { type ModelSource, memorySource } from '../../src/models/source.ts'
import { sha256 } from '../../src/models/verify.ts'
import { developmentData, samplePhoto } from '../data.ts'
import { noise } from '../random.ts'
import { runDirectly } from './direct.ts'

const manifest = packagedManifests.mtcnn as unknown as Manifest

/** The published weights; nothing where they cannot be reached. Other weights than the pinned ones are no reason to skip. */
async function fetchOriginal(): Promise<Record<string, Weight> | undefined> {
  try {
    return await readFloatOriginal('mtcnn')
  } catch (error) {
    if (!UNREACHABLE.test(String((error as NodeJS.ErrnoException).code))) throw error
    console.log(`\nSKIPPED: comparisons with the published weights, which cannot be fetched (${error}).\n`)
    return undefined
  }
}

/** What `npm` says of a registry that it cannot reach or that does not answer. */
const UNREACHABLE =
  /^(E(NOTFOUND|AI_AGAIN|CONN\w+|TIMEDOUT|NETUNREACH|HOSTUNREACH)|ERR_SOCKET_TIMEOUT|FETCH_ERROR|E\d{3})$/

const original = await fetchOriginal()

/** The model built anew from the published weights. */
async function build(dense: StoredDtype): Promise<{ manifest: Manifest; source: ModelSource }> {
  const files: Record<string, Uint8Array> = {}
  const weights = swapSpatialAxes(original!)
  for (const name of MTCNN_NETWORKS) {
    const built = buildMtcnn(name, weights, `${name}.bin`, dense)
    files[`${name}.bin`] = built.weights[0].bytes
    files[`${name}.graph.json`] = new TextEncoder().encode(JSON.stringify(built.model))
  }
  const describeFile = async (path: string): Promise<{ path: string; bytes: number; sha256: string }> => ({
    path,
    bytes: files[path].length,
    sha256: await sha256(files[path]),
  })
  const networks = await Promise.all(
    manifest.networks.map(async network => ({
      ...network,
      graph: await describeFile(network.graph.path),
      weights: await Promise.all(network.weights.map(({ path }) => describeFile(path))),
    })),
  )
  return { manifest: { ...manifest, networks }, source: memorySource(files) }
}

describe.skipIf(!original)('the published weights', () => {
  let engine: Engine
  beforeAll(async () => {
    engine = await startBackend({ prefer: 'wasm' })
  })

  test('give the packaged files to the byte', async () => {
    const { manifest: built } = await build('float16')
    expect(built.networks).toEqual(manifest.networks)
  })

  test('count as the paper’s networks do', () => {
    const sizes = MTCNN_NETWORKS.map(network =>
      Object.entries(original!)
        .filter(([name]) => name.startsWith(`${network}/`))
        .reduce((sum, [, weight]) => sum + weight.values.length, 0),
    )
    expect(sizes).toEqual([6_632, 100_178, 389_040])
  })

  test.each(MTCNN_NETWORKS)('%s as packaged computes what the published one does', async network => {
    const { tf, converter } = engine
    const folder = fileURLToPath(new URL('../../models/mtcnn/', import.meta.url))
    const read = (path: string): Promise<Uint8Array> => directorySource(folder).read(path)
    const json = JSON.parse(new TextDecoder().decode(await read(`${network}.graph.json`)))
    const weightData = Uint8Array.from(await read(`${network}.bin`)).buffer
    const weightSpecs = json.weightsManifest[0].weights
    const graph = await converter.loadGraphModel(
      tf.io.fromMemory({ modelTopology: json.modelTopology, weightSpecs, weightData }),
    )
    const [height, width] = network === 'pnet' ? [31, 44] : network === 'rnet' ? [24, 24] : [48, 48]
    const values = Float32Array.from(noise(width, height, 1).data, v => (v - 127.5) / 128)
    const x = tf.tensor4d(values, [1, height, width, 3])
    const actual = graph.execute(x) as ReturnType<typeof runDirectly>
    const expected = runDirectly(tf, network, original!, x)
    expect(actual.shape).toEqual(expected.shape)
    const channels = actual.shape[3]
    const [a, e] = [await actual.data(), await expected.data()]
    // The first channel of each cell is the logit here, the probability there.
    let largest = 0
    for (let i = 0; i < e.length; i++) {
      const mine = i % channels === 0 ? 1 / (1 + Math.exp(-a[i])) : a[i]
      largest = Math.max(largest, Math.abs(mine - e[i]))
    }
    expect(largest).toBeLessThan(network === 'pnet' ? 1e-5 : 1e-3)
    graph.dispose()
  })
})

describe.skipIf(!original)('the first dense layers as float16', () => {
  let packaged: Mtcnn
  let full: Mtcnn
  beforeAll(async () => {
    const backend = await startBackend({ prefer: 'wasm' })
    packaged = await createMtcnn({ backend, minFaceSize: 30 })
    full = await createMtcnn({ backend, minFaceSize: 30, model: await build('float32') })
  })
  afterAll(() => {
    packaged?.dispose()
    full?.dispose()
  })

  const photos = [
    ...([1, 2, 3, 4, 5, 6] as const).map(samplePhoto),
    ...(developmentData
      ? ['dlib_bald_guys', 'fa_bbt1', 'wider_0_Parade_Parade_0_459', 'wider_17_Ceremony_Ceremony_17_1005'].map(name =>
          join(developmentData!, 'data', 'photos', `${name}.jpg`),
        )
      : []),
  ]
  test.each(photos)('find the same faces as float32: %s', async path => {
    const picture = await decode(path)
    const [half, whole] = [await packaged.detect(picture), await full.detect(picture)]
    expect(whole.length).toBeGreaterThan(0)
    expect(half).toHaveLength(whole.length)
    for (const [i, face] of half.entries()) {
      expect(Math.abs(face.score - whole[i].score)).toBeLessThan(1e-3)
      const side = Math.max(whole[i].box.width, whole[i].box.height)
      for (const key of ['x', 'y', 'width', 'height'] as const) {
        // A candidate that differs by one pixel of its crop would move the box by more.
        expect(Math.abs(face.box[key] - whole[i].box[key])).toBeLessThan(0.003 * side)
      }
    }
  })
})
