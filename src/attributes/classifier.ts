import { type AlignableFace, alignCrops, type InputSize, mirror } from '../alignment.ts'
import type { BackendOptions, Engine } from '../backends/index.ts'
import { recovering } from '../backends/recovery.ts'
import { FacewiseError, throwIfAborted } from '../errors.ts'
import type { Picture } from '../image/picture.ts'
import { batchesFor } from '../models/batches.ts'
import { type LoadModelOptions, loadModel } from '../models/load.ts'
import type { Alignment, ClassifierManifest, Manifest } from '../models/manifest.ts'
import type { NetworkInput } from '../models/network.ts'

/** Options of {@link createClassifier}. */
export interface ClassifierOptions {
  /** A started backend, or how to choose one. */
  readonly backend?: Engine | BackendOptions
  /** Where the model comes from, where its name alone does not say it. */
  readonly model?: LoadModelOptions
  /** How faces are cut out; as the manifest says by default. */
  readonly alignment?: Alignment
  /** Whether the numbers of the mirrored face are averaged with it, in twice the time; as the manifest says by default. */
  readonly mirror?: boolean
}

/** Options of {@link Classifier.classify}. */
export interface ClassifyOptions {
  readonly signal?: AbortSignal
}

/** Describes faces. */
export interface Classifier<T> {
  readonly manifest: ClassifierManifest
  /** The backend that it runs on; another one after a lost GPU context. */
  readonly engine: Engine
  /**
   * What it says of faces of one picture, in their order. Several at once are faster than one by one.
   *
   * @param faces what a detector found: boxes, and landmarks where the model aligns by them.
   * @throws FacewiseError `INVALID_ARGUMENT` for a face that cannot be cut out; `DISPOSED`, `ABORTED`, `BACKEND_LOST`.
   */
  classify(picture: Picture, faces: readonly AlignableFace[], options?: ClassifyOptions): Promise<T[]>
  /** What it says of pictures that show one face each, as the model wants it; they are resized to the network's input. */
  classifyAligned(crops: readonly Picture[], options?: ClassifyOptions): Promise<T[]>
  /** Frees the weights. */
  dispose(): void
  [Symbol.dispose](): void
}

/**
 * What the numbers for one face mean.
 *
 * @param output in the order of `labels`.
 * @param labels as the manifest names them.
 */
export type DecodeOutput<T> = (output: Float32Array, labels: readonly string[]) => T

/** Crops that go through the network together: more do not make it faster, and take memory. */
const LARGEST_BATCH = 16

const WHOLE: Alignment = { kind: 'box', margin: { x: 0, y: 0, unit: 'pixels' } }

/**
 * Loads a classifier and gets it ready: any graph model whose manifest has the task `classification`.
 *
 * ```ts
 * const glasses = await createClassifier('glasses', ([score]) => score > 0.5, { model: { source: 'models/glasses' } })
 * const [wears] = await glasses.classify(picture, faces)
 * ```
 *
 * Calls may overlap. If the GPU context is lost, the classifier goes on with the next backend.
 *
 * @param name a model of the package or of the model directory; any name where `options.model` says where it is.
 * @param decode makes a face's result of the network's numbers.
 * @param check is called once with the names of the outputs and throws if `decode` could not do with them.
 * @throws FacewiseError `BACKEND_UNAVAILABLE`, `MODEL_NOT_FOUND`, `MODEL_CORRUPT`, `MODEL_INVALID` (also for a model that is no classifier).
 */
export async function createClassifier<T>(
  name: string,
  decode: DecodeOutput<T>,
  options: ClassifierOptions = {},
  check: (labels: readonly string[], manifest: ClassifierManifest) => void = () => {},
): Promise<Classifier<T>> {
  const running = await recovering(
    options.backend,
    async engine => {
      const model = await loadModel(name, { ...options.model, engine })
      try {
        const { manifest } = model
        if (!isClassifier(manifest)) {
          throw new FacewiseError(
            'MODEL_INVALID',
            `${manifest.name} is a model for ${manifest.task}; a classifier's manifest has the task "classification".`,
          )
        }
        check(labelsOf(manifest), manifest)
        return { manifest, network: model.network(manifest.networks[0].name), dispose: () => model.dispose() }
      } catch (error) {
        model.dispose()
        throw error
      }
    },
    'This classifier was disposed; create another.',
  )
  const manifest = await running.use(async loaded => loaded.manifest)
  const labels = labelsOf(manifest)
  const size = inputSizeOf(manifest)
  const alignment = options.alignment ?? manifest.classification.alignment
  const mirrored = options.mirror ?? manifest.classification.mirror

  /** Classifies `count` crops that `draw` writes, from one index to before another, a batch at a time. */
  async function classifyAll(
    count: number,
    draw: (from: number, to: number, out: Float32Array) => void,
    { signal }: ClassifyOptions,
  ): Promise<T[]> {
    throwIfAborted(signal)
    // A disposed classifier says so before anything is drawn.
    await running.use(async () => {})
    const shape = [size.height, size.width, 3] as const
    const results: T[] = []
    for (const batch of batchesFor(running.engine, count, LARGEST_BATCH)) {
      const from = results.length
      const to = Math.min(count, from + batch)
      const pixels = new Float32Array(batch * size.height * size.width * 3)
      draw(from, to, pixels)
      const inputs: NetworkInput[] = [{ data: pixels, shape: [batch, ...shape] }]
      if (mirrored) inputs.push({ data: mirror(pixels, size), shape: [batch, ...shape] })
      const outputs = await running.use(({ network }) => network.run(inputs, signal))
      for (let i = 0; i < to - from; i++) {
        const rows = outputs.map(rows => rows.slice(i * labels.length, (i + 1) * labels.length))
        results.push(decode(mean(rows), labels))
      }
    }
    return results
  }

  return {
    manifest,
    get engine() {
      return running.engine
    },
    classify(picture, faces, call = {}) {
      const draw = (from: number, to: number, out: Float32Array): void => {
        alignCrops(picture, faces.slice(from, to), alignment, size, manifest.input, out)
      }
      return classifyAll(faces.length, draw, call)
    },
    classifyAligned(crops, call = {}) {
      const floats = size.width * size.height * 3
      const draw = (from: number, to: number, out: Float32Array): void => {
        crops.slice(from, to).forEach((crop, i) => {
          const face = { box: { x: 0, y: 0, width: crop.width, height: crop.height } }
          alignCrops(crop, [face], WHOLE, size, manifest.input, out.subarray(i * floats))
        })
      }
      return classifyAll(crops.length, draw, call)
    },
    dispose: running.dispose,
    [Symbol.dispose]: running.dispose,
  }
}

function isClassifier(manifest: Manifest): manifest is ClassifierManifest {
  return manifest.task === 'classification'
}

function labelsOf({ networks: [{ output }] }: ClassifierManifest): readonly string[] {
  // The schema lets no classifier without names through.
  return output as string[]
}

function inputSizeOf({ name, networks: [{ inputSize }] }: ClassifierManifest): InputSize {
  if (inputSize !== 'any') return { height: inputSize[0], width: inputSize[1] }
  throw new FacewiseError('MODEL_INVALID', `The manifest of ${name} says no input size; a classifier needs one.`)
}

/** The mean of the first row and those of the mirrored face. */
function mean(rows: readonly Float32Array[]): Float32Array {
  const [first, ...rest] = rows
  for (const row of rest) for (let i = 0; i < first.length; i++) first[i] += row[i]
  if (rest.length > 0) for (let i = 0; i < first.length; i++) first[i] /= rows.length
  return first
}

/** @throws FacewiseError `MODEL_INVALID` that names what a manifest would have to name among its outputs. */
export function requireLabels(
  labels: readonly string[],
  wanted: readonly string[],
  what: string,
  { name }: ClassifierManifest,
): void {
  const missing = wanted.filter(label => !labels.includes(label))
  if (missing.length === 0) return
  throw new FacewiseError(
    'MODEL_INVALID',
    `${name} cannot tell ${what}: its manifest names the outputs ${labels.join(', ')}; ${missing.join(', ')} is missing.`,
  )
}
