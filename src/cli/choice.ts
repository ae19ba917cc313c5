import { Option } from 'commander'
import type { PictureOptions } from '../facewise/index.ts'

/** Which faces of a picture are wanted. */
export type FaceChoice = 'all' | 'largest' | 'center'

/** `--faces`. */
export function facesOption(byDefault: FaceChoice = 'all'): Option {
  return new Option('--faces <which>', 'all faces of a picture, or only the largest or most central one')
    .choices(['all', 'largest', 'center'])
    .default(byDefault)
}

/** The wanted faces, as a call of the library is told; it gives the best score first. */
export function chosenFaces(options: {
  readonly faces: FaceChoice
  readonly maxFaces?: number
}): Pick<PictureOptions, 'keep' | 'maxFaces'> {
  const { faces, maxFaces } = options
  return faces === 'all' ? { maxFaces } : { keep: faces, maxFaces: maxFaces ?? 1 }
}
