import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import type { FacewiseErrorCode } from '../../../src/errors.ts'
import { decode, type ImageInput, type Picture, resizeArea } from '../../../src/image/index.ts'
import { samplePhoto } from '../../data.ts'

/** What a soak gives to the library. */
export interface Pictures {
  /** Faces in them, in the forms that pictures come in; an answer depends on the name alone. */
  readonly good: readonly { readonly name: string; readonly input: ImageInput }[]
  /** One person each, two pictures of them. */
  readonly people: readonly { readonly subject: string; readonly first: ImageInput; readonly second: ImageInput }[]
  /** What is refused, and how; nothing where it is a picture without a face. */
  readonly bad: readonly {
    readonly name: string
    readonly input: unknown
    readonly options?: object
    readonly code?: FacewiseErrorCode
  }[]
  /** Frames of three people who sway. */
  readonly film: readonly Picture[]
}

/** Makes the pictures; files lie in `folder`. */
export async function makePictures(folder: string): Promise<Pictures> {
  const path = (name: string): string => join(folder, name)
  const photos = await Promise.all(
    ([1, 3, 6] as const).map(async number => {
      const file = path(`photo-${number}.jpg`)
      await sharp(samplePhoto(number)).resize(640).jpeg().toFile(file)
      return { name: `photo ${number}`, file }
    }),
  )
  const [{ file }] = photos
  const bytes = new Uint8Array(readFileSync(file))
  const picture = await decode(file)
  const shared = new Uint8Array(new SharedArrayBuffer(picture.data.length))
  shared.set(picture.data)

  const people = await Promise.all(
    [['ann', 300, 260] as const, ['bea', 720, 320] as const].map(async ([subject, left, top]) => {
      const person = sharp(samplePhoto(1)).extract({ left, top, width: 400, height: 420 })
      const first = path(`${subject}.png`)
      await person.clone().png().toFile(first)
      return {
        subject,
        first,
        second: await person.clone().resize(300).modulate({ brightness: 0.85 }).png().toBuffer(),
      }
    }),
  )

  writeFileSync(path('text.jpg'), 'This is no picture.')
  writeFileSync(path('empty.jpg'), '')
  const onePixel = await sharp(Buffer.from([1, 2, 3]), { raw: { width: 1, height: 1, channels: 3 } })
    .png()
    .toBuffer()
  const white = { width: 11_000, height: 11_000, channels: 3, background: '#fff' } as const
  await sharp({ create: white, limitInputPixels: false }).png().toFile(path('huge.png'))

  return {
    good: [
      ...photos.map(photo => ({ name: photo.name, input: photo.file })),
      { name: 'photo 1', input: bytes },
      { name: 'photo 1', input: new Blob([bytes]) },
      { name: 'photo 1', input: picture },
      { name: 'photo 1', input: { ...picture, data: shared } },
    ],
    people,
    bad: [
      { name: 'half a JPEG', input: bytes.slice(0, bytes.length >> 1), code: 'IMAGE_UNREADABLE' },
      { name: 'text', input: path('text.jpg'), code: 'IMAGE_UNREADABLE' },
      { name: 'an empty file', input: path('empty.jpg'), code: 'IMAGE_UNREADABLE' },
      { name: 'no bytes', input: new Uint8Array(0), code: 'IMAGE_UNREADABLE' },
      { name: 'noise', input: bytes.map((value, i) => value ^ (i * 31)), code: 'IMAGE_UNREADABLE' },
      { name: 'a folder', input: folder, code: 'IMAGE_UNREADABLE' },
      { name: 'one pixel', input: onePixel },
      { name: '121 megapixels', input: path('huge.png'), code: 'IMAGE_TOO_LARGE' },
      { name: 'over a limit', input: file, options: { maxPixels: 100 }, code: 'IMAGE_TOO_LARGE' },
      { name: 'a missing file', input: path('none.jpg'), code: 'IMAGE_NOT_FOUND' },
      { name: 'a date', input: new Date(), code: 'IMAGE_UNSUPPORTED' },
      { name: 'nothing', input: undefined, code: 'IMAGE_UNSUPPORTED' },
      { name: 'wrong sizes', input: { ...picture, width: 7 }, code: 'INVALID_ARGUMENT' },
      { name: 'a wrong size of faces', input: file, options: { minFaceSize: -1 }, code: 'INVALID_ARGUMENT' },
      {
        name: 'a wrong region',
        input: file,
        options: { roi: { x: 0, y: 0, width: 0, height: 5 } },
        code: 'INVALID_ARGUMENT',
      },
      { name: 'a function', input: file, options: { onStage: () => {} }, code: 'INVALID_ARGUMENT' },
    ],
    film: swaying(resizeArea(picture, 320, 213)),
  }
}

function swaying({ data, width, height }: Picture): Picture[] {
  return Array.from({ length: 12 }, (_, frame) => {
    const by = Math.round(4 * Math.sin(frame / 2))
    const moved = new Uint8Array(data.length)
    for (let at = 0; at < data.length; at += 3) {
      const x = (at / 3) % width
      const from = at + (Math.min(width - 1, Math.max(0, x - by)) - x) * 3
      moved.set(data.subarray(from, from + 3), at)
    }
    return { data: moved, width, height }
  })
}
