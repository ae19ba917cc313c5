import type { FaceQuality } from '../attributes/index.ts'
import type { Face } from '../detect/index.ts'
import { type Embedding, type Metric, normalise } from '../embed/index.ts'
import { FacewiseError } from '../errors.ts'
import type { EnrolledFrame, EnrollOptions, FrameReason } from './facewise.ts'

/** A frame that shows one face, good enough or not. */
export interface Candidate {
  readonly face: Face
  readonly quality: FaceQuality
  readonly embedding: Embedding
}

/** What enrolment looks at: a frame with its face, or why there is none. */
export type Frame = Candidate | { readonly reason: FrameReason }

/** The least quality of a frame where nothing else is said. */
export const DEFAULT_MIN_QUALITY = 0.5

/** A second face is no bystander's if it has this share of the area of the largest. */
const BYSTANDER = 0.5

const NO_FACE: FrameReason = {
  code: 'no-face',
  message: 'No face was found: look into the camera, with light on your face.',
}
const SEVERAL: FrameReason = {
  code: 'several-faces',
  message: 'Several faces are in the picture: only one person may be in front of the camera.',
}
const OUTLIER: FrameReason = {
  code: 'another-person',
  message: 'This picture looks like another person than the rest: all must show the same one.',
}

/** The face of a picture for enrolment: the only one, or one before which all others are bystanders. */
export function faceToEnrol(faces: readonly Face[]): Face | FrameReason {
  const area = ({ box }: Face): number => box.width * box.height
  const [largest, second] = [...faces].sort((a, b) => area(b) - area(a))
  if (!largest) return NO_FACE
  return second && area(second) >= BYSTANDER * area(largest) ? SEVERAL : largest
}

/** What is decided about frames: which are taken, and in the same order as `frames`, why the others are not. */
export interface Selection {
  readonly frames: readonly EnrolledFrame[]
  readonly accepted: readonly Candidate[]
}

/**
 * Chooses frames: those of enough quality, less those that are farther than `threshold` from most of the rest. Of two that are far from
 * each other neither is taken: nobody knows which one is right.
 *
 * @param minQuality the least score; a frame that `assessQuality` has reasons against is refused too, unless this is 0: a template is kept for
 * long, and a better picture is a second away.
 * @param distance between two embeddings.
 */
export function selectFrames(
  frames: readonly Frame[],
  minQuality: number,
  threshold: number,
  distance: (a: Embedding, b: Embedding) => number,
): Selection {
  const reasons = frames.map((frame): FrameReason[] => {
    if ('reason' in frame) return [frame.reason]
    const { quality } = frame
    if (minQuality === 0) return []
    if (quality.reasons.length > 0) return quality.reasons.map(({ code, message }) => ({ code, message }))
    if (quality.score >= minQuality) return []
    const message = `The picture is too poor in several ways: quality ${quality.score.toFixed(2)}, ${minQuality} is wanted.`
    return [{ code: 'low-quality', message }]
  })
  const good = frames.flatMap((frame, i) => ('reason' in frame || reasons[i].length > 0 ? [] : [{ frame, i }]))
  for (const { frame, i } of good) {
    const others = good.filter(other => other.i !== i)
    const far = others.filter(other => distance(frame.embedding, other.frame.embedding) > threshold)
    if (far.length * 2 > others.length) reasons[i].push(OUTLIER)
  }
  return {
    frames: frames.map((frame, i): EnrolledFrame => {
      const accepted = reasons[i].length === 0
      if ('reason' in frame) return { accepted, reasons: reasons[i] }
      return { accepted, reasons: reasons[i], face: frame.face, quality: frame.quality }
    }),
    accepted: good.filter(({ i }) => reasons[i].length === 0).map(({ frame }) => frame),
  }
}

/**
 * The templates that are stored of accepted frames.
 *
 * @param metric in which embeddings are compared: means of those compared by angle have length 1 again.
 * @throws FacewiseError `INVALID_ARGUMENT` for a number of templates that is none.
 */
export function templatesOf(
  accepted: readonly Candidate[],
  policy: NonNullable<EnrollOptions['templates']>,
  metric: Metric,
): Float32Array[] {
  if (policy === 'all') return accepted.map(({ embedding }) => embedding.vector)
  if (policy === 'mean') {
    const sum = new Float32Array(accepted[0].embedding.vector.length)
    for (const { embedding } of accepted) for (let i = 0; i < sum.length; i++) sum[i] += embedding.vector[i]
    if (metric === 'cosine') return [normalise(sum)]
    return [sum.map(value => value / accepted.length)]
  }
  const count = policy === 'best' ? 1 : policy
  if (!(Number.isInteger(count) && count > 0)) {
    throw new FacewiseError('INVALID_ARGUMENT', `Give 'all', 'mean', 'best' or a number of templates; got ${policy}.`)
  }
  const ranked = [...accepted].sort((a, b) => b.quality.score - a.quality.score)
  return ranked.slice(0, count).map(({ embedding }) => embedding.vector)
}

/** The words of a refusal: the reasons of the frames, each once. */
export function refusal(subject: string, frames: readonly EnrolledFrame[]): FacewiseError {
  const messages = [...new Set(frames.flatMap(({ reasons }) => reasons.map(({ message }) => message)))]
  const several = frames.length > 1 ? `none of ${frames.length} pictures can be used` : 'the picture cannot be used'
  return new FacewiseError('ENROLMENT_REFUSED', `"${subject}" was not enrolled: ${several}. ${messages.join(' ')}`)
}
