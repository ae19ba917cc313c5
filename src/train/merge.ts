import { FacewiseError } from '../errors.ts'
import { GraphBuilder, type GraphModelFiles, type GraphModelJson, type Weight } from '../models/graph.ts'
import {
  type EmbedderManifest,
  type ModelFile,
  type NetworkManifest,
  parseManifest,
  type ThresholdTable,
} from '../models/manifest.ts'
import type { ModelSource } from '../models/source.ts'
import { sha256, verify } from '../models/verify.ts'
import { addHead } from './head.ts'
import { addSmallNetwork } from './network.ts'
import type { NamedWeight } from './trainable.ts'

/** A model as files: what a model folder holds besides cards. `memorySource(files)` reads it at once, `saveModel` writes it. */
export interface TrainedModel {
  readonly manifest: EmbedderManifest
  /** Contents by path, without the manifest. */
  readonly files: Readonly<Record<string, Uint8Array>>
}

/** A `ThresholdTable`, as `facewise/embed` gives it and manifests hold it. */
export type MeasuredThresholds = Omit<ThresholdTable, 'rates'> & {
  readonly rates: readonly {
    readonly fmr: number
    readonly threshold: number
    readonly fmrInterval: readonly [low: number, high: number]
    readonly fnmr: number
    readonly fnmrInterval: readonly [low: number, high: number]
  }[]
}

/** What is measured on people that were not learned from. */
export interface Measured {
  /** `thresholdTable` of `facewise/embed` makes it. Without it the model can embed, but not say who is the same. */
  readonly thresholds?: MeasuredThresholds
  /** `fitCalibration` of `facewise/embed` makes it. */
  readonly calibration?: { readonly slope: number; readonly intercept: number }
}

/** What {@link mergeHead} is told. */
export interface MergeOptions extends Measured {
  /** The embedder that the head was learned over: as `findModel` gives it. */
  readonly base: { readonly manifest: EmbedderManifest; readonly source: ModelSource }
  /** Of a head: {@link TrainResult.weights}. */
  readonly weights: readonly NamedWeight[]
  /** Becomes the second half of the model's name, `dlib-resnet-128+masks`: lower-case letters, digits and `. _ -`. */
  readonly name: string
  /** How it was learned, for the manifest's title and source. */
  readonly about: string
}

/**
 * A new model: the network of an embedder with a trained head as its last layers. Its first weight files are those of the base,
 * byte for byte.
 *
 * The head stands where the network ends: before mirroring, which adds what the network gives for a face and for its mirror image, and in
 * place of the mean embedding that the base subtracts, which it has taken over (see {@link head}). So it has to be learned over what
 * `createEmbedder(name, { mirror: false, centre: false })` gives. (Both embeddings that are added have length one now; those of a base
 * whose network does not end so weighed by their lengths.) The new manifest mirrors as the base does, has no mean, and compares by
 * angle. Thresholds and calibration of the base say nothing of the new model; they are left out unless measured anew.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` for a name that cannot be, or weights that do not fit; `MODEL_INVALID` for a base whose graph
 *   does not end in one output; what reading the base throws.
 */
export async function mergeHead(options: MergeOptions): Promise<TrainedModel> {
  const { base, weights, name, about } = options
  const { manifest, source } = base
  const [network] = manifest.networks
  assertPart(name)
  const { dimension } = manifest.embedding
  const named = byName(weights)
  if (named.W?.shape[0] !== dimension) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `These are no weights of a head for ${manifest.name}, whose embeddings have ${dimension} numbers.`,
    )
  }
  const read = async (file: ModelFile): Promise<Uint8Array> => {
    const bytes = await source.read(file.path)
    await verify(file, bytes, source.locate(file.path))
    return bytes
  }
  const graph = JSON.parse(new TextDecoder().decode(await read(network.graph))) as GraphModelJson
  const builder = new GraphBuilder()
  const input = builder.input(HEAD_INPUT, [-1, dimension])
  builder.output('head/output', addHead(builder, input, named))
  const merged = graft(graph, builder.build('head.bin'), manifest.name)
  const kept = await Promise.all(network.weights.map(async file => [file.path, await read(file)] as const))
  const { centre: _, thresholds: __, calibration: ___, ...embedding } = manifest.embedding
  return pack({
    files: Object.fromEntries([...kept, ...merged.weights.map(({ path, bytes }) => [path, bytes] as const)]),
    graphPath: network.graph.path,
    model: merged.model,
    manifest: {
      ...manifest,
      name: `${manifest.name}+${name}`,
      title: `${manifest.title}; with a head: ${about}`,
      source: { ...manifest.source, weights: `${manifest.source.weights}; head: ${about}` },
      embedding: { ...embedding, metric: 'cosine', ...measuredOf(options) },
    },
  })
}

/** What {@link packNetwork} is told. */
export interface PackOptions extends Measured {
  /** Of a `smallNetwork`: {@link TrainResult.weights}. */
  readonly weights: readonly NamedWeight[]
  /** Everything about the model that its weights do not say: name, title, alignment, input, licence, source. */
  readonly manifest: Omit<EmbedderManifest, 'networks' | 'schema' | 'task'>
  /** Height and width of the pictures that it was trained on. */
  readonly inputSize: readonly [height: number, width: number]
}

/**
 * A network that was trained from scratch, as a model that loads like any other.
 *
 * @throws FacewiseError `MODEL_INVALID` for a manifest that is not valid.
 */
export async function packNetwork(options: PackOptions): Promise<TrainedModel> {
  const [height, width] = options.inputSize
  const builder = new GraphBuilder()
  const input = builder.input('input', [-1, height, width, 3])
  builder.output('output', addSmallNetwork(builder, input, byName(options.weights)))
  const { model, weights } = builder.build('embedding.bin')
  return pack({
    files: Object.fromEntries(weights.map(({ path, bytes }) => [path, bytes])),
    graphPath: 'embedding.graph.json',
    model,
    manifest: {
      schema: 1,
      task: 'embedding',
      ...options.manifest,
      embedding: { ...options.manifest.embedding, ...measuredOf(options) },
      networks: [{ name: 'embedding', inputSize: [height, width], output: options.manifest.embedding.dimension }],
    },
  })
}

const HEAD_INPUT = 'head/placeholder'

/** Puts the nodes of a head behind the output of a graph. */
function graft(base: GraphModelJson, head: GraphModelFiles, name: string): GraphModelFiles {
  const nodes = base.modelTopology.node
  const used = new Set(nodes.flatMap(node => node.input ?? []).map(input => input.replace(/^\^|:.*$/g, '')))
  const ends = nodes.filter(node => !used.has(node.name) && node.op !== 'Const' && node.op !== 'Placeholder')
  const taken = nodes.some(node => node.name.startsWith('head/'))
  if (ends.length !== 1 || taken) {
    throw new FacewiseError(
      'MODEL_INVALID',
      taken
        ? `${name} has a head already: train over the model below it.`
        : `The graph of ${name} ends in ${ends.length} outputs; a head needs one.`,
    )
  }
  const added = head.model.modelTopology.node
    .filter(node => node.name !== HEAD_INPUT)
    .map(node => ({ ...node, input: node.input?.map(input => (input === HEAD_INPUT ? ends[0].name : input)) }))
  // A signature, which other programs write, names the old output.
  const { signature: _, ...rest } = base as GraphModelJson & { signature?: unknown }
  return {
    model: {
      ...rest,
      modelTopology: { ...base.modelTopology, node: [...nodes, ...added] },
      weightsManifest: [...base.weightsManifest, ...head.model.weightsManifest],
    },
    weights: head.weights,
  }
}

async function pack(made: {
  files: Record<string, Uint8Array>
  graphPath: string
  model: GraphModelJson
  manifest: Omit<EmbedderManifest, 'networks'> & { networks: Omit<NetworkManifest, 'graph' | 'weights'>[] }
}): Promise<TrainedModel> {
  const graph = new TextEncoder().encode(JSON.stringify(made.model))
  const describe = async (path: string, bytes: Uint8Array): Promise<ModelFile> => ({
    path,
    bytes: bytes.length,
    sha256: await sha256(bytes),
  })
  const [network] = made.manifest.networks
  const weights = await Promise.all(Object.entries(made.files).map(([path, bytes]) => describe(path, bytes)))
  const manifest = parseManifest({
    ...made.manifest,
    networks: [{ ...network, graph: await describe(made.graphPath, graph), weights }],
  })
  return { manifest: manifest as EmbedderManifest, files: { ...made.files, [made.graphPath]: graph } }
}

const byName = (weights: readonly NamedWeight[]): Record<string, Weight> =>
  Object.fromEntries(weights.map(({ name, shape, values }) => [name, { shape, values }]))

/** Six digits, as in the manifests of the package. */
function measuredOf({
  thresholds,
  calibration,
}: Measured): Pick<EmbedderManifest['embedding'], 'thresholds' | 'calibration'> {
  return JSON.parse(JSON.stringify({ thresholds, calibration }), (_, value) =>
    typeof value === 'number' ? Number(value.toPrecision(6)) : value,
  )
}

function assertPart(name: string): void {
  if (/^[a-z0-9][a-z0-9._-]*$/.test(name)) return
  throw new FacewiseError(
    'INVALID_ARGUMENT',
    `A name is lower-case letters, digits and . _ - and begins with a letter or digit, like "masks"; got "${name}".`,
  )
}
