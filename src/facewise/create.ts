import {
  assessQuality,
  type Classifier,
  createAgeGenderClassifier,
  createEmotionClassifier,
  createSpoofClassifier,
  DEFAULT_AGE_GENDER_MODEL,
  DEFAULT_EMOTION_MODEL,
  DEFAULT_SPOOF_MODEL,
  type HeadPose,
} from '../attributes/index.ts'
import { type Engine, startBackend } from '../backends/index.ts'
import { byCentrality, createMtcnn, type Detector, type Face, oneFace, selectFaces } from '../detect/index.ts'
import { createEmbedder, DEFAULT_EMBEDDER, type Embedder } from '../embed/index.ts'
import { FacewiseError, throwIfAborted } from '../errors.ts'
import { decode, type ImageInput, type Picture } from '../image/index.ts'
import type { LoadModelOptions } from '../models/index.ts'
import { memoryStore, openStore } from '../store/index.ts'
import { DEFAULT_MIN_QUALITY, type Frame, faceToEnrol, refusal, selectFrames, templatesOf } from './enrolment.ts'
import type {
  AttributeName,
  DescribedFace,
  DescribeOptions,
  EnrollOptions,
  Enrolment,
  Facewise,
  IdentifiedFace,
  IdentifyOptions,
  MatchOptions,
  PictureOptions,
  RepresentedFace,
  SubjectMatch,
  TrackOptions,
  TrackSource,
} from './facewise.ts'
import { DEFAULT_FPIR, galleryLimit } from './gallery.ts'
import { given, type Lazy, lazy } from './lazy.ts'
import { checkAttributes, DEFAULT_ATTRIBUTES, type FacewiseOptions, placeOfModel } from './options.ts'
import { IN_CROP, posesOf } from './poses.ts'
import { trackSettings } from './track/settings.ts'
import { trackFaces } from './track/track.ts'

/**
 * The whole library as one object. It chooses a backend, loads what a call needs when it first needs it, and decodes a picture once
 * however many parts look at it.
 *
 * ```ts
 * const fw = await createFacewise({ store: 'file:faces.db' })
 * await fw.enroll('ada', ['ada-1.jpg', 'ada-2.jpg'])
 * const [face] = await fw.identify('door.jpg')                 // face.match: { subject: 'ada', distance: 0.031, ... } or null
 * ```
 *
 * @throws FacewiseError `INVALID_ARGUMENT` for options that make no sense; what `openStore` throws.
 */
export async function createFacewise(options: FacewiseOptions = {}): Promise<Facewise> {
  const wanted = checkAttributes(options.attributes ?? DEFAULT_ATTRIBUTES)
  const progress = progressOf(options)
  const { backend } = options
  const engine = lazy<Engine>(
    async () => (backend && 'tf' in backend ? backend : startBackend(backend)),
    // Other parts of the program may use it.
    () => {},
  )
  const placeOf = (name: string): LoadModelOptions => ({
    onProgress: progress,
    ...placeOfModel(options.models, name),
  })

  const detector: Lazy<Detector> = isDetector(options.detector)
    ? given(options.detector)
    : lazy(
        async () => createMtcnn({ ...options.detector, backend: await engine.get(), model: placeOf('mtcnn') }),
        part => part.dispose(),
      )
  const embedder: Lazy<Embedder> =
    typeof options.embedder === 'object'
      ? given(options.embedder)
      : named(options.embedder ?? DEFAULT_EMBEDDER, createEmbedder)
  const { classifiers = {} } = options
  const emotion = classifier(classifiers.emotion, DEFAULT_EMOTION_MODEL, createEmotionClassifier)
  const ageGender = classifier(classifiers.ageGender, DEFAULT_AGE_GENDER_MODEL, createAgeGenderClassifier)
  const liveness = classifier(classifiers.liveness, DEFAULT_SPOOF_MODEL, createSpoofClassifier)

  function named<T extends { dispose(): void }>(
    name: string,
    create: (name: string, settings: { backend: Engine; model: LoadModelOptions }) => Promise<T>,
  ): Lazy<T> {
    return lazy(
      async () => create(name, { backend: await engine.get(), model: placeOf(name) }),
      part => part.dispose(),
    )
  }
  function classifier<T>(
    choice: string | Classifier<T> | undefined,
    standard: string,
    create: (name: string, settings: { backend: Engine; model: LoadModelOptions }) => Promise<Classifier<T>>,
  ): Lazy<Classifier<T>> {
    return typeof choice === 'object' ? given(choice) : named(choice ?? standard, create)
  }

  // Opened now: a wrong URL or another model's store should be known before the first photo is taken.
  const ownStore = typeof options.store !== 'object'
  const store =
    typeof options.store === 'object'
      ? options.store
      : options.store
        ? await openStore(options.store)
        : await memoryStore()

  let disposed = false
  const assertUsable = (signal?: AbortSignal): void => {
    if (disposed) throw new FacewiseError('DISPOSED', 'This object was disposed; create another with createFacewise().')
    throwIfAborted(signal)
  }

  async function find(input: ImageInput, { aligned = false, ...call }: PictureOptions): Promise<Found> {
    assertUsable(call.signal)
    if (aligned) {
      const picture = await decode(input, call)
      const { width, height } = picture
      return { picture, faces: [{ box: { x: 0, y: 0, width, height }, score: 1 }], aligned }
    }
    // Both at once: the first picture is read while the networks are loaded.
    const [picture, part] = await Promise.all([decode(input, call), detector.get()])
    return { picture, faces: await facesIn(picture, call, part), aligned }
  }

  async function representFound(
    { picture, faces, aligned }: Found,
    signal: AbortSignal | undefined,
  ): Promise<RepresentedFace[]> {
    if (faces.length === 0) return []
    const part = await embedder.get()
    const embeddings = await (aligned
      ? part.embedAligned([picture], { signal })
      : part.embed(picture, faces, { signal }))
    return faces.map((face, i) => ({ ...face, embedding: embeddings[i] }))
  }

  async function represent(input: ImageInput, call: PictureOptions = {}): Promise<RepresentedFace[]> {
    const ready = embedder.get()
    ready.catch(() => {})
    return representFound(await find(input, call), call.signal)
  }

  async function describe(input: ImageInput, call: DescribeOptions = {}): Promise<DescribedFace[]> {
    const { attributes, ...how } = call
    const names = new Set<AttributeName>(attributes ? checkAttributes(attributes) : wanted)
    return describeFound(await find(input, how), names, call.signal)
  }

  async function describeFound(
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
  }

  async function posesIn(
    picture: Picture,
    faces: readonly Face[],
    signal: AbortSignal | undefined,
  ): Promise<(HeadPose | undefined)[]> {
    const part = await detector.get()
    const call = isDetector(options.detector) ? { signal } : { signal, ...IN_CROP }
    return posesOf(picture, faces, crop => part.detect(crop, call))
  }

  /** A picture of an enrolment: its one face, with quality and embedding. */
  async function look(input: ImageInput, { signal, aligned }: EnrollOptions): Promise<Frame> {
    const found = await find(input, { signal, aligned })
    const face = faceToEnrol(found.faces)
    if ('code' in face) return { reason: face }
    const quality = assessQuality(found.picture, face)
    const [{ embedding }] = await representFound({ ...found, faces: [face] }, signal)
    return { face, quality, embedding }
  }

  async function enroll(
    subject: string,
    pictures: ImageInput | readonly ImageInput[],
    call: EnrollOptions = {},
  ): Promise<Enrolment> {
    const { signal, minQuality = DEFAULT_MIN_QUALITY, templates = 'mean', duplicates = 'refuse', dryRun = false } = call
    assertUsable(signal)
    if (!(minQuality >= 0 && minQuality <= 1)) {
      throw new FacewiseError('INVALID_ARGUMENT', `\`minQuality\` lies between 0 and 1; got ${minQuality}.`)
    }
    const inputs = Array.isArray(pictures) ? (pictures as readonly ImageInput[]) : [pictures as ImageInput]
    if (inputs.length === 0) throw new FacewiseError('INVALID_ARGUMENT', 'An enrolment needs at least one picture.')
    const frames: Frame[] = []
    for (const input of inputs) frames.push(await look(input, call))
    const part = await embedder.get()
    const { metric } = part.manifest.embedding
    const { threshold } = galleryLimit(part.manifest, DEFAULT_FPIR, 1)
    const selection = selectFrames(frames, minQuality, threshold, part.distance)
    const { accepted } = selection
    if (accepted.length === 0) {
      if (dryRun) return { subject, frames: selection.frames, templates: [], duplicates: [] }
      throw refusal(subject, selection.frames)
    }
    const vectors = templatesOf(accepted, templates, metric)
    const others = duplicates === 'ignore' ? [] : await enrolledAs(vectors, subject, signal)
    if (dryRun) return { subject, frames: selection.frames, templates: [], duplicates: others }
    if (others.length > 0 && duplicates === 'refuse') {
      throw new FacewiseError(
        'ENROLMENT_REFUSED',
        `"${subject}" was not enrolled: this person is enrolled as "${others[0].subject}" already (distance ${others[0].distance.toFixed(3)}). ` +
          'Forget that subject first, or allow it (`duplicates`).',
      )
    }
    const earlier: string[] = []
    if (call.replace) for await (const { id } of store.list({ subject, signal })) earlier.push(id)
    const records = vectors.map(vector => ({
      id: `${subject}/${uniqueId()}`,
      subject,
      vector,
      model: part.id,
      metadata: call.metadata,
    }))
    await store.upsert(records, { signal })
    if (earlier.length > 0) await store.delete({ ids: earlier })
    return { subject, frames: selection.frames, templates: records.map(({ id }) => id), duplicates: others }
  }

  /** Other subjects who have a template that near. */
  async function enrolledAs(
    vectors: readonly Float32Array[],
    subject: string,
    signal: AbortSignal | undefined,
  ): Promise<{ subject: string; distance: number }[]> {
    const part = await embedder.get()
    const templates = await store.count({ signal })
    if (templates === 0) return []
    const { metric } = part.manifest.embedding
    const { threshold } = galleryLimit(part.manifest, DEFAULT_FPIR, templates)
    const nearest = new Map<string, number>()
    for (const vector of vectors) {
      const found = await store.search(vector, { k: 3, metric, maxDistance: threshold, per: 'subject', signal })
      for (const match of found) {
        if (match.subject === subject) continue
        nearest.set(match.subject, Math.min(match.distance, nearest.get(match.subject) ?? Number.POSITIVE_INFINITY))
      }
    }
    return [...nearest].map(([name, distance]) => ({ subject: name, distance })).sort((a, b) => a.distance - b.distance)
  }

  async function identify(input: ImageInput, call: IdentifyOptions = {}): Promise<IdentifiedFace[]> {
    const { fpir, threshold, margin, where, ...how } = call
    const matching = matcher({ fpir, threshold, margin, where }, call.signal)
    const faces = await represent(input, how)
    if (faces.length === 0) return []
    const match = await matching()
    return Promise.all(faces.map(async face => ({ ...face, match: await match(face.embedding.vector) })))
  }

  /** Says whose face a vector is, among those whom the store holds when it is called, by rules that are checked now. */
  function matcher(
    { fpir = DEFAULT_FPIR, threshold, margin = 0, where }: MatchOptions,
    signal: AbortSignal | undefined,
  ): () => Promise<(vector: Float32Array) => Promise<SubjectMatch | null>> {
    if (!(margin >= 0)) throw new FacewiseError('INVALID_ARGUMENT', `A margin is a distance, 0 or more; got ${margin}.`)
    if (threshold !== undefined && !(threshold >= 0)) {
      throw new FacewiseError('INVALID_ARGUMENT', `A threshold is a distance, 0 or more; got ${threshold}.`)
    }
    if (!(fpir > 0 && fpir < 1)) {
      throw new FacewiseError(
        'INVALID_ARGUMENT',
        `A false positive identification rate lies between 0 and 1; got ${fpir}.`,
      )
    }
    const search = async (part: Embedder, templates: number, vector: Float32Array): Promise<SubjectMatch | null> => {
      const limit = threshold !== undefined ? { threshold } : galleryLimit(part.manifest, fpir, templates)
      if (templates === 0) return null
      const { metric } = part.manifest.embedding
      const [best, next] = await store.search(vector, {
        k: margin > 0 ? 2 : 1,
        metric,
        where,
        per: 'subject',
        maxDistance: limit.threshold + margin,
        signal,
      })
      if (!best || best.distance > limit.threshold) return null
      if (next && next.distance - best.distance < margin) return null
      const { subject, distance, id, metadata } = best
      return {
        subject,
        distance,
        ...('fpir' in limit && { fpir: limit.fpir }),
        threshold: limit.threshold,
        id,
        metadata,
      }
    }
    return async () => {
      const [part, templates] = [await embedder.get(), await store.count({ signal })]
      return vector => search(part, templates, vector)
    }
  }

  function track(source: TrackSource, call: TrackOptions = {}): ReturnType<Facewise['track']> {
    assertUsable()
    const settings = trackSettings(call, wanted)
    const { signal } = settings.detect
    const matching = settings.identify && matcher(settings.identify, signal)
    return trackFaces(source, settings, {
      assertUsable: () => assertUsable(signal),
      detector: () => detector.get(),
      describe: (picture, faces, names) => describeFound({ picture, faces, aligned: false }, names, signal),
      identity: settings.embeddings
        ? {
            embedder: () => embedder.get(),
            embed: async (picture, faces) => (await embedder.get()).embed(picture, faces, { signal }),
            match: matching && (async vector => (await matching())(vector)),
          }
        : undefined,
    })
  }

  const attributeParts: readonly (readonly [AttributeName, Lazy<unknown>])[] = [
    ['emotion', emotion],
    ['age-gender', ageGender],
    ['liveness', liveness],
  ]
  const dispose = async (): Promise<void> => {
    if (disposed) return
    disposed = true
    await Promise.all([
      ...[detector, embedder, emotion, ageGender, liveness, engine].map(part => part.dispose()),
      ownStore ? store.close() : undefined,
    ])
  }

  return {
    store,
    async detect(input, call = {}) {
      return [...(await find(input, call)).faces]
    },
    represent,
    describe,
    async verify(a, b, call = {}) {
      const { face: rule = 'largest', signal, aligned, ...how } = call
      const one = async (input: ImageInput): Promise<RepresentedFace> => {
        const found = await find(input, { signal, aligned })
        const face = oneFace(found.faces, found.picture, rule)
        return (await representFound({ ...found, faces: [face] }, signal))[0]
      }
      const faces = [await one(a), await one(b)] as const
      const part = await embedder.get()
      return { ...part.verify(faces[0].embedding, faces[1].embedding, how), faces }
    },
    enroll,
    identify,
    track,
    async forget(subject, call = {}) {
      assertUsable(call.signal)
      return store.delete({ subject }, call)
    },
    async embedder() {
      assertUsable()
      return embedder.get()
    },
    async engine() {
      assertUsable()
      return engine.get()
    },
    async warmup({ signal } = {}) {
      assertUsable(signal)
      const parts = attributeParts.filter(([name]) => wanted.includes(name)).map(([, part]) => part)
      await Promise.all([detector.get(), embedder.get(), ...parts.map(part => part.get())])
      throwIfAborted(signal)
    },
    dispose,
    [Symbol.asyncDispose]: dispose,
  }
}

/** The faces of a picture, or the picture that is one. */
interface Found {
  readonly picture: Picture
  readonly faces: readonly Face[]
  readonly aligned: boolean
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

function isDetector(value: FacewiseOptions['detector']): value is Detector {
  return value !== undefined && typeof (value as Partial<Detector>).detect === 'function'
}

/** One stream of all models' progress. */
function progressOf({ onProgress }: FacewiseOptions): LoadModelOptions['onProgress'] {
  if (!onProgress) return undefined
  const models = new Map<string, { loadedBytes: number; totalBytes: number }>()
  return ({ model, loadedBytes, totalBytes }) => {
    models.set(model, { loadedBytes, totalBytes })
    const all = [...models.values()]
    onProgress({
      model,
      loadedBytes: all.reduce((sum, each) => sum + each.loadedBytes, 0),
      totalBytes: all.reduce((sum, each) => sum + each.totalBytes, 0),
    })
  }
}

/** 128 random bits; `randomUUID` is missing on pages without https. */
function uniqueId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}
