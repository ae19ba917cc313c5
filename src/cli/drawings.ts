import { mkdir, realpath } from 'node:fs/promises'
import { basename, extname, join, resolve } from 'node:path'
import type Sharp from 'sharp'
import { FacewiseError, messageOf } from '../errors.ts'
import type { Picture } from '../image/index.ts'
import type { Size } from './labels.ts'
import { PANEL_COLOUR } from './pen.ts'

/** Gives each input the path of its drawing. */
export interface DrawingNames {
  pathFor(input: string): string
}

/**
 * Makes the folder and names the drawings in it: the input's own name, with a number where two inputs share it. A drawing never takes
 * the place of an input, even where `folder` is the inputs' own.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` if the folder cannot be made.
 */
export async function prepareDrawings(folder: string, inputs: readonly string[]): Promise<DrawingNames> {
  try {
    await mkdir(folder, { recursive: true })
  } catch (error) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `The folder "${folder}" for drawings cannot be made: ${messageOf(error)}.`,
      { cause: error },
    )
  }
  const real = await realpath(folder)
  const taken = new Set<string>()
  // Some file systems do not tell A.JPG from a.jpg.
  const key = (path: string): string => path.toLowerCase()
  for (const input of inputs) taken.add(key(await realpath(input).catch(() => resolve(input))))
  return {
    pathFor(input) {
      const [stem, extension] = nameOf(input)
      for (let number = 1; ; number++) {
        const name = `${stem}${number === 1 ? '' : `-${number}`}${extension}`
        const path = key(join(real, name))
        if (taken.has(path)) continue
        taken.add(path)
        return join(folder, name)
      }
    },
  }
}

function nameOf(input: string): [stem: string, extension: string] {
  if (input === '-') return ['stdin', '.jpg']
  const name = basename(/^https?:/.test(input) ? new URL(input).pathname : input) || 'picture'
  return [basename(name, extname(name)), drawingExtension(name)]
}

/** The extension of a copy: PNG where the original is drawn or lossless, JPEG for photos. */
function drawingExtension(name: string): '.png' | '.jpg' {
  return ['.png', '.gif'].includes(extname(name).toLowerCase()) ? '.png' : '.jpg'
}

/** What is drawn over a picture. */
export interface Overlay extends Size {
  /** An SVG picture of this size: that of the picture, or larger to have room to the right of it and below. */
  readonly svg: string
}

/**
 * Writes a copy of `picture` with something drawn in; PNG or JPEG by the extension of `path`.
 *
 * @throws FacewiseError `DEPENDENCY_MISSING` without `sharp`; `OUTPUT_FAILED` if the file cannot be written.
 */
export async function writeDrawing(path: string, picture: Picture, overlay: Overlay | undefined): Promise<void> {
  const sharp = await loadSharp()
  const { data, width, height } = picture
  const image = sharp(data, { raw: { width, height, channels: 3 }, limitInputPixels: false })
  if (overlay) {
    image.extend({ right: overlay.width - width, bottom: overlay.height - height, background: PANEL_COLOUR })
    image.composite([{ input: Buffer.from(overlay.svg), limitInputPixels: false }]).removeAlpha()
  }
  try {
    await (path.endsWith('.png') ? image.png() : image.jpeg({ quality: 92, chromaSubsampling: '4:4:4' })).toFile(path)
  } catch (error) {
    throw new FacewiseError(
      'OUTPUT_FAILED',
      `The drawing "${path}" cannot be written: ${messageOf(error)}. Give --draw another folder.`,
      { cause: error },
    )
  }
}

/** @throws FacewiseError `DEPENDENCY_MISSING` */
export async function loadSharp(): Promise<typeof Sharp> {
  try {
    return (await import('sharp')).default
  } catch (error) {
    throw new FacewiseError('DEPENDENCY_MISSING', 'Drawing needs the package "sharp": run `npm install sharp`.', {
      cause: error,
    })
  }
}
