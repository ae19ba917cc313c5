import { FRAME_FIELDS, LIMITS } from '../../protocol.ts'
import { Refused } from '../refusal.ts'
import type { TimedFrame } from '../run.ts'
import { readBody } from './body.ts'
import type { AppContext } from './environment.ts'
import { MalformedMultipart, type Part, parseMultipart } from './multipart.ts'
import { type PictureKind, pictureSize } from './picture-size.ts'

/** A body with frames of a challenge, or photos of an enrolment; checked in form, and nothing decoded. */
export interface Capture {
  readonly challengeId?: string
  readonly frames: readonly TimedFrame[]
  readonly photos: readonly Uint8Array[]
  readonly password?: string
}

const invalid = (message: string, field: string): Refused => new Refused('invalid', message, { fields: [field] })

/**
 * Reads a capture.
 *
 * @throws Refused `unsupported`, `too-large`, `invalid` with the name of the part.
 */
export async function readCapture(c: AppContext): Promise<Capture> {
  const contentType = c.req.header('content-type') ?? ''
  if (!/^multipart\/form-data\b/i.test(contentType)) {
    throw new Refused('unsupported', 'Send the pictures as multipart/form-data.')
  }
  const body = await readBody(c, LIMITS.bodyBytes)
  const parts = cut(body, contentType)
  const of = (name: string): Part[] => parts.filter(part => part.name === name)
  const text = (name: string): string | undefined => {
    const [part, second] = of(name)
    if (second) throw invalid('This may be there once.', name)
    return part && Buffer.from(part.bytes).toString()
  }
  const frameParts = of(FRAME_FIELDS.frame)
  const times = timesOf(text(FRAME_FIELDS.times), frameParts.length)
  const frames = frameParts.map((part, i): TimedFrame => {
    const { width, height } = checkedSize(part, ['jpeg', 'webp'])
    if (width > LIMITS.frameSide || height > LIMITS.frameSide) {
      throw invalid(`Frames have up to ${LIMITS.frameSide} pixels a side.`, FRAME_FIELDS.frame)
    }
    return { bytes: part.bytes, time: times[i], width, height }
  })
  const photos = of(FRAME_FIELDS.photo).map(part => {
    const { width, height } = checkedSize(part, ['jpeg', 'webp', 'png'])
    if (width * height > LIMITS.photoPixels) {
      throw invalid(`Photos have up to ${LIMITS.photoPixels / 1e6} million pixels.`, FRAME_FIELDS.photo)
    }
    return part.bytes
  })
  if (photos.length > LIMITS.photos) throw invalid(`Send up to ${LIMITS.photos} photos.`, FRAME_FIELDS.photo)
  return {
    challengeId: text(FRAME_FIELDS.challenge),
    frames,
    photos,
    password: text(FRAME_FIELDS.password),
  }
}

function cut(body: Uint8Array, contentType: string): Part[] {
  const sizes: Readonly<Record<string, number>> = {
    [FRAME_FIELDS.challenge]: 100,
    [FRAME_FIELDS.times]: 20_000,
    [FRAME_FIELDS.password]: 4 * LIMITS.passwordLength.most,
    [FRAME_FIELDS.frame]: LIMITS.frameBytes,
    [FRAME_FIELDS.photo]: LIMITS.photoBytes,
  }
  try {
    return parseMultipart(body, contentType, {
      parts: LIMITS.frames + 3,
      bytesOf: name => (Object.hasOwn(sizes, name) ? sizes[name] : 0),
    })
  } catch (error) {
    if (!(error instanceof MalformedMultipart)) throw error
    throw new Refused('invalid', `The pictures came in a form that is not taken: ${error.message}.`)
  }
}

function timesOf(text: string | undefined, count: number): number[] {
  if (count === 0) return []
  if (count > LIMITS.frames) throw invalid(`Send up to ${LIMITS.frames} frames.`, FRAME_FIELDS.frame)
  let times: unknown
  try {
    times = JSON.parse(text ?? '')
  } catch {
    times = undefined
  }
  const isList = Array.isArray(times) && times.length === count && times.every(time => Number.isFinite(time))
  if (!isList) throw invalid('Send a time for each frame.', FRAME_FIELDS.times)
  return times as number[]
}

function checkedSize(part: Part, kinds: readonly PictureKind[]): { width: number; height: number } {
  const size = pictureSize(part.bytes)
  if (!size || !kinds.includes(size.kind) || !(size.width > 0 && size.height > 0)) {
    throw invalid(`Send ${kinds.join(', ')} pictures.`, part.name)
  }
  return size
}
