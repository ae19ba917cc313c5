import type { Command } from 'commander'
import { startBackend } from '../backends/index.ts'
import { createMtcnn, type Face, type Mtcnn } from '../detect/index.ts'
import { DEFAULT_EMBEDDER } from '../embed/index.ts'
import { FacewiseError } from '../errors.ts'
import { createFacewise, type Facewise } from '../facewise/index.ts'
import type { Picture } from '../image/index.ts'
import { openedIdentity } from '../store/encryption/envelope.ts'
import { type EmbeddingStore, redactUrl } from '../store/index.ts'
import { addDetectorOptions, type DetectorDefaults, type DetectorOptions, detectorSettings } from './options.ts'
import { placeOf } from './recogniser.ts'

/** `--store`, the same in every command that remembers people. */
export const STORE_OPTION = [
  '--store <url>',
  'where people are remembered: file:faces.db, postgres://..., lancedb:DIR',
] as const

/** The options of every command that remembers or recognises people by pictures. */
export interface GalleryOptions extends DetectorOptions {
  readonly store: string
  readonly embedder?: string
}

/** Adds them. */
export function addGalleryOptions(command: Command, defaults: DetectorDefaults): Command {
  command
    .requiredOption(...STORE_OPTION)
    .option(
      '--embedder <name>',
      `the model: a name (see \`facewise models list\`), or a folder or address with a manifest.json (default: ${DEFAULT_EMBEDDER})`,
    )
  return addDetectorOptions(command, defaults)
}

/** The people of a store, and networks to recognise them by. */
export interface Gallery {
  readonly people: Facewise
  dispose(): Promise<void>
}

/**
 * Loads the networks that the options ask for, for a store that is open already.
 *
 * @param choose which of the faces of a picture are to be looked at; called once for each picture.
 * @throws FacewiseError `STORE_MISMATCH` if the store holds embeddings of another model: found here, before any picture is looked at,
 * since a search would compare what cannot be compared and nothing would tell.
 */
export async function openGallery(
  options: GalleryOptions,
  defaults: DetectorDefaults,
  store: EmbeddingStore,
  choose: (faces: readonly Face[], picture: Picture) => Face[],
): Promise<Gallery> {
  const { backend: preferred, ...settings } = detectorSettings(options, defaults)
  const backend = await startBackend(preferred && 'prefer' in preferred ? preferred : {})
  const { embedder = DEFAULT_EMBEDDER } = options
  const place = placeOf(embedder)
  let mtcnn: Mtcnn | undefined
  const people = await createFacewise({
    backend,
    store,
    embedder,
    models: place && { [embedder]: place },
    detector: {
      async detect(input, how) {
        mtcnn ??= await createMtcnn({ ...settings, backend })
        // A picture is decoded before it comes here.
        return choose(await mtcnn.detect(input, how), input as Picture)
      },
      dispose: () => mtcnn?.dispose(),
    },
  })
  const dispose = async (): Promise<void> => {
    await people.dispose()
    mtcnn?.dispose()
  }
  try {
    const { id } = await people.embedder()
    const identity = await store.identity()
    if (identity && identity.model !== id) throw mismatch(options.store, identity, id)
    return { people, dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}

function mismatch(url: string, identity: { model: string; dimension: number }, model: string): FacewiseError {
  const shown = redactUrl(url)
  const sealed = openedIdentity(identity)
  const message = sealed
    ? `The store at "${shown}" is encrypted (embeddings of "${sealed.model}"): the command has no key, only a program that calls encrypted() can use it.`
    : `The store at "${shown}" holds embeddings of "${identity.model}", and "${model}" was asked for: give --embedder ${identity.model}, or another store.`
  return new FacewiseError('STORE_MISMATCH', message)
}
