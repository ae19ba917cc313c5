import { assessQuality, type Classifier, type HeadPose } from '../attributes/index.ts'
import { byCentrality, type Detector, type Face, selectFaces } from '../detect/index.ts'
import { FacewiseError } from '../errors.ts'
import { decode, type ImageInput, type Picture } from '../image/index.ts'
import type { AttributeName, DescribedFace, PictureOptions, RepresentedFace } from './facewise.ts'
import type { Lazy } from './lazy.ts'
import type { Parts } from './parts.ts'
import { IN_CROP, posesOf } from './poses.ts'

/** The faces of a picture, or the picture that is one. */
export interface Found {
  readonly picture: Picture
  readonly faces: readonly Face[]
  readonly aligned: boolean
}

/** Finds the faces of a picture, embeds and describes those that were found. */
export interface Looking {
  find(input: ImageInput, call: PictureOptions): Promise<Found>
  represent(found: Found, signal: AbortSignal | undefined): Promise<RepresentedFace[]>
  describe(found: Found, names: ReadonlySet<AttributeName>, signal: AbortSignal | undefined): Promise<DescribedFace[]>
}

/** One decoded picture for all that looks at it. */
export function lookWith({ detector, ownDetector, embedder, emotion, ageGender, liveness }: Parts): Looking {
  async function posesIn(
    picture: Picture,
    faces: readonly Face[],
    signal: AbortSignal | undefined,
  ): Promise<(HeadPose | undefined)[]> {
    const part = await detector.get()
    const call = ownDetector ? { signal, ...IN_CROP } : { signal }
    return posesOf(picture, faces, crop => part.detect(crop, call))
  }

  return {
    async find(input: ImageInput, { aligned = false, ...call }: PictureOptions): Promise<Found> {
      if (aligned) {
        const picture = await decode(input, call)
        const { width, height } = picture
        return { picture, faces: [{ box: { x: 0, y: 0, width, height }, score: 1 }], aligned }
      }
      // Both at once: the first picture is read while the networks are loaded.
      const [picture, part] = await Promise.all([decode(input, call), detector.get()])
      return { picture, faces: await facesIn(picture, call, part), aligned }
    },
    async represent({ picture, faces, aligned }: Found, signal: AbortSignal | undefined): Promise<RepresentedFace[]> {
      if (faces.length === 0) return []
      const part = await embedder.get()
      const embeddings = await (aligned
        ? part.embedAligned([picture], { signal })
        : part.embed(picture, faces, { signal }))
      return faces.map((face, i) => ({ ...face, embedding: embeddings[i] }))
    },
    async describe(
      { picture, faces, aligned }: Found,
      names: ReadonlySet<AttributeName>,
      signal: AbortSignal | undefined,
    ): Promise<DescribedFace[]> {
      if (faces.length === 0) return []
      const ask = async <T>(name: AttributeName, part: Lazy<Classifier<T>>): Promise<T[] | undefined> => {
        if (!names.has(name)) return undefined
        const network = await part.get()
        return aligned ? network.classifyAligned([picture], { signal }) : network.classify(picture, faces, { signal })
      }
      const [emotions, ages, live] = await Promise.all([
        ask('emotion', emotion),
        ask('age-gender', ageGender),
        ask('liveness', liveness),
      ])
      const poses = names.has('pose') && !aligned ? await posesIn(picture, faces, signal) : []
      return faces.map((face, i) => ({
        ...face,
        ...(emotions && { emotion: emotions[i] }),
        ...ages?.[i],
        ...(poses[i] && { pose: poses[i] }),
        ...(names.has('quality') && { quality: assessQuality(picture, face) }),
        ...(live && { liveness: live[i] }),
      }))
    },
  }
}

/** Detectors do not know of the middle of the picture: there they find all, and what is to be kept is chosen here. */
async function facesIn(
  picture: Picture,
  { keep, maxFaces, ...call }: Omit<PictureOptions, 'aligned'>,
  detector: Detector,
): Promise<Face[]> {
  if (keep !== 'center') return detector.detect(picture, { ...call, keep, maxFaces })
  if (maxFaces !== undefined && !(maxFaces >= 1)) {
    throw new FacewiseError('INVALID_ARGUMENT', `maxFaces is 1 or more; got ${maxFaces}.`)
  }
  const faces = await detector.detect(picture, call)
  return selectFaces(byCentrality(faces, picture).slice(0, maxFaces))
}
