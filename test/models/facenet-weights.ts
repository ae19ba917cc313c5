import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Weight, WeightMap } from '../../src/models/graph.ts'
import { decodeFloat16 } from '../../src/models/half.ts'

/** FaceNet's weights from a folder of float16 `.npy` files (see `buildInceptionResnetV1` for the names); kernels are OHWI there. */
export function readFacenetWeights(folder: string): WeightMap {
  const { files } = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as { files: { name: string }[] }
  return Object.fromEntries(
    files.map(({ name }): [string, Weight] => {
      const weight = readHalves(readFileSync(join(folder, name)))
      const layer = name.replace(/_(Conv2D_bias|MatMul_bias|kernel|kernel_transpose)\.npy$/, '')
      return name.endsWith('bias.npy') ? [`${layer}/bias`, weight] : [`${layer}/kernel`, outputsLast(weight)]
    }),
  )
}

/** The body of an array of NumPy's format 1.0, little-endian float16 in C order. */
function readHalves(file: Uint8Array): Weight {
  const start = 10 + file[8] + 256 * file[9]
  const header = new TextDecoder().decode(file.subarray(10, start))
  const shape = /^\{'descr': '<f2', 'fortran_order': False, 'shape': \(([\d, ]+)\)/.exec(header)?.[1]
  if (!shape) throw new Error(`Another array than was expected: ${header}`)
  const halves = new Uint16Array(Uint8Array.from(file.subarray(start)).buffer)
  const values = new Float32Array(halves.length)
  decodeFloat16(halves, values)
  return { shape: shape.split(',').filter(Boolean).map(Number), values }
}

/** `[out, ...rest]` to `[...rest, out]`. */
function outputsLast({ shape: [outputs, ...rest], values }: Weight): Weight {
  const inputs = values.length / outputs
  const turned = new Float32Array(values.length)
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) turned[i * outputs + o] = values[o * inputs + i]
  }
  return { shape: [...rest, outputs], values: turned }
}

/**
 * A PNG without its colour profile, so that its numbers are decoded as they are stored: the reference embeddings were made from those.
 */
export function withoutProfile(png: Uint8Array): Uint8Array {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength)
  const parts = [png.subarray(0, 8)]
  for (let at = 8; at < png.length; ) {
    const next = at + 12 + view.getUint32(at)
    if (String.fromCharCode(...png.subarray(at + 4, at + 8)) !== 'iCCP') parts.push(png.subarray(at, next))
    at = next
  }
  return Uint8Array.from(parts.flatMap(part => [...part]))
}
