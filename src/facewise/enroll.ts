import { assessQuality } from '../attributes/index.ts'
import type { Embedder } from '../embed/index.ts'
import { FacewiseError } from '../errors.ts'
import type { ImageInput } from '../image/index.ts'
import type { EmbeddingStore } from '../store/index.ts'
import { DEFAULT_MIN_QUALITY, type Frame, faceToEnrol, refusal, selectFrames, templatesOf } from './enrolment.ts'
import type { EnrollOptions, Enrolment } from './facewise.ts'
import { DEFAULT_FPIR, galleryLimit } from './gallery.ts'
import type { Looking } from './look.ts'

/** What an enrolment needs. */
export interface EnrolmentParts {
  readonly looking: Looking
  readonly embedder: () => Promise<Embedder>
  readonly store: EmbeddingStore
}

/** Looks at the pictures of a person and stores templates of those that are fit; see `Facewise.enroll`. */
export async function enrollIn(
  parts: EnrolmentParts,
  subject: string,
  pictures: ImageInput | readonly ImageInput[],
  call: EnrollOptions = {},
): Promise<Enrolment> {
  const { signal, minQuality = DEFAULT_MIN_QUALITY, templates = 'mean', duplicates = 'refuse', dryRun = false } = call
  if (!(minQuality >= 0 && minQuality <= 1)) {
    throw new FacewiseError('INVALID_ARGUMENT', `\`minQuality\` lies between 0 and 1; got ${minQuality}.`)
  }
  const inputs = Array.isArray(pictures) ? (pictures as readonly ImageInput[]) : [pictures as ImageInput]
  if (inputs.length === 0) throw new FacewiseError('INVALID_ARGUMENT', 'An enrolment needs at least one picture.')
  const frames: Frame[] = []
  for (const input of inputs) frames.push(await look(input, call, parts.looking))
  const part = await parts.embedder()
  const { metric } = part.manifest.embedding
  const { threshold } = galleryLimit(part.manifest, DEFAULT_FPIR, 1)
  const selection = selectFrames(frames, minQuality, threshold, part.distance)
  const { accepted } = selection
  if (accepted.length === 0) {
    if (dryRun) return { subject, frames: selection.frames, templates: [], duplicates: [] }
    throw refusal(subject, selection.frames)
  }
  const vectors = templatesOf(accepted, templates, metric)
  const others = duplicates === 'ignore' ? [] : await enrolledAs(parts, vectors, subject, signal)
  if (dryRun) return { subject, frames: selection.frames, templates: [], duplicates: others }
  if (others.length > 0 && duplicates === 'refuse') {
    throw new FacewiseError(
      'ENROLMENT_REFUSED',
      `"${subject}" was not enrolled: this person is enrolled as "${others[0].subject}" already (distance ${others[0].distance.toFixed(3)}). ` +
        'Forget that subject first, or allow it (`duplicates`).',
    )
  }
  const earlier: string[] = []
  if (call.replace) for await (const { id } of parts.store.list({ subject, signal })) earlier.push(id)
  const records = vectors.map(vector => ({
    id: `${subject}/${uniqueId()}`,
    subject,
    vector,
    model: part.id,
    metadata: call.metadata,
  }))
  await parts.store.upsert(records, { signal })
  if (earlier.length > 0) await parts.store.delete({ ids: earlier })
  return { subject, frames: selection.frames, templates: records.map(({ id }) => id), duplicates: others }
}

/** A picture of an enrolment: its one face, with quality and embedding. */
async function look(input: ImageInput, { signal, aligned }: EnrollOptions, looking: Looking): Promise<Frame> {
  const found = await looking.find(input, { signal, aligned })
  const face = faceToEnrol(found.faces)
  if ('code' in face) return { reason: face }
  const quality = assessQuality(found.picture, face)
  const [{ embedding }] = await looking.represent({ ...found, faces: [face] }, signal)
  return { face, quality, embedding }
}

/** Other subjects who have a template that near. */
async function enrolledAs(
  { embedder, store }: EnrolmentParts,
  vectors: readonly Float32Array[],
  subject: string,
  signal: AbortSignal | undefined,
): Promise<{ subject: string; distance: number }[]> {
  const part = await embedder()
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

/** 128 random bits; `randomUUID` is missing on pages without https. */
function uniqueId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}
