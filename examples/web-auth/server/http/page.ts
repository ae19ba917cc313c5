import { createReadStream, existsSync, readdirSync, statSync } from 'node:fs'
import { extname, join, relative, sep } from 'node:path'
import { Readable } from 'node:stream'
import type { MiddlewareHandler } from 'hono'
import type { AppEnvironment } from './environment.ts'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  '.wasm': 'application/wasm',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
}
/** The build puts a hash of its content into the name of each of these files. */
const HASHED = /^\/assets\/.*-[\w-]{8,}\.\w+$/

interface File {
  readonly path: string
  readonly size: number
  readonly type: string
}

/**
 * Serves the built page. The files are listed when the server starts, and a request names one of the list or none: no path that a request
 * brings is ever opened.
 */
export function servePage(folder: string): MiddlewareHandler<AppEnvironment> {
  const files = filesBelow(folder)
  return async (c, next) => {
    if (c.req.method !== 'GET' && c.req.method !== 'HEAD') return next()
    const { path } = c.req
    // The page has views of its own, with addresses that are no files.
    const file = files.get(path) ?? (/\.\w+$/.test(path) ? undefined : files.get('/index.html'))
    if (!file) return next()
    c.header('Content-Type', file.type)
    c.header('Content-Length', String(file.size))
    c.header('Cache-Control', HASHED.test(path) ? 'public, max-age=31536000, immutable' : 'no-cache')
    if (c.req.method === 'HEAD') return c.body(null)
    return c.body(Readable.toWeb(createReadStream(file.path)) as ReadableStream)
  }
}

function filesBelow(folder: string): Map<string, File> {
  const files = new Map<string, File>()
  if (!existsSync(folder)) return files
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    // A link may lead anywhere.
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const type = TYPES[extname(entry.name).toLowerCase()] ?? 'application/octet-stream'
    files.set(`/${relative(folder, path).split(sep).join('/')}`, { path, size: statSync(path).size, type })
  }
  return files
}
