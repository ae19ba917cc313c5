/**
 * `npm run bench:gpu`: what the backends of a browser are worth on this computer's graphics: times, whether the results are those of
 * WebAssembly, memory, learning. Each backend gets a Chromium of its own that has compiled nothing before (`CHROMIUM_PATH` names another
 * than the system's).
 *
 * `-- --facenet DIR`: FaceNet-512 too, from the folder where `facewise models pull` put it.
 * `-- --software`: one photo on Chromium's software renderer, which tells whether results agree, and nothing of speed.
 * `-- --case webgl --only head128,network`: one backend, some parts (those of `results.ts`).
 * `-- --flags "..."`: other flags than those below; `-- --tf NAME` switches a flag of TensorFlow.js on.
 * `-- --page DIR` only builds the page, for a computer without Node: any server that answers with the headers below and keeps what is
 * posted to `/result`, a line each, will do; `-- --read FILE` prints the table of these lines.
 */
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright'
import { build, type PreviewServer, preview } from 'vite'
import { chromiumLaunchOptions } from '../../scripts/chromium.ts'
import { CASES, type CaseName, type Sent } from './results.ts'
import { printTable } from './table.ts'

/** A headless Chromium on Linux draws in software unless it is told to use Vulkan; elsewhere it needs nothing. */
const FLAGS = [
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--enable-webgpu-developer-features',
  '--ignore-gpu-blocklist',
  ...(process.platform === 'linux'
    ? ['--use-angle=vulkan', '--enable-features=Vulkan', '--disable-vulkan-surface']
    : []),
]
/** What a software renderer can do in some minutes. */
const LITTLE = { photos: '1', widths: '640,320', rounds: '1' }
/** Cross-origin isolation, without which WebAssembly has no threads. */
const HEADERS = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }
const PATIENCE_MS = 15 * 60_000

const { values: options } = parseArgs({
  options: {
    case: { type: 'string', multiple: true },
    facenet: { type: 'string' },
    flags: { type: 'string' },
    only: { type: 'string' },
    page: { type: 'string' },
    read: { type: 'string' },
    rounds: { type: 'string' },
    save: { type: 'string' },
    tf: { type: 'string', multiple: true, default: [] },
    software: { type: 'boolean', default: false },
  },
})

if (options.read)
  printTable(
    readFileSync(options.read, 'utf8')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as Sent),
  )
else if (options.page) await buildPage(options.page)
else await run()

async function run(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'facewise-gpu-'))
  const sent: Sent[] = []
  const waiting = new Map<CaseName, () => void>()
  await buildPage(folder)
  if (options.save) writeFileSync(options.save, '')
  const server = await serve(folder, one => {
    sent.push(one)
    if (options.save) appendFileSync(options.save, `${JSON.stringify(one)}\n`)
    if (one.part === 'end') waiting.get(one.case)?.()
  })
  try {
    for (const name of casesOf(options.case)) {
      console.log(`${name} ...`)
      const query = new URLSearchParams({
        case: name,
        ...(options.software && LITTLE),
        ...(options.rounds && { rounds: options.rounds }),
      })
      if (options.only) query.set('only', options.only)
      for (const flag of options.tf) query.append('tf', flag)
      if (options.facenet) query.set('facenet', 'facenet-512/')
      await visit(
        `${server.resolvedUrls!.local[0]}?${query}`,
        new Promise(resolve => {
          waiting.set(name, resolve)
        }),
      )
    }
  } finally {
    await server.close()
    rmSync(folder, { recursive: true, force: true })
  }
  printTable(sent)
}

function casesOf(names: readonly string[] | undefined): readonly CaseName[] {
  const strange = names?.find(name => !CASES.some(known => known === name))
  if (strange) throw new Error(`There is no case "${strange}"; choose among ${CASES.join(', ')}.`)
  return (names as CaseName[] | undefined) ?? CASES
}

async function buildPage(outDir: string): Promise<void> {
  await build({
    root: fileURLToPath(new URL('.', import.meta.url)),
    base: './',
    configFile: false,
    logLevel: 'error',
    worker: { format: 'es' },
    // Minified, TensorFlow.js' WebAssembly would have one thread only.
    build: { outDir, emptyOutDir: true, target: 'es2023', assetsInlineLimit: 0, minify: false },
  })
  if (options.facenet) cpSync(options.facenet, join(outDir, 'facenet-512'), { recursive: true })
}

function serve(outDir: string, onSent: (sent: Sent) => void): Promise<PreviewServer> {
  return preview({
    configFile: false,
    logLevel: 'error',
    build: { outDir },
    preview: { port: 0, host: '127.0.0.1', headers: HEADERS },
    plugins: [
      {
        name: 'results',
        configurePreviewServer({ middlewares }) {
          middlewares.use('/result', async (request, response) => {
            let text = ''
            for await (const chunk of request) text += chunk
            onSent(JSON.parse(text))
            response.end()
          })
        },
      },
    ],
  })
}

/** Opens the address in a browser of its own until `done`. */
async function visit(address: string, done: Promise<void>): Promise<void> {
  const args = options.flags?.split(/\s+/) ?? (options.software ? chromiumLaunchOptions().args : FLAGS)
  const browser = await chromium.launch({ ...chromiumLaunchOptions(), args })
  let timer: ReturnType<typeof setTimeout> | undefined
  try {
    const page = await browser.newPage()
    const failed = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`The page did not end in time: ${address}`)), PATIENCE_MS)
      page.on('crash', () => reject(new Error(`The page crashed: ${address}`)))
      page.on('pageerror', reject)
    })
    await page.goto(address)
    await Promise.race([done, failed])
  } finally {
    clearTimeout(timer)
    await browser.close()
  }
}
