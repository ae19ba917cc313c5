import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** How a request is answered, where not as a good server does. */
export type Misbehaviour =
  | { readonly status: number; readonly headers?: Record<string, string> }
  /** The connection breaks after so many bytes of the answer. */
  | { readonly cutAfter: number }
  /** Nothing more comes after so many bytes of the answer. */
  | { readonly stallAfter: number }
  /** Other contents than the file, as a whole file. */
  | { readonly body: Uint8Array; readonly headers?: Record<string, string> }
  /** The whole file, whatever part was asked for. */
  | { readonly whole: true }
  /** A part that begins elsewhere than was asked. */
  | { readonly shifted: true }
  /** The file without its length, ended properly after so many bytes. */
  | { readonly endAfter: number }

/** A request as it came. */
export interface SeenRequest {
  readonly name: string
  readonly headers: IncomingMessage['headers']
  readonly query: string
  status: number
}

/** A real HTTP server with the files of a mirror, which can be told to misbehave. */
export interface MirrorServer {
  /** Its address, with a slash at the end. */
  readonly base: string
  readonly requests: SeenRequest[]
  /** What the next requests of a file get, in order; after them it is served well. */
  readonly misbehave: Map<string, Misbehaviour[]>
  /** The version of all files. */
  etag: string | undefined
  lastModified: string | undefined
  /** Waits until so many bytes of a file have landed; a connection breaks only then, since `fetch` may drop what nobody has read. */
  landed: (name: string, bytes: number) => Promise<void>
  /** Milliseconds before each answer. */
  delay: number
  /** The most requests that were open at one time. */
  readonly mostAtOnce: () => number
  /** How often a file was asked for. */
  count(name: string): number
  /** Breaks every open connection. */
  dropConnections(): void
  close(): Promise<void>
}

/** Starts a server for `files` by name. */
export async function startMirror(files: ReadonlyMap<string, Uint8Array>): Promise<MirrorServer> {
  let open = 0
  let most = 0
  const server = createServer((request, response) => {
    most = Math.max(most, ++open)
    response.once('close', () => open--)
    answer(request, response).catch(error => response.destroy(error as Error))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const mirror: MirrorServer = {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}/weights/`,
    requests: [],
    misbehave: new Map(),
    etag: '"version-1"',
    lastModified: undefined,
    landed: async () => undefined,
    delay: 0,
    mostAtOnce: () => most,
    count: name => mirror.requests.filter(request => request.name === name).length,
    dropConnections: () => server.closeAllConnections(),
    close: () => {
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      server.closeAllConnections()
      return closed
    },
  }
  return mirror

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, search } = new URL(request.url!, mirror.base)
    const name = pathname.replace('/weights/', '')
    const seen: SeenRequest = { name, headers: request.headers, query: search, status: 0 }
    mirror.requests.push(seen)
    response.once('close', () => {
      seen.status = response.statusCode
    })
    await sleep(mirror.delay)
    const file = files.get(name)
    const how = mirror.misbehave.get(name)?.shift()
    if (!file) return void response.writeHead(404).end('nothing here')
    if (how && 'status' in how) return void response.writeHead(how.status, how.headers).end('no')
    if (how && 'body' in how) {
      return void response.writeHead(200, { 'content-length': how.body.length, ...how.headers }).end(how.body)
    }
    if (how && 'endAfter' in how) return void response.writeHead(200).end(file.subarray(0, how.endAfter))
    if (mirror.etag) response.setHeader('etag', mirror.etag)
    if (mirror.lastModified) response.setHeader('last-modified', mirror.lastModified)
    const begin = how && 'whole' in how ? 0 : rangeOf(request)
    if (begin >= file.length) {
      return void response.writeHead(416, { 'content-range': `bytes */${file.length}` }).end()
    }
    const from = how && 'shifted' in how ? begin + 1 : begin
    const rest = file.subarray(from)
    response.writeHead(begin > 0 ? 206 : 200, {
      'content-length': rest.length,
      ...(begin > 0 && { 'content-range': `bytes ${from}-${file.length - 1}/${file.length}` }),
    })
    if (how && 'cutAfter' in how) {
      response.write(rest.subarray(0, how.cutAfter))
      await mirror.landed(name, from + how.cutAfter)
      response.destroy()
    } else if (how && 'stallAfter' in how) {
      response.write(rest.subarray(0, how.stallAfter))
    } else {
      response.end(rest)
    }
  }

  /** Where the wanted part begins; 0 where the whole file is wanted, or another version than ours. */
  function rangeOf({ headers }: IncomingMessage): number {
    const begin = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0)
    const condition = headers['if-range']
    return condition === undefined || condition === mirror.etag || condition === mirror.lastModified ? begin : 0
  }
}
