import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { FacewiseError, messageOf, throwIfAborted } from '../errors.ts'
import { type ModelSource, urlSource } from './source.ts'

export { copyNetwork } from './batch-threads.node.ts'

/** Files in a folder. */
export function directorySource(folder: string): ModelSource {
  return {
    locate: path => join(folder, path),
    async read(path, { signal } = {}) {
      try {
        return await readFile(join(folder, path), { signal })
      } catch (error) {
        throwIfAborted(signal)
        throw new FacewiseError('MODEL_NOT_FOUND', `${join(folder, path)} cannot be read: ${messageOf(error)}`, {
          cause: error,
        })
      }
    },
  }
}

/** The folder of a packaged model: the same two levels up from the source and from the built files. */
export function packagedSource(model: string): ModelSource {
  const source = directorySource(fileURLToPath(new URL(`../../models/${model}/`, import.meta.url)))
  return {
    locate: source.locate,
    async read(path, options) {
      try {
        return await source.read(path, options)
      } catch (error) {
        if (!(error instanceof FacewiseError) || error.code !== 'MODEL_NOT_FOUND') throw error
        const hint = 'In a clone of the project run `npm run build:models`; in an installed package, install it again.'
        throw new FacewiseError('MODEL_NOT_FOUND', `${error.message}. ${hint}`, { cause: error.cause })
      }
    },
  }
}

/** The source that a string or URL means: an address of the web, or else a folder. */
export function sourceAt(place: string | URL): ModelSource {
  const text = String(place)
  if (/^https?:/.test(text)) return urlSource(text)
  return directorySource(text.startsWith('file:') ? fileURLToPath(text) : text)
}
