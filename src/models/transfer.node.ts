import { open, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { messageOf, throwIfAborted } from '../errors.ts'
import { writing } from './writing.node.ts'

/** A transfer that failed in a way that may pass: a broken connection, a busy server. What came so far is kept. */
export class Interrupted extends Error {
  /** Milliseconds that the server wants us to wait. */
  readonly retryAfterMs: number | undefined

  constructor(message: string, options: { cause?: unknown; retryAfterMs?: number } = {}) {
    super(message, { cause: options.cause })
    this.retryAfterMs = options.retryAfterMs
  }
}

/** The server says that it does not have the file, or not for us: to ask again is of no use. */
export class Refused extends Error {}

/** The file is longer than it may be. */
export class TooLong extends Error {}

/** Options of {@link transfer}. */
export interface TransferOptions {
  readonly signal?: AbortSignal
  /** Milliseconds without a byte after which the connection is given up. */
  readonly stallMs: number
  /** The most bytes that the file may have. */
  readonly maxBytes: number
  /** Begin anew, past every cache on the way. */
  readonly fresh: boolean
  /** Hears how many bytes of the file there are, and how many there will be where the server says so. */
  readonly onBytes: (count: number, total: number | undefined) => void
}

/** Beside a part: from where it comes, and the version that it is a part of. */
interface PartOrigin {
  readonly address: string
  /** A strong `ETag`, or else `Last-Modified`, for `If-Range`. */
  readonly validator?: string
}

/**
 * Fetches `address` into the file `part`. Where a part is there from the same address, only the rest is asked for (RFC 9110, range
 * requests), on condition that it is the same version; a server that sends the whole file nevertheless is right too.
 *
 * @throws Interrupted, Refused, TooLong; FacewiseError `ABORTED`, `OUTPUT_FAILED`.
 */
export async function transfer(address: string, part: string, options: TransferOptions): Promise<void> {
  const { signal, stallMs, fresh, onBytes } = options
  throwIfAborted(signal)
  const stalled = new AbortController()
  let timer = setTimeout(() => stalled.abort(), stallMs)
  const alive = (): void => {
    clearTimeout(timer)
    timer = setTimeout(() => stalled.abort(), stallMs)
  }
  try {
    if (fresh) await discardPart(part)
    const { size, validator } = await partOf(address, part)
    onBytes(size, undefined)
    const { url, headers } = request(address, size, validator, fresh)
    const response = await fetch(url, {
      headers,
      signal: signal ? AbortSignal.any([signal, stalled.signal]) : stalled.signal,
    })
    try {
      const begin = await beginning(response, size, part)
      const length = Number(response.headers.get('content-length') ?? Number.NaN)
      const total = response.headers.has('content-encoding') || Number.isNaN(length) ? undefined : begin + length
      const heard = (count: number): void => {
        alive()
        onBytes(count, total)
      }
      await store(response, address, part, begin, { ...options, onBytes: heard })
    } finally {
      // The rest of an answer that is not wanted would hold the connection.
      await response.body?.cancel().catch(() => undefined)
    }
  } catch (error) {
    throwIfAborted(signal)
    if (stalled.signal.aborted) throw new Interrupted(`no byte came for ${stallMs / 1000} s`, { cause: error })
    // `fetch` says "fetch failed"; the reason is the cause.
    if (error instanceof TypeError) throw new Interrupted(reasonOf(error), { cause: error })
    throw error
  } finally {
    clearTimeout(timer)
  }
}

/** Removes a part and what is known of it. */
export async function discardPart(part: string): Promise<void> {
  await writing(part, async () => {
    await rm(part, { force: true })
    await rm(originPath(part), { force: true })
  })
}

const originPath = (part: string): string => `${part}.origin`

async function partOf(address: string, part: string): Promise<{ size: number; validator?: string }> {
  const size = await stat(part).then(
    entry => entry.size,
    () => 0,
  )
  if (size === 0) return { size }
  try {
    const origin = JSON.parse(await readFile(originPath(part), 'utf8')) as PartOrigin
    if (origin.address === address) return { size, validator: origin.validator }
  } catch {
    // A part of unknown origin is no use.
  }
  return { size: 0 }
}

function request(
  address: string,
  size: number,
  validator: string | undefined,
  fresh: boolean,
): { url: URL; headers: Record<string, string> } {
  const url = new URL(address)
  const headers: Record<string, string> = {}
  if (fresh) headers['cache-control'] = 'no-cache'
  // Compressed on the way, a range would be one of the compressed bytes. With a range `fetch` asks for that by itself.
  if (size === 0) headers['accept-encoding'] = 'identity'
  else {
    headers.range = `bytes=${size}-`
    if (validator !== undefined) headers['if-range'] = validator
  }
  if (url.username || url.password) {
    // `fetch` refuses addresses with a password.
    const login = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
    headers.authorization = `Basic ${Buffer.from(login).toString('base64')}`
    url.username = ''
    url.password = ''
  }
  return { url, headers }
}

/** Where in the file the answer begins: at its start, or after the part that is there. */
async function beginning(response: Response, size: number, part: string): Promise<number> {
  const { status, headers } = response
  if (status === 206) {
    const range = /^bytes (\d+)-/.exec(headers.get('content-range') ?? '')
    if (range && Number(range[1]) === size && !headers.has('content-encoding')) return size
    await discardPart(part)
    throw new Interrupted('the server answered with another part of the file than the one asked for')
  }
  if (status === 200) return 0
  if (status === 416) {
    await discardPart(part)
    throw new Interrupted('the server has fewer bytes than were fetched before')
  }
  const problem = `the server answered with status ${status}${response.statusText && ` (${response.statusText})`}`
  if (status >= 500 || [408, 425, 429].includes(status)) {
    throw new Interrupted(problem, { retryAfterMs: retryAfter(headers.get('retry-after')) })
  }
  throw new Refused(problem)
}

/** `Retry-After`: seconds, or a date. */
function retryAfter(value: string | null): number | undefined {
  if (value === null) return undefined
  const ms = /^\d+$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - Date.now()
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}

async function store(
  { headers, body }: Response,
  address: string,
  part: string,
  begin: number,
  { maxBytes, onBytes }: Pick<TransferOptions, 'maxBytes'> & { onBytes: (count: number) => void },
): Promise<void> {
  const file = await writing(part, () => open(part, begin > 0 ? 'a' : 'w'))
  try {
    if (begin === 0) {
      const etag = headers.get('etag')
      const validator = etag?.startsWith('"') ? etag : headers.get('last-modified')
      const origin: PartOrigin = { address, ...(validator ? { validator } : {}) }
      // After the old part was emptied and before the first new byte, so that it never describes other bytes.
      await writing(part, () => writeFile(originPath(part), JSON.stringify(origin)))
    }
    let count = begin
    const reader = body?.getReader()
    for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
      const { value } = next
      count += value.length
      if (count > maxBytes) throw new TooLong(`it has more than ${maxBytes} bytes`)
      await writing(part, () => file.writeFile(value))
      onBytes(count)
    }
  } finally {
    await file.close()
  }
}

function reasonOf(error: Error): string {
  const { cause } = error as { cause?: unknown }
  if (cause === undefined) return error.message
  const { code } = cause as { code?: unknown }
  const reason = messageOf(cause)
  if (reason) return reason
  // Several addresses of one host were tried: the error that holds them has a code and no words.
  return typeof code === 'string' ? code : error.message
}
