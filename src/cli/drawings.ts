import { mkdir, realpath } from 'node:fs/promises'
import { basename, extname, join, resolve } from 'node:path'
import { FacewiseError, messageOf } from '../errors.ts'
import { drawingExtension } from './draw.ts'

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
