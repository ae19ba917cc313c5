import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { startBackend } from '../backends/index.ts'
import { createMtcnn, type Face, oneFace } from '../detect/index.ts'
import {
  allPairs,
  bestAccuracy,
  createEmbedder,
  DEFAULT_EMBEDDER,
  distributions,
  type EmbedderManifest,
  fitCalibration,
  packVectors,
  tarAtFar,
  thresholdTable,
  type VectorMatrix,
} from '../embed/index.ts'
import { FacewiseError, messageOf } from '../errors.ts'
import type { Picture, Point } from '../image/index.ts'
import { findModel, type ModelSource } from '../models/index.ts'
import { resolveModel } from '../models/resolve.ts'
import type { Measured } from '../train/index.ts'
import type { FaceChoice } from './choice.ts'
import { expandInputs } from './inputs.ts'
import { placeOf } from './looker.ts'
import { DETECTOR_DEFAULTS, detectorSettings } from './options.ts'
import type { RecogniserOptions } from './recogniser.ts'

/** Fewer people with two pictures are no basis: a quarter each is kept for choosing and for measuring. */
export const LEAST_PEOPLE = 12

/** A picture of a folder of folders, and whose it is. */
export interface PersonPicture {
  readonly person: string
  readonly path: string
}

/**
 * The pictures of a folder with one folder a person.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` for a folder that cannot be read or has no folders in it.
 */
export async function peopleOf(folder: string): Promise<PersonPicture[]> {
  let names: string[]
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    names = entries
      .filter(entry => entry.isDirectory() || entry.isSymbolicLink())
      .map(entry => entry.name)
      .filter(name => !name.startsWith('.'))
      .sort()
  } catch (error) {
    throw new FacewiseError('INVALID_ARGUMENT', `The folder "${folder}" cannot be read: ${messageOf(error)}`, {
      cause: error,
    })
  }
  if (names.length === 0) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `The folder "${folder}" has no folders in it: put one there for each person.`,
    )
  }
  const pictures: PersonPicture[] = []
  for (const person of names) {
    for (const { name, error } of await expandInputs([join(folder, person)]))
      if (!error) pictures.push({ person, path: name })
  }
  return pictures
}

/**
 * Refuses what nobody could learn from, before anything is loaded.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` that counts what is there and says what is needed.
 */
export function refuseTooFew(people: readonly string[], what: 'pictures' | 'faces'): void {
  const counts = new Map<string, number>()
  for (const person of people) counts.set(person, (counts.get(person) ?? 0) + 1)
  const several = [...counts.values()].filter(count => count > 1).length
  if (several >= LEAST_PEOPLE) return
  throw new FacewiseError(
    'INVALID_ARGUMENT',
    `${several} of ${counts.size} people have two ${what} or more; learning needs ${LEAST_PEOPLE} such people or more, of whom half are kept to choose and to measure on. ` +
      'Some hundred people with three pictures each are where a head begins to carry over to others.',
  )
}

/** The vectors of a face as the network gives them: before mirroring and without the mean subtracted. */
export interface RawFace {
  readonly vector: Float32Array
  /** Of the mirrored picture; absent for crops that cannot be mirrored or where nobody asked. */
  readonly mirrored?: Float32Array
}

/** Finds faces and embeds them raw. */
export interface RawEmbedder {
  readonly base: { readonly manifest: EmbedderManifest; readonly source: ModelSource }
  readonly engine: Awaited<ReturnType<typeof startBackend>>
  /** @throws FacewiseError `FACE_NOT_FOUND`, `FACE_AMBIGUOUS`. */
  embed(picture: Picture, withMirrored: boolean): Promise<RawFace>
  dispose(): void
}

/** Loads what {@link RawEmbedder} needs. */
export async function createRawEmbedder(
  options: RecogniserOptions & { readonly faces: FaceChoice },
): Promise<RawEmbedder> {
  const { embedder: name = DEFAULT_EMBEDDER, aligned, faces: rule } = options
  const settings = detectorSettings(options, DETECTOR_DEFAULTS)
  const engine = await startBackend(settings.backend && 'prefer' in settings.backend ? settings.backend : {})
  const place = placeOf(name)
  const found = place ? await resolveModel(name, place) : await findModel(name)
  const { manifest, source } = found
  if (manifest.task !== 'embedding') {
    throw new FacewiseError('INVALID_ARGUMENT', `${manifest.name} is a model for ${manifest.task}; choose an embedder.`)
  }
  const embedder = await createEmbedder(manifest.name, {
    backend: engine,
    mirror: false,
    centre: false,
    model: { manifest, source },
  })
  const detector = aligned ? undefined : await createMtcnn({ ...settings, backend: engine })
  return {
    base: { manifest, source },
    engine,
    async embed(picture, withMirrored) {
      if (!detector) {
        const crops = withMirrored ? [picture, mirrorPicture(picture)] : [picture]
        const [first, second] = await embedder.embedAligned(crops)
        return { vector: first.vector, mirrored: second?.vector }
      }
      const face = oneFace(await detector.detect(picture), picture, rule === 'all' ? 'largest' : rule)
      const [{ vector }] = await embedder.embed(picture, [face])
      if (!withMirrored) return { vector }
      // With a box the crop is the mirrored one to the bit; with points nearly, as far as the template is symmetrical.
      const [mirrored] = await embedder.embed(mirrorPicture(picture), [mirrorFace(face, picture.width)])
      return { vector, mirrored: mirrored.vector }
    },
    dispose() {
      embedder.dispose()
      detector?.dispose()
    },
  }
}

function mirrorPicture({ data, width, height }: Picture): Picture {
  const out = new Uint8Array(data.length)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * width + x) * 3
      out.set(data.subarray(from, from + 3), (y * width + width - 1 - x) * 3)
    }
  }
  return { data: out, width, height }
}

/** Left and right are as seen in the picture, so eyes and mouth corners change places. */
function mirrorFace(face: Face, width: number): Face {
  const { box, landmarks } = face
  const moved = ([x, y]: Point): Point => [width - x, y]
  return {
    ...face,
    box: { ...box, x: width - box.x - box.width },
    landmarks: landmarks && [
      moved(landmarks[1]),
      moved(landmarks[0]),
      moved(landmarks[2]),
      moved(landmarks[4]),
      moved(landmarks[3]),
    ],
  }
}

/** How well embeddings tell the people of a group apart. */
export interface Rates {
  readonly genuine: number
  readonly impostor: number
  /** At the threshold that is best on these pairs, each kind of error counted as often as it comes. */
  readonly accuracy: number
  /** True accept rate where one of 100 pairs of strangers passes. */
  readonly tar: number
}

export const FAR = 1e-2
const FMRS = [1e-2, 1e-3, 1e-4]

/** {@link Rates} of all pairs of some faces. */
export function ratesOf(embeddings: VectorMatrix, people: readonly string[]): Rates {
  const { genuine, impostor } = allPairs(embeddings, people, 'cosine')
  const sorted = distributions(genuine.distances, impostor.distances)
  return {
    genuine: genuine.distances.length,
    impostor: impostor.distances.length,
    accuracy: bestAccuracy(sorted).rate,
    tar: tarAtFar(sorted, FAR).tar.rate,
  }
}

/** Thresholds and calibration for the manifest, as far as these pairs carry them. */
export function measure(embeddings: VectorMatrix, people: readonly string[], measuredOn: string): Measured {
  const { genuine, impostor } = allPairs(embeddings, people, 'cosine')
  const table = thresholdTable(genuine.distances, impostor.distances, FMRS, measuredOn)
  return {
    thresholds: table.rates.length > 0 ? table : undefined,
    calibration: fitCalibration(genuine.distances, impostor.distances),
  }
}

/** What an embedder makes of the network's outputs for a face and its mirror image: the sum, at length one. */
export function joinMirrored(straight: VectorMatrix, mirrored: VectorMatrix | undefined): VectorMatrix {
  if (!mirrored) return straight
  const { count, dimension } = straight
  return packVectors(
    Array.from({ length: count }, (_, i) => {
      const sum = Float32Array.from(
        { length: dimension },
        (_, k) => straight.data[i * dimension + k] + mirrored.data[i * dimension + k],
      )
      const length = Math.hypot(...sum)
      return sum.map(value => value / length)
    }),
  )
}
