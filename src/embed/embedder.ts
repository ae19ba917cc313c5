import { type AlignableFace, alignCrops, type InputSize, mirror } from '../alignment.ts'
import type { BackendOptions, Engine } from '../backends/index.ts'
import { recovering } from '../backends/recovery.ts'
import { FacewiseError, throwIfAborted } from '../errors.ts'
import type { Picture } from '../image/picture.ts'
import { distance } from '../metrics.ts'
import { batchesFor } from '../models/batches.ts'
import { type LoadModelOptions, loadModel } from '../models/load.ts'
import type { Alignment, EmbedderManifest, Manifest } from '../models/manifest.ts'
import type { Network, NetworkInput } from '../models/network.ts'
import { type Clusters, cluster } from './clusters.ts'
import { assertOf, type Embedding } from './embedding.ts'
import { limitFor, type Verification, type VerifyOptions, verifyEmbeddings } from './verification.ts'

/** Options of {@link createEmbedder}. */
export interface EmbedderOptions {
  /** A started backend, or how to choose one. */
  readonly backend?: Engine | BackendOptions
  /** Where the model comes from, where its name alone does not say it. */
  readonly model?: LoadModelOptions
  /** How faces are cut out; as the manifest says by default. With another one the manifest's thresholds do not apply. */
  readonly alignment?: Alignment
  /** Whether the embedding of the mirrored face is added, in twice the time; as the manifest says by default. */
  readonly mirror?: boolean
  /** Whether the manifest's mean embedding is subtracted; `true` by default, without effect where the manifest has none. */
  readonly centre?: boolean
}

/** Options of {@link Embedder.embed}. */
export interface EmbedOptions {
  readonly signal?: AbortSignal
}

/** Turns faces into embeddings and compares them. */
export interface Embedder {
  readonly manifest: EmbedderManifest
  /** What {@link Embedding.model} is of its embeddings. */
  readonly id: string
  /** The backend that it runs on; another one after a lost GPU context. */
  readonly engine: Engine
  /**
   * The embeddings of faces of one picture, in their order. Several at once are faster than one by one.
   *
   * @param faces what a detector found: boxes, and landmarks where the model aligns by them.
   * @throws FacewiseError `INVALID_ARGUMENT` for a face that cannot be aligned; `DISPOSED`, `ABORTED`, `BACKEND_LOST`.
   */
  embed(picture: Picture, faces: readonly AlignableFace[], options?: EmbedOptions): Promise<Embedding[]>
  /** The embeddings of pictures that show one aligned face each; they are resized to the network's input. */
  embedAligned(crops: readonly Picture[], options?: EmbedOptions): Promise<Embedding[]>
  /** The distance of two embeddings of this model, in its metric. */
  distance(a: Embedding, b: Embedding): number
  /** Whether two embeddings of this model are one person's. @throws FacewiseError `INVALID_ARGUMENT` */
  verify(a: Embedding, b: Embedding, options?: VerifyOptions): Verification
  /**
   * Groups embeddings of this model by person (see {@link cluster}).
   *
   * @param options up to which distance groups are joined: by default the threshold at a false match rate of 1e-3.
   * @throws FacewiseError `INVALID_ARGUMENT` as `verify` and `cluster` do.
   */
  cluster(embeddings: readonly Embedding[], options?: VerifyOptions): Clusters
  /** Frees the weights. */
  dispose(): void
  [Symbol.dispose](): void
}

/** The embedder that comes with the package. */
export const DEFAULT_EMBEDDER = 'dlib-resnet-128'

/** Crops that go through the network together: more do not make it faster, and take memory. */
const LARGEST_BATCH = 16

/**
 * Loads an embedder and gets it ready.
 *
 * ```ts
 * const embedder = await createEmbedder()                    // the one in the package
 * const facenet = await createEmbedder('facenet-512')        // after `npx facewise models pull facenet-512`
 * ```
 *
 * Calls may overlap. If the GPU context is lost, the embedder goes on with the next backend.
 *
 * @param name a model of the package or of the model directory; any name where `options.model` says where it is.
 * @throws FacewiseError `BACKEND_UNAVAILABLE`, `MODEL_NOT_FOUND`, `MODEL_CORRUPT`, `MODEL_INVALID` (also for a model that is no embedder).
 */
export async function createEmbedder(
  name: string = DEFAULT_EMBEDDER,
  options: EmbedderOptions = {},
): Promise<Embedder> {
  const running = await recovering(
    options.backend,
    async engine => {
      const model = await loadModel(name, { ...options.model, engine })
      const { manifest } = model
      if (!isEmbedder(manifest)) {
        model.dispose()
        throw new FacewiseError(
          'MODEL_INVALID',
          `${manifest.name} is a model for ${manifest.task}; an embedder's manifest has the task "embedding".`,
        )
      }
      const [{ name: network }] = manifest.networks
      return { manifest, network: model.network(network), dispose: () => model.dispose() }
    },
    'This embedder was disposed; create another with createEmbedder().',
  )
  const manifest = await running.use(async loaded => loaded.manifest)
  const { embedding, input } = manifest
  const [height, width] = inputSizeOf(manifest)
  const size: InputSize = { width, height }
  const alignment = options.alignment ?? embedding.alignment
  const mirrored = options.mirror ?? embedding.mirror
  const centre = options.centre === false ? undefined : embedding.centre
  const changes = [
    ...(options.alignment ? [`alignment=${JSON.stringify(options.alignment)}`] : []),
    ...(mirrored !== embedding.mirror ? [`mirror=${mirrored}`] : []),
    ...(centre !== embedding.centre ? ['centre=false'] : []),
  ]
  /** As the manifest says, so that its thresholds apply. */
  const own = changes.length === 0
  const id = [manifest.name, changes.join(',')].filter(Boolean).join('#')

  /** Embeds `count` crops that `draw` writes, from one index to before another, a batch at a time. */
  async function embedAll(
    count: number,
    draw: (from: number, to: number, out: Float32Array) => void,
    { signal }: EmbedOptions,
  ): Promise<Embedding[]> {
    throwIfAborted(signal)
    // A disposed embedder says so before anything is drawn.
    await running.use(async () => {})
    const floats = width * height * 3
    const embeddings: Embedding[] = []
    for (const batch of batchesFor(running.engine, count, LARGEST_BATCH)) {
      const from = embeddings.length
      const to = Math.min(count, from + batch)
      const pixels = new Float32Array(batch * floats)
      draw(from, to, pixels)
      const inputs: NetworkInput[] = [{ data: pixels, shape: [batch, height, width, 3] }]
      if (mirrored) inputs.push({ data: mirror(pixels, size), shape: [batch, height, width, 3] })
      const outputs = await running.use(({ network }: { network: Network }) => network.run(inputs, signal))
      for (let i = 0; i < to - from; i++) {
        const rows = outputs.map(rows => rows.subarray(i * embedding.dimension, (i + 1) * embedding.dimension))
        embeddings.push({ vector: finish(rows, centre, embedding.metric), model: id })
      }
    }
    return embeddings
  }

  return {
    manifest,
    id,
    get engine() {
      return running.engine
    },
    embed(picture, faces, call = {}) {
      const draw = (from: number, to: number, out: Float32Array): void => {
        alignCrops(picture, faces.slice(from, to), alignment, size, input, out)
      }
      return embedAll(faces.length, draw, call)
    },
    embedAligned(crops, call = {}) {
      const whole: Alignment = { kind: 'box', margin: { x: 0, y: 0, unit: 'pixels' } }
      const draw = (from: number, to: number, out: Float32Array): void => {
        for (let i = from; i < to; i++) {
          const crop = crops[i]
          const face = { box: { x: 0, y: 0, width: crop.width, height: crop.height } }
          alignCrops(crop, [face], whole, size, input, out.subarray((i - from) * width * height * 3))
        }
      }
      return embedAll(crops.length, draw, call)
    },
    distance: (a, b) => distance(a.vector, b.vector, embedding.metric),
    verify: (a, b, how = {}) => verifyEmbeddings(a, b, manifest, id, own, how),
    cluster(embeddings, how = {}) {
      assertOf(id, embedding.dimension, embeddings)
      const { threshold } = limitFor(manifest, id, own, how)
      const { metric } = embedding
      return cluster(
        embeddings.map(({ vector }) => vector),
        { threshold, metric },
      )
    },
    dispose: running.dispose,
    [Symbol.dispose]: running.dispose,
  }
}

function isEmbedder(manifest: Manifest): manifest is EmbedderManifest {
  return manifest.task === 'embedding'
}

function inputSizeOf({ name, networks: [{ inputSize }] }: EmbedderManifest): [height: number, width: number] {
  if (inputSize !== 'any') return inputSize
  throw new FacewiseError('MODEL_INVALID', `The manifest of ${name} says no input size; an embedder needs one.`)
}

/**
 * One vector of the network's outputs for a face: that of the mirrored face is added, the mean embedding is subtracted. Where vectors
 * are compared by angle, they have length 1 after each step.
 */
function finish(
  rows: readonly Float32Array[],
  centre: readonly number[] | undefined,
  metric: EmbedderManifest['embedding']['metric'],
): Float32Array {
  const vector = rows[0].slice()
  for (const row of rows.slice(1)) for (let i = 0; i < vector.length; i++) vector[i] += row[i]
  if (metric === 'cosine') scaleToUnit(vector)
  else for (let i = 0; i < vector.length; i++) vector[i] /= rows.length
  if (centre) {
    for (let i = 0; i < vector.length; i++) vector[i] -= centre[i]
    if (metric === 'cosine') scaleToUnit(vector)
  }
  return vector
}

/** In place; a zero vector, which no face gives, stays. */
function scaleToUnit(vector: Float32Array): void {
  let sum = 0
  for (const value of vector) sum += value * value
  if (sum === 0) return
  const factor = 1 / Math.sqrt(sum)
  for (let i = 0; i < vector.length; i++) vector[i] *= factor
}
