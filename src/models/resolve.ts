import { findModel } from '#platform/find-model'
import { packagedSource, sourceAt } from '#platform/models'
import { FacewiseError, messageOf } from '../errors.ts'
import type { FoundModel } from './find.ts'
import { type Manifest, parseManifest } from './manifest.ts'
import { type PackagedName, packagedManifests } from './packaged.ts'
import type { ModelSource } from './source.ts'

/** What a caller says of a model besides its name. */
export interface ModelPlace {
  readonly manifest?: unknown
  readonly source?: ModelSource | string | URL
  readonly signal?: AbortSignal
}

/**
 * The manifest and the files that a name, a manifest and a source mean together. What is given wins; a manifest that is not given is
 * that of the package, or lies with the files of the source.
 *
 * @throws FacewiseError `INVALID_ARGUMENT`, `MODEL_NOT_FOUND`, `MODEL_INVALID`, `ABORTED`.
 */
export async function resolveModel(name: string, { manifest, source, signal }: ModelPlace): Promise<FoundModel> {
  const given = typeof source === 'string' || source instanceof URL ? sourceAt(source) : source
  if (manifest !== undefined) {
    const parsed = parseManifest(manifest)
    return { manifest: parsed, source: given ?? packagedSource(parsed.name) }
  }
  if (!given) return findModel(name)
  if (Object.hasOwn(packagedManifests, name)) {
    return { manifest: parseManifest(packagedManifests[name as PackagedName]), source: given }
  }
  // Who gives the place as the name takes what is there.
  const wanted = name === String(source) ? undefined : name
  return { manifest: await manifestFrom(given, wanted, signal), source: given }
}

async function manifestFrom(
  source: ModelSource,
  name: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Manifest> {
  const text = new TextDecoder().decode(await source.read('manifest.json', { signal }))
  const where = source.locate('manifest.json')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    // Servers of single-page apps answer with their page where a file is missing.
    const what = /^\s*</.test(text) ? 'is a web page, not a manifest' : `is no JSON: ${messageOf(error)}`
    throw new FacewiseError('MODEL_INVALID', `${where} ${what}. Copy the model's whole folder there.`, { cause: error })
  }
  const manifest = parseManifest(value)
  if (name === undefined || manifest.name === name) return manifest
  throw new FacewiseError('MODEL_INVALID', `${where} is the manifest of the model ${manifest.name}, not of ${name}.`)
}
