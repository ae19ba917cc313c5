import { createHash } from 'node:crypto'
import type { Catalog } from '../../src/models/catalog.node.ts'
import type { Convert, DownloadFile, DownloadRecipe } from '../../src/models/catalog.ts'
import { toFloat16 } from '../../src/models/half.ts'
import { type ModelFile, parseManifest } from '../../src/models/manifest.ts'
import { packagedManifests } from '../../src/models/packaged.ts'
import { random } from '../random.ts'

/** A network of one convolution over its whole input of 16 x 16 pixels, whose kernel is published in eight files. */
export const SIDE = 16
const CHANNELS = 32
const PARTS = 8
const KERNEL = SIDE * SIDE * 3 * CHANNELS

/** The kernel, `[16, 16, 3, 32]`; its numbers are exact in half precision too. */
export const kernel: Float32Array = (() => {
  const { integer } = random(11)
  return Float32Array.from({ length: KERNEL }, () => integer(-1000, 1000) / 1024)
})()

/** Contents of the published files by name: float32, or the half-precision copies of a mirror. */
export function publishedFiles(dtype: 'float32' | 'float16' = 'float32'): Map<string, Uint8Array> {
  return new Map(
    Array.from({ length: PARTS }, (_, i) => {
      const values = kernel.slice((i * KERNEL) / PARTS, ((i + 1) * KERNEL) / PARTS)
      const stored = dtype === 'float32' ? values : Uint16Array.from(values, toFloat16)
      return [`kernel-${i}.raw`, new Uint8Array(stored.buffer)]
    }),
  )
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** What may be under each name. */
export const downloadFiles: DownloadFile[] = [...publishedFiles()].map(([name, bytes]) => {
  const half = publishedFiles('float16').get(name)!
  return {
    name,
    forms: [
      { dtype: 'float32', bytes: bytes.length, sha256: digest(bytes) },
      { dtype: 'float16', bytes: half.length, sha256: digest(half) },
    ],
  }
})

/** The recipe of the model `tiny`. */
export function tinyRecipe(...bases: string[]): DownloadRecipe {
  return {
    schema: 1,
    name: 'tiny',
    title: 'A convolution for tests',
    task: 'testing',
    bases,
    licence: { spdx: 'MIT', notice: 'Made by the tests.' },
    source: { paper: 'none', weights: 'none' },
    files: downloadFiles,
  }
}

/** A catalog with the one model. */
export function tinyCatalog(base: string, convert: Convert = convertTiny): Catalog {
  return { names: ['tiny'], recipe: async () => tinyRecipe(base), convert: async () => convert }
}

/** Makes a graph model of the files; its weights are stored as float32 or float16. */
export const convertTiny: Convert = async (files, { store }) => {
  const values = downloadFiles.flatMap(({ name }) => decode(files.get(name)!))
  const half = store === 'float16'
  const weights = new Uint8Array((half ? Uint16Array.from(values, toFloat16) : Float32Array.from(values)).buffer)
  const contents = new Map([
    ['tiny.graph.json', new TextEncoder().encode(JSON.stringify(graph(half)))],
    ['weights/tiny.bin', weights],
  ])
  const [graphFile, weightFile] = [...contents].map(
    ([path, bytes]): ModelFile => ({ path, bytes: bytes.length, sha256: digest(bytes) }),
  )
  const output = Array.from({ length: CHANNELS }, (_, i) => `channel-${i}`)
  const manifest = {
    ...packagedManifests.mtcnn,
    name: 'tiny',
    title: 'A convolution for tests',
    networks: [{ name: 'tiny', graph: graphFile, weights: [weightFile], inputSize: [SIDE, SIDE], output }],
  }
  return { files: contents, manifest: parseManifest(manifest) }
}

function decode(bytes: Uint8Array): number[] {
  if (bytes.length === (KERNEL / PARTS) * 4) return Array.from(new Float32Array(bytes.slice().buffer))
  return Array.from(new Uint16Array(bytes.slice().buffer), bits => {
    const exponent = (bits >> 10) & 31
    const mantissa = bits & 1023
    const size = exponent === 0 ? (mantissa / 1024) * 2 ** -14 : (1 + mantissa / 1024) * 2 ** (exponent - 15)
    return bits & 0x8000 ? -size : size
  })
}

function graph(half: boolean): unknown {
  const float = { type: 'DT_FLOAT' }
  const integers = (values: number[]): unknown => ({ list: { i: values.map(String) } })
  const shape = { dim: [SIDE, SIDE, 3, CHANNELS].map(size => ({ size: String(size) })) }
  const input = { dim: [-1, SIDE, SIDE, 3].map(size => ({ size: String(size) })) }
  const convolution = {
    T: float,
    data_format: { s: btoa('NHWC') },
    padding: { s: btoa('VALID') },
    strides: integers([1, 1, 1, 1]),
    dilations: integers([1, 1, 1, 1]),
  }
  const node = [
    { name: 'input', op: 'Placeholder', attr: { dtype: float, shape: { shape: input } } },
    {
      name: 'kernel',
      op: 'Const',
      attr: { dtype: float, value: { tensor: { dtype: 'DT_FLOAT', tensorShape: shape } } },
    },
    { name: 'conv', op: 'Conv2D', input: ['input', 'kernel'], attr: convolution },
    { name: 'output', op: 'Identity', input: ['conv'], attr: { T: float } },
  ]
  const quantization = half ? { quantization: { dtype: 'float16', original_dtype: 'float32' } } : {}
  const weight = { name: 'kernel', shape: [SIDE, SIDE, 3, CHANNELS], dtype: 'float32', ...quantization }
  return {
    format: 'graph-model',
    generatedBy: 'facewise',
    convertedBy: null,
    modelTopology: { node, versions: { producer: 1 } },
    weightsManifest: [{ paths: ['tiny.bin'], weights: [weight] }],
  }
}
