import { openers } from '#platform/store'
import { FacewiseError, isFacewiseError, messageOf } from '../errors.ts'
import { redactUrl } from './redact.ts'
import type { EmbeddingStore, StoreOptions } from './store.ts'

/** The kinds of stores that have URLs: how such a URL looks, and where it works. */
const KINDS: Readonly<Record<string, { readonly example: string; readonly where: string }>> = {
  memory: { example: 'memory:', where: 'everywhere' },
  file: { example: 'file:faces.db', where: 'in Node' },
  postgres: { example: 'postgres://user@host/database', where: 'in Node' },
  postgresql: { example: 'postgresql://user@host/database', where: 'in Node' },
  lancedb: { example: 'lancedb:DIR', where: 'in Node' },
  indexeddb: { example: 'indexeddb:NAME', where: 'in browsers' },
}

/**
 * Opens a store by its URL; the adapter is loaded only then:
 *
 * - `memory:` in memory, gone with the process;
 * - `file:faces.db` a SQLite file (Node);
 * - `postgres://user:password@host/database`, `postgresql://...` PostgreSQL with pgvector (Node);
 * - `lancedb:DIR` a LanceDB folder (Node);
 * - `indexeddb:NAME` the browser's database (browsers).
 *
 * For settings of an engine call its own factory.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` for any other URL; `STORE_MISMATCH` if it holds embeddings of another model than
 * `options.model`; `DEPENDENCY_MISSING` if the engine's package is not installed; what the engine's factory throws. Passwords of the URL
 * are in no message.
 */
export async function openStore(url: string, options: StoreOptions = {}): Promise<EmbeddingStore> {
  if (typeof url !== 'string')
    throw new FacewiseError('INVALID_ARGUMENT', `A store's URL is a string; got ${typeof url}.`)
  const colon = url.indexOf(':')
  const scheme = url.slice(0, Math.max(0, colon)).toLowerCase()
  const rest = url.slice(colon + 1)
  const kind = Object.hasOwn(KINDS, scheme) ? KINDS[scheme] : undefined
  if (!kind) throw new FacewiseError('INVALID_ARGUMENT', `"${redactUrl(url)}" is no URL of a store: ${choices()}.`)
  const opener = Object.hasOwn(openers, scheme) ? openers[scheme] : undefined
  if (!opener) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `${scheme}: stores work ${kind.where} alone. Here: ${choices(openers)}.`,
    )
  }
  if ((rest === '') !== (scheme === 'memory')) {
    throw new FacewiseError('INVALID_ARGUMENT', `"${redactUrl(url)}" does not say which store: write ${kind.example}.`)
  }
  try {
    return await opener(url, rest, options)
  } catch (error) {
    throw withoutSecret(error, url)
  }
}

function choices(available: Readonly<Record<string, unknown>> = KINDS): string {
  const examples = Object.keys(available).map(scheme => KINDS[scheme].example)
  return `${examples.slice(0, -1).join(', ')} or ${examples.at(-1)}`
}

/** The error, or another in its place where an engine put the whole URL into its message; always a `FacewiseError`. */
function withoutSecret(error: unknown, url: string): FacewiseError {
  const message = messageOf(error)
  const shown = message.replaceAll(url, redactUrl(url))
  // A cause would bring the URL along.
  if (message !== shown) return new FacewiseError(isFacewiseError(error) ? error.code : 'STORE_FAILED', shown)
  return isFacewiseError(error) ? error : new FacewiseError('STORE_FAILED', message, { cause: error })
}
