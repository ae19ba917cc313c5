import type { Command } from 'commander'
import type { EmbedderManifest } from '../embed/index.ts'
import { FacewiseError } from '../errors.ts'
import { openedIdentity } from '../store/encryption/envelope.ts'
import { type EmbeddingStore, redactUrl } from '../store/index.ts'
import type { DetectorDefaults } from './options.ts'
import { addRecogniserOptions, type RecogniserOptions } from './recogniser.ts'

/** `--store`, the same in every command that remembers people. */
export const STORE_OPTION = [
  '--store <url>',
  'where people are remembered: file:faces.db, postgres://..., lancedb:DIR',
] as const

/** The options of every command that remembers or recognises people by pictures. */
export interface GalleryOptions extends RecogniserOptions {
  readonly store: string
}

/** Adds them. */
export function addGalleryOptions(command: Command, defaults: DetectorDefaults): Command {
  return addRecogniserOptions(command.requiredOption(...STORE_OPTION), defaults)
}

/**
 * Holds that a store has embeddings of one model alone: a search would compare what cannot be compared and nothing would tell.
 *
 * @throws FacewiseError `STORE_MISMATCH` if it holds those of another model, or encrypted ones.
 */
export async function assertOfModel(store: EmbeddingStore, url: string, { name }: EmbedderManifest): Promise<void> {
  const identity = await store.identity()
  if (!identity || identity.model === name) return
  const shown = redactUrl(url)
  const sealed = openedIdentity(identity)
  throw new FacewiseError(
    'STORE_MISMATCH',
    sealed
      ? `The store at "${shown}" is encrypted (embeddings of "${sealed.model}"): the command has no key, only a program that calls encrypted() can use it.`
      : `The store at "${shown}" holds embeddings of "${identity.model}", and "${name}" was asked for: give --embedder ${identity.model}, or another store.`,
  )
}
