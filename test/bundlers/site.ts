import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser } from 'playwright'
import sharp from 'sharp'
import { pack } from '../../scripts/pack.ts'
import { samplePhoto } from '../data.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The strictest policy that WebAssembly can live with. */
export const STRICT =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; img-src 'self'; style-src 'self'"
/** What an isolated page, which may have threads, is served with. */
export const ISOLATED = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}

/** A page that runs `main.js`. */
export const PAGE = '<!doctype html><title>t</title><script type="module" src="./main.js"></script>'

/** The end of a page's program: what it found is read from the page as text. */
export const SHOW = `
function show(result) {
  document.documentElement.dataset.result = JSON.stringify(result)
}
`

/** What {@link readPage} saw. */
export interface Seen<T> {
  readonly result: T
  /** Requests to other origins. */
  readonly outside: string[]
  /** What the page's policy refused. */
  readonly violations: string[]
  /** How many workers still ran three seconds after that. */
  readonly workers: number
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
}

/**
 * An empty folder of that name with the package in its `node_modules`, as npm would unpack it. The package's peers, and the bundlers, are
 * found further up.
 */
export async function emptyProject(name: string): Promise<string> {
  const folder = join(root, 'output', 'bundlers', name)
  rmSync(folder, { recursive: true, force: true })
  const modules = join(folder, 'node_modules')
  mkdirSync(modules, { recursive: true })
  const extracted = spawnSync('tar', ['-xzf', await pack(), '-C', modules], { encoding: 'utf8' })
  if (extracted.status !== 0) throw new Error(`The tarball cannot be unpacked: ${extracted.stderr}`)
  renameSync(join(modules, 'package'), join(modules, 'facewise'))
  return folder
}

/** A photo of four faces. */
export async function writePhoto(path: string): Promise<void> {
  await sharp(samplePhoto(6)).resize(640).toFile(path)
}

/** Serves a folder as a static server would. `headers` can be changed while it runs. */
export async function serve(
  folder: string,
  headers: Record<string, string> = {},
): Promise<{ address: string; headers: Record<string, string>; close(): void }> {
  const site = { address: '', headers, close: () => void server.close() }
  const server = createServer((request, response) => {
    const path = join(folder, new URL(request.url ?? '/', 'http://localhost').pathname.replace(/\/$/, '/index.html'))
    if (!existsSync(path) || statSync(path).isDirectory()) return response.writeHead(404).end()
    const type = TYPES[extname(path)] ?? 'application/octet-stream'
    response.writeHead(200, { 'Content-Type': type, ...site.headers }).end(readFileSync(path))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  site.address = `http://localhost:${(server.address() as AddressInfo).port}/`
  return site
}

/** Opens a page, waits for what its program shows, and closes it. */
export async function readPage<T>(browser: Browser, url: string): Promise<Seen<T>> {
  const page = await browser.newPage()
  const outside: string[] = []
  const violations: string[] = []
  page.on('request', request => {
    if (!request.url().startsWith(new URL('/', url).href)) outside.push(request.url())
  })
  page.on('console', message => {
    if (/Content Security Policy|Refused/.test(message.text())) violations.push(message.text())
  })
  try {
    await page.goto(url)
    // Read from the page as text: under a strict policy nothing can be evaluated in it.
    const text = await page.locator('html[data-result]').getAttribute('data-result', { timeout: 90_000 })
    // That a worker was ended is heard of later.
    for (let i = 0; i < 30 && page.workers().length > 0; i++) await page.waitForTimeout(100)
    return { result: JSON.parse(text ?? 'null') as T, outside, violations, workers: page.workers().length }
  } finally {
    await page.close()
  }
}
