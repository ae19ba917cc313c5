import { FacewiseError, messageOf, throwIfAborted } from '../errors.ts'

/** Options of {@link ModelSource.read}. */
export interface ReadOptions {
  readonly signal?: AbortSignal
  /** Hears how many bytes have come so far. */
  readonly onBytes?: (count: number) => void
}

/** Where the files of a model are read from. */
export interface ModelSource {
  /** The bytes of a file, by its path in the manifest. */
  read(path: string, options?: ReadOptions): Promise<Uint8Array>
  /** Where a file is, for messages. */
  locate(path: string): string
}

/** Files below an address; a relative one is taken from the page. */
export function urlSource(base: string | URL): ModelSource {
  const folder = String(base).replace(/\/*$/, '/')
  return addressSource(path => folder + path)
}

/** Files at addresses that `locate` gives. */
export function addressSource(locate: (path: string) => string): ModelSource {
  return {
    locate,
    async read(path, { signal, onBytes } = {}) {
      const address = locate(path)
      if (address.startsWith('data:')) return fromDataUrl(address)
      let response: Response
      try {
        response = await fetch(address, { signal })
        if (response.ok) return await readBody(response, onBytes)
      } catch (error) {
        throwIfAborted(signal)
        throw new FacewiseError('MODEL_NOT_FOUND', `${address} cannot be fetched: ${messageOf(error)}.`, {
          cause: error,
        })
      }
      throw new FacewiseError(
        'MODEL_NOT_FOUND',
        `${address} answered with status ${response.status}. Serve the folder models/ of this package there, or give its address.`,
      )
    },
  }
}

/** Files held in memory, by path. */
export function memorySource(files: Readonly<Record<string, Uint8Array>>): ModelSource {
  return {
    locate: path => `memory:${path}`,
    async read(path) {
      const bytes = files[path]
      if (!bytes) throw new FacewiseError('MODEL_NOT_FOUND', `The memory source has no file "${path}".`)
      return bytes
    },
  }
}

async function readBody(response: Response, onBytes: ((count: number) => void) | undefined): Promise<Uint8Array> {
  if (!onBytes || !response.body) return new Uint8Array(await response.arrayBuffer())
  const chunks: Uint8Array[] = []
  let count = 0
  const reader = response.body.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    chunks.push(value)
    count += value.length
    onBytes(count)
  }
  const bytes = new Uint8Array(count)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}

/** Bundlers turn small files into `data:` addresses, which a strict policy does not let `fetch` read. */
function fromDataUrl(address: string): Uint8Array {
  const comma = address.indexOf(',')
  const body = address.slice(comma + 1)
  if (!address.slice(0, comma).endsWith(';base64')) return new TextEncoder().encode(decodeURIComponent(body))
  return Uint8Array.from(atob(body), character => character.charCodeAt(0))
}
