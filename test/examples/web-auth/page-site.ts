/** The page of the web app, built once for all tests, and served under the server's policy where no server is wanted. */
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** Builds the page into a folder. */
export async function buildPage(outDir: string): Promise<string> {
  await build({
    configFile: join(root, 'examples', 'web-auth', 'web', 'vite.config.ts'),
    logLevel: 'error',
    build: { outDir },
  })
  return outDir
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
}

/** What the server says of the page; `test/examples/web-auth/page.test.ts` runs under the server's own words. */
const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; img-src 'self' blob: data:; " +
  "media-src 'self' blob:; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

/** Serves the built page alone: what it asks the server for, a test answers. */
export async function servePage(folder: string): Promise<{ address: string; close(): void }> {
  const server = createServer((request, response) => {
    const path = join(folder, new URL(request.url ?? '/', 'http://localhost').pathname.replace(/\/$/, '/index.html'))
    if (!existsSync(path)) return response.writeHead(404).end()
    const type = TYPES[extname(path)] ?? 'application/octet-stream'
    response.writeHead(200, { 'Content-Type': type, 'Content-Security-Policy': POLICY }).end(readFileSync(path))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    address: `http://localhost:${(server.address() as AddressInfo).port}/`,
    close: () => server.closeAllConnections(),
  }
}
