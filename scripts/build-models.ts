/**
 * Builds the files of the packaged models into `models/`: published weights (`original-weights.ts`), turned into graph models by
 * `src/models/networks`. The result must have the sha256 that the committed manifests state.
 *
 * `npm run build:models` builds what is missing or altered; `-- --force` builds all; `-- --write` also writes the manifests anew
 * (after a change of a network description, to be committed with it).
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { GraphModelFiles } from '../src/models/graph.ts'
import { type Manifest, type ModelFile, parseManifest } from '../src/models/manifest.ts'
import { buildAntispoof, buildLivenessnet } from '../src/models/networks/antispoof.ts'
import { buildDlibResnet } from '../src/models/networks/dlib-resnet.ts'
import { buildMiniXception } from '../src/models/networks/mini-xception.ts'
import { buildMtcnn, MTCNN_NETWORKS, swapSpatialAxes } from '../src/models/networks/mtcnn.ts'
import { buildTinyXception } from '../src/models/networks/tiny-xception.ts'
import { sha256 } from '../src/models/verify.ts'
import { ORIGINALS, readFloatOriginal, readOriginal } from './original-weights.ts'

type ModelName = keyof typeof ORIGINALS

/** How the networks of each model are made, by network. */
const BUILDERS: Readonly<Record<ModelName, () => Promise<Record<string, GraphModelFiles>>>> = {
  async mtcnn() {
    const weights = swapSpatialAxes(await readFloatOriginal('mtcnn'))
    return Object.fromEntries(MTCNN_NETWORKS.map(name => [name, buildMtcnn(name, weights, `${name}.bin`)]))
  },
  async 'dlib-resnet-128'() {
    return { embedding: buildDlibResnet(await readOriginal('dlib-resnet-128'), 'embedding.bin') }
  },
  async 'emotion-mini-xception'() {
    return { emotion: buildMiniXception(await readFloatOriginal('emotion-mini-xception'), 7, 'emotion.bin') }
  },
  async 'age-gender-tiny-xception'() {
    const weights = await readOriginal('age-gender-tiny-xception')
    return { 'age-gender': buildTinyXception(weights, 'age-gender.bin') }
  },
  async antispoof() {
    return { antispoof: buildAntispoof(await readFloatOriginal('antispoof'), 'antispoof.bin') }
  },
  async livenessnet() {
    return { liveness: buildLivenessnet(await readFloatOriginal('livenessnet'), 'liveness.bin') }
  },
}

const root = fileURLToPath(new URL('..', import.meta.url))
const force = process.argv.includes('--force')
const write = process.argv.includes('--write')

for (const name of Object.keys(BUILDERS) as ModelName[]) await build(name)

async function build(name: ModelName): Promise<void> {
  const folder = join(root, 'models', name)
  const manifestPath = join(folder, 'manifest.json')
  const manifest = parseManifest(JSON.parse(readFileSync(manifestPath, 'utf8')))
  if (manifest.source.sha256 !== ORIGINALS[name].sha256) {
    throw new Error(`models/${name}/manifest.json states another sha256 of its source than original-weights.ts.`)
  }
  if (!force && !write && (await upToDate(folder, manifest))) {
    console.log(`models/${name} is up to date.`)
    return
  }
  const built: Record<string, { graph: ModelFile; weights: ModelFile[] }> = {}
  for (const [network, { model, weights }] of Object.entries(await BUILDERS[name]())) {
    built[network] = {
      graph: await save(folder, `${network}.graph.json`, new TextEncoder().encode(JSON.stringify(model))),
      weights: await Promise.all(weights.map(({ path, bytes }) => save(folder, path, bytes))),
    }
  }
  const next = { ...manifest, networks: manifest.networks.map(network => ({ ...network, ...built[network.name] })) }
  if (write) writeFileSync(manifestPath, `${JSON.stringify(parseManifest(next), null, 2)}\n`)
  else if (JSON.stringify(next) !== JSON.stringify(manifest)) {
    throw new Error(
      `The files that were built differ from models/${name}/manifest.json. If that is meant, run with --write.`,
    )
  }
  const bytes = next.networks.flatMap(n => [n.graph, ...n.weights]).reduce((sum, file) => sum + file.bytes, 0)
  console.log(`models/${name} built: ${(bytes / 1e6).toFixed(2)} MB in ${next.networks.length} networks.`)
}

async function upToDate(folder: string, { networks }: Manifest): Promise<boolean> {
  for (const file of networks.flatMap(n => [n.graph, ...n.weights])) {
    const path = join(folder, file.path)
    if (!existsSync(path) || (await sha256(readFileSync(path))) !== file.sha256) return false
  }
  return true
}

async function save(folder: string, path: string, bytes: Uint8Array): Promise<ModelFile> {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), bytes)
  return { path, bytes: bytes.length, sha256: await sha256(bytes) }
}
