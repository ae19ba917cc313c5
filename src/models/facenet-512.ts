import template from '../../models/facenet-512/manifest.json' with { type: 'json' }
import type { Convert } from './catalog.ts'
import type { ModelFile } from './manifest.ts'
import { buildInceptionResnetV1 } from './networks/inception-resnet-v1.ts'
import { sha256 } from './verify.ts'
import { fromNpyFolder } from './weights/facenet-npy.ts'
import { readNpy } from './weights/npy.ts'

/**
 * FaceNet from its published arrays: the graph, the weights as `store` says, and the manifest of the project with the files that were
 * made. (The manifest lists those of float16 from the published float16 copies or originals, which are the same.)
 */
export const convertFacenet512: Convert = async (files, { store }) => {
  const arrays = Object.fromEntries([...files].map(([name, bytes]) => [name, readNpy(bytes)]))
  const [network] = template.networks
  const built = buildInceptionResnetV1(fromNpyFolder(arrays), `${template.name}.bin`, store)
  const made = new Map<string, Uint8Array>()
  const add = async (path: string, bytes: Uint8Array): Promise<ModelFile> => {
    made.set(path, bytes)
    return { path, bytes: bytes.length, sha256: await sha256(bytes) }
  }
  const graph = await add(network.graph.path, new TextEncoder().encode(JSON.stringify(built.model)))
  const weights: ModelFile[] = []
  for (const { path, bytes } of built.weights) weights.push(await add(path, bytes))
  return { files: made, manifest: { ...template, networks: [{ ...network, graph, weights }] } }
}
