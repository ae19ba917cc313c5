import { oneFace } from '../detect/index.ts'
import { FacewiseError, throwIfAborted } from '../errors.ts'
import type { ImageInput } from '../image/index.ts'
import { storeFrom } from '../store/from.ts'
import { enrollIn } from './enroll.ts'
import type { AttributeName, Facewise, PictureOptions, RepresentedFace, TrackOptions, TrackSource } from './facewise.ts'
import { type Looking, lookWith } from './look.ts'
import { matcher } from './match.ts'
import { checkAttributes, DEFAULT_ATTRIBUTES, type FacewiseOptions } from './options.ts'
import { partsOf } from './parts.ts'
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
  // Opened now: a wrong URL or another model's store should be known before the first photo is taken.
  const { store, close } = await storeFrom(options.store)
  const parts = partsOf(options)
  const embedder = parts.embedder.get

  let disposed = false
  const assertUsable = (signal?: AbortSignal): void => {
    if (disposed) throw new FacewiseError('DISPOSED', 'This object was disposed; create another with createFacewise().')
    throwIfAborted(signal)
  }

  const inner = lookWith(parts)
  const looking: Looking = {
    ...inner,
    async find(input, call) {
      assertUsable(call.signal)
      return inner.find(input, call)
    },
  }

  async function represent(input: ImageInput, call: PictureOptions = {}): Promise<RepresentedFace[]> {
    // Loaded while faces are looked for.
    embedder().catch(() => {})
    return looking.represent(await looking.find(input, call), call.signal)
  }

  function track(source: TrackSource, call: TrackOptions = {}): ReturnType<Facewise['track']> {
    assertUsable()
    const settings = trackSettings(call, wanted)
    const { signal } = settings.detect
    const matching = settings.identify && matcher(settings.identify, embedder, store, signal)
    return trackFaces(source, settings, {
      assertUsable: () => assertUsable(signal),
      detector: parts.detector.get,
      describe: (picture, faces, names) => looking.describe({ picture, faces, aligned: false }, names, signal),
      identity: settings.embeddings
        ? {
            embedder,
            embed: async (picture, faces) => (await embedder()).embed(picture, faces, { signal }),
            match: matching && (async vector => (await matching())(vector)),
          }
        : undefined,
    })
  }

  const dispose = async (): Promise<void> => {
    if (disposed) return
    disposed = true
    await Promise.all([parts.dispose(), close()])
  }

  return {
    store,
    async detect(input, call = {}) {
      return [...(await looking.find(input, call)).faces]
    },
    represent,
    async describe(input, { attributes, ...call } = {}) {
      const names = new Set<AttributeName>(attributes ? checkAttributes(attributes) : wanted)
      return looking.describe(await looking.find(input, call), names, call.signal)
    },
    async verify(a, b, call = {}) {
      const { face: rule = 'largest', signal, aligned, ...how } = call
      const one = async (input: ImageInput): Promise<RepresentedFace> => {
        const found = await looking.find(input, { signal, aligned })
        const face = oneFace(found.faces, found.picture, rule)
        return (await looking.represent({ ...found, faces: [face] }, signal))[0]
      }
      const faces = [await one(a), await one(b)] as const
      const part = await embedder()
      return { ...part.verify(faces[0].embedding, faces[1].embedding, how), faces }
    },
    async enroll(subject, pictures, call = {}) {
      assertUsable(call.signal)
      return enrollIn({ looking, embedder, store }, subject, pictures, call)
    },
    async identify(input, { fpir, threshold, margin, where, ...call } = {}) {
      const matching = matcher({ fpir, threshold, margin, where }, embedder, store, call.signal)
      const faces = await represent(input, call)
      if (faces.length === 0) return []
      const match = await matching()
      return Promise.all(faces.map(async face => ({ ...face, match: await match(face.embedding.vector) })))
    },
    track,
    async forget(subject, call = {}) {
      assertUsable(call.signal)
      return store.delete({ subject }, call)
    },
    async embedder() {
      assertUsable()
      return embedder()
    },
    async engine() {
      assertUsable()
      return parts.engine.get()
    },
    async warmup({ signal } = {}) {
      assertUsable(signal)
      await parts.load(wanted)
      throwIfAborted(signal)
    },
    dispose,
    [Symbol.asyncDispose]: dispose,
  }
}
