import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { WeightMap } from '../../src/models/graph.ts'
import { fromNpyFolder } from '../../src/models/weights/facenet-npy.ts'
import { readNpy } from '../../src/models/weights/npy.ts'

/** FaceNet's weights from a folder of `.npy` files. */
export function readFacenetWeights(folder: string): WeightMap {
  const { files } = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as { files: { name: string }[] }
  return fromNpyFolder(Object.fromEntries(files.map(({ name }) => [name, readNpy(readFileSync(join(folder, name)))])))
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
