import { FacewiseError } from '../errors.ts'

/** Pages have no files: see the file for Node, which has the words. */
export async function saveSnapshot(_path: string | URL, _bytes: Uint8Array): Promise<void> {
  throw new FacewiseError(
    'OUTPUT_FAILED',
    'A page cannot write files: keep records with indexeddbStore (facewise/store/indexeddb), or offer new Blob([bytes]) as a download.',
  )
}

export async function readSnapshot(_path: string | URL): Promise<Uint8Array> {
  throw new FacewiseError(
    'STORE_FAILED',
    'A page cannot read files by path: fetch the snapshot, or take it from a file input, and give its bytes to memoryStore({ snapshot }).',
  )
}
