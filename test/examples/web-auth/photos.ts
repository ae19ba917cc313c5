import sharp from 'sharp'
import { samplePhoto } from '../../data.ts'

/** Where faces are in the first of the photos that come with a development dependency: three people. */
const PLACES = [
  [1380, 120],
  [300, 260],
] as const

/** A portrait of one of these people, as a JPEG. */
export function portrait(person: 0 | 1 = 0): Promise<Uint8Array> {
  const [left, top] = PLACES[person]
  return sharp(samplePhoto(1)).extract({ left, top, width: 400, height: 420 }).jpeg({ quality: 95 }).toBuffer()
}
