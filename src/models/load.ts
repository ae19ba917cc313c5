import type { io } from '@tensorflow/tfjs-core'
import { copyNetwork } from '#platform/models'
import type { Engine } from '../backends/index.ts'
import { FacewiseError, messageOf } from '../errors.ts'
import type { NetworkParts } from './batch-messages.ts'
import { buildNetwork } from './build.ts'
import { checkedRead } from './cache.ts'
import { decodeGraph } from './fold.ts'
import type { GraphModelJson } from './graph.ts'
import type { Manifest, ModelFile, NetworkManifest } from './manifest.ts'
import type { Network } from './network.ts'
import type { PackagedName } from './packaged.ts'
import { resolveModel } from './resolve.ts'
import type { ModelSource } from './source.ts'
import { spreadNetwork } from './spread.ts'

/** Where a model comes from, and who hears how far it is. */
export interface LoadModelOptions {
  /** Its files: a source, or the address or (in Node) folder below which they are. Found by name by default (`findModel`). */
  readonly source?: ModelSource | string | URL
  /** What the model is; the package's own by default, or `manifest.json` among the files of `source`. Checked against the schema. */
  readonly manifest?: unknown
  /** Keep fetched files in the browser's Cache API, by their sha256; `true` by default, without effect in Node. */
  readonly cache?: boolean
  readonly onProgress?: (progress: LoadProgress) => void
  readonly signal?: AbortSignal
}

/** How far the loading of a model is. */
export interface LoadProgress {
  readonly model: string
  readonly loadedBytes: number
  readonly totalBytes: number
}

/** A loaded model: its manifest and its networks by name. */
export interface Model {
  readonly manifest: Manifest
  /** @throws FacewiseError `INVALID_ARGUMENT` for a name that the manifest does not have; `DISPOSED`. */
  network(name: string): Network
  /** Frees the weights. */
  dispose(): void
}

/**
 * Loads a model: reads its files, checks every one against its sha256, builds its networks and runs each once, so that the first real
 * call is as fast as the next.
 *
 * @param name a model of the package, or in Node one of the model directory; any name where `options.manifest` or `options.source` is given.
 * @throws FacewiseError `INVALID_ARGUMENT`, `MODEL_NOT_FOUND`, `MODEL_CORRUPT`, `MODEL_INVALID`, `NETWORK_FAILED`, `ABORTED`.
 */
export async function loadModel(
  name: PackagedName | (string & {}),
  options: LoadModelOptions & { readonly engine: Engine },
): Promise<Model> {
  const { engine, onProgress, signal } = options
  const { manifest, source } = await resolveModel(name, options)
  const read = checkedRead(source, options.cache !== false)

  const files = manifest.networks.flatMap(network => [network.graph, ...network.weights])
  const totalBytes = files.reduce((sum, file) => sum + file.bytes, 0)
  const loaded = new Map<ModelFile, number>()
  const report = (file: ModelFile, count: number): void => {
    loaded.set(file, Math.min(count, file.bytes))
    const loadedBytes = [...loaded.values()].reduce((a, b) => a + b, 0)
    onProgress?.({ model: manifest.name, loadedBytes, totalBytes })
  }
  const readFile = async (file: ModelFile): Promise<Uint8Array> => {
    const bytes = await read(file, { signal, onBytes: count => report(file, count) })
    report(file, file.bytes)
    return bytes
  }

  const networks = new Map<string, Network>()
  const disposeAll = (): void => {
    for (const network of networks.values()) network.dispose()
  }
  try {
    const bytes = await Promise.all(
      manifest.networks.map(async network => ({
        network,
        graph: await readFile(network.graph),
        weights: await Promise.all(network.weights.map(readFile)),
      })),
    )
    for (const { network, graph, weights } of bytes) {
      networks.set(network.name, await spread(engine, networkOf(engine, manifest, network, graph, weights)))
    }
    for (const network of manifest.networks) await warmUp(networks.get(network.name)!, network)
  } catch (error) {
    disposeAll()
    throw error
  }

  let disposed = false
  return {
    manifest,
    network(key) {
      if (disposed) throw new FacewiseError('DISPOSED', `The model ${manifest.name} was disposed.`)
      const network = networks.get(key)
      if (!network) {
        throw new FacewiseError(
          'INVALID_ARGUMENT',
          `The model ${manifest.name} has no network "${key}"; it has ${[...networks.keys()].join(', ')}.`,
        )
      }
      return network
    },
    dispose() {
      if (!disposed) disposeAll()
      disposed = true
    },
  }
}

/** A network of the files of its graph and its weights, and what it was made of. */
function networkOf(
  engine: Engine,
  manifest: Manifest,
  network: NetworkManifest,
  graph: Uint8Array,
  weights: readonly Uint8Array[],
): { network: Network; parts: NetworkParts } {
  const stored = join(weights)
  try {
    const json = JSON.parse(new TextDecoder().decode(graph)) as GraphModelJson
    const { weightsManifest, ...rest } = json
    const decoded = decodeGraph(json, stored)
    const artifacts: io.ModelArtifacts = {
      // A signature and the like, which other programs write.
      ...rest,
      convertedBy: rest.convertedBy ?? undefined,
      modelTopology: decoded?.topology ?? json.modelTopology,
      weightSpecs: decoded?.specs ?? weightsManifest.flatMap(group => group.weights),
      weightData: decoded?.data ?? stored.buffer,
    }
    const parts: NetworkParts = { manifest, name: network.name, artifacts }
    return { network: buildNetwork(engine, parts), parts }
  } catch (error) {
    throw new FacewiseError(
      'MODEL_INVALID',
      `The graph of ${manifest.name}/${network.name} cannot be loaded: ${messageOf(error)}`,
      { cause: error },
    )
  }
}

/** With copies in the engine's threads, if it has any. A detector's networks take pictures of any size, in few and small batches. */
async function spread(engine: Engine, { network, parts }: { network: Network; parts: NetworkParts }): Promise<Network> {
  if (!engine.batchThreads || parts.manifest.task === 'detection') return network
  try {
    return spreadNetwork(network, await copyNetwork(engine, parts))
  } catch (error) {
    network.dispose()
    throw error
  }
}

/** One array of several; a copy also where there is but one, so that its buffer holds nothing else. */
function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** The first run compiles and allocates; it also shows at once if this backend computes not-a-number. */
async function warmUp(network: Network, { inputSize }: NetworkManifest): Promise<void> {
  const [height, width] = inputSize === 'any' ? [64, 64] : inputSize
  await network.run([{ data: new Float32Array(height * width * 3), shape: [1, height, width, 3] }])
}
