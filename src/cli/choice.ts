import { Option } from 'commander'
import { byCentrality, type Face, selectFaces } from '../detect/index.ts'
import type { Picture } from '../image/index.ts'

/** Which faces of a picture are wanted. */
export type FaceChoice = 'all' | 'largest' | 'center'

/** `--faces`. */
export function facesOption(byDefault: FaceChoice = 'all'): Option {
  return new Option('--faces <which>', 'all faces of a picture, or only the largest or most central one')
    .choices(['all', 'largest', 'center'])
    .default(byDefault)
}

/** The wanted faces, best score first. */
export function chooseFaces(
  faces: readonly Face[],
  picture: Picture,
  { faces: choice, maxFaces }: { readonly faces: FaceChoice; readonly maxFaces?: number },
): Face[] {
  if (choice === 'all') return selectFaces(faces, maxFaces)
  if (choice === 'largest') return selectFaces(faces, maxFaces ?? 1, 'largest')
  return selectFaces(byCentrality(faces, picture).slice(0, maxFaces ?? 1))
}
