import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright'
import sharp from 'sharp'
import { build, type InlineConfig, mergeConfig } from 'vite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chromiumLaunchOptions } from '../../scripts/chromium.ts'
import { samplePhoto } from '../data.ts'
import { allBlocks, type Block, folderOf, placeOf } from './blocks.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const work = join(root, 'output', 'docs-browser')
const site = join(work, 'site')
const worker = join(root, 'src', 'worker', 'worker-entry.ts')

const blocks = allBlocks()
const programs = blocks.filter(({ check }) => check === 'browser')
const pages = blocks.filter(({ check }) => check === 'page')
const configs = blocks.filter(({ check }) => check === 'config')

/** What a program finds in its page. */
const body =
  '<img alt=""><canvas width="640" height="480"></canvas><video muted playsinline></video><button>Stop</button><p></p>'
const pageOf = (script: string): string =>
  `<!doctype html><html lang="en"><title>t</title><body>${body}<script type="module" src="${script}"></script></body></html>`

const nameOf = ({ page, line }: Block): string => `${folderOf(page)}-${line}`
let server: Server
let browser: Browser
let address: string

beforeAll(async () => {
  rmSync(work, { recursive: true, force: true })
  const input: Record<string, string> = {}
  const write = (name: string, text: string): string => {
    mkdirSync(dirname(join(work, name)), { recursive: true })
    writeFileSync(join(work, name), text)
    return join(work, name)
  }
  for (const block of programs) {
    // So that the test knows when it is done, or why not.
    write(`${nameOf(block)}/program.ts`, `${block.code}\nObject.assign(globalThis, { outcome: 'done' })\n`)
    write(`${nameOf(block)}/start.ts`, starter(!block.text.includes('getUserMedia')))
    input[nameOf(block)] = write(`${nameOf(block)}/index.html`, pageOf('./start.ts'))
  }
  for (const block of pages) {
    for (const { page, check, file, code } of blocks) {
      if (page === block.page && check === 'module') write(`${nameOf(block)}/${file}`, code)
    }
    input[nameOf(block)] = write(`${nameOf(block)}/index.html`, block.text)
  }
  input['worker-entry'] = worker
  // The settings that the guides give are those that these pages are built with.
  let config: InlineConfig = {
    root: work,
    configFile: false,
    logLevel: 'error',
    worker: { rolldownOptions: { treeshake: false } },
    resolve: { conditions: ['browser', 'module', 'import', 'default'] },
    build: {
      outDir: site,
      minify: false,
      // Its helper wants a document, which a worker has not.
      modulePreload: false,
      rolldownOptions: {
        input,
        // The package promises that its modules do nothing at import; these programs lie in its folder and do nothing else.
        treeshake: false,
        output: {
          entryFileNames: ({ name }) => (name === 'worker-entry' ? 'assets/[name].js' : 'assets/[name]-[hash].js'),
        },
      },
    },
  }
  for (const [i, block] of configs.entries()) {
    const file = write(`config-${i}.mjs`, block.text)
    config = mergeConfig(config, (await import(pathToFileURL(file).href)).default)
  }
  await build(config)
  const wasm = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'))
  server = await serve({ '/wasm/': wasm, '/models/': join(root, 'models'), '/': site })
  address = `http://localhost:${(server.address() as AddressInfo).port}`
  copyFileSync(samplePhoto(6), join(site, 'photo.jpg'))
  // Chromium's camera shows a film that has one frame.
  const frame = await sharp(samplePhoto(6)).resize(640, 480).jpeg().toBuffer()
  writeFileSync(join(work, 'camera.mjpeg'), Buffer.concat(Array.from({ length: 10 }, () => frame)))
  const { args, ...launch } = chromiumLaunchOptions()
  const fake = ['--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream']
  const film = `--use-file-for-fake-video-capture=${join(work, 'camera.mjpeg')}`
  browser = await chromium.launch({ ...launch, args: [...args, ...fake, film] })
}, 240_000)

afterAll(async () => {
  await browser?.close()
  server?.close()
  rmSync(work, { recursive: true, force: true })
})

describe('programs of the documentation for browsers', () => {
  it.each(programs.map(block => ({ place: placeOf(block), block })))(
    'run: $place',
    async ({ block }) => {
      const { page, problems } = await open(nameOf(block))
      const usesCamera = block.text.includes('getUserMedia')
      if (usesCamera && block.text.includes("'button'")) {
        await page.waitForFunction(
          () => (globalThis as unknown as Watched).lines > 1 || 'outcome' in globalThis,
          null,
          WAIT,
        )
        await page.click('button')
      }
      // A challenge goes on until somebody has turned their head: enough that it speaks.
      const speaks = block.text.includes("querySelector('p')")
      await page.waitForFunction(ended, speaks, WAIT)
      expect(await page.evaluate(() => (globalThis as unknown as Partial<Watched>).outcome ?? 'speaks')).toBe(
        speaks ? 'speaks' : 'done',
      )
      expect(problems).toEqual([])
      await page.close()
    },
    120_000,
  )

  it.each(pages.map(block => ({ place: placeOf(block), block })))(
    'work as a page: $place',
    async ({ block }) => {
      const { page, problems } = await open(nameOf(block))
      await page.setInputFiles('input[type=file]', samplePhoto(6))
      await page.waitForFunction(() => /\d/.test(document.querySelector('p')?.textContent ?? ''), null, WAIT)
      expect(await page.textContent('p')).toMatch(/^4 faces: about \d+/)
      expect(problems).toEqual([])
      await page.close()
    },
    120_000,
  )

  it('were built with all settings that the guides give', () => {
    expect(programs.length).toBeGreaterThanOrEqual(6)
    expect(configs.length).toBeGreaterThanOrEqual(2)
  })
})

const WAIT = { timeout: 40_000 }

interface Watched {
  outcome: string
  /** How many lines the program wrote. */
  lines: number
}

async function open(name: string): Promise<{ page: Page; problems: string[] }> {
  // Each in a profile of its own: they name the same database.
  const page = await browser.newPage()
  await page.addInitScript(countLines)
  const problems: string[] = []
  page.on('pageerror', error => problems.push(error.message))
  page.on('console', message => {
    if (message.type() === 'error') problems.push(message.text())
  })
  page.on('request', request => {
    if (!request.url().startsWith(address) && !/^(blob|data):/.test(request.url())) problems.push(request.url())
  })
  await page.goto(`${address}/${name}/index.html`)
  return { page, problems }
}

/** Starts a program, after the camera where the program expects its `<video>` to show something, and keeps what it fails with. */
function starter(withCamera: boolean): string {
  const camera = `const video = document.querySelector('video')!
video.srcObject = await navigator.mediaDevices.getUserMedia({ video: true })
await video.play()
`
  const image = `const image = document.querySelector('img')!
image.src = '/photo.jpg'
await image.decode()
`
  return `${image}${withCamera ? camera : ''}import('./program.ts').catch(error => Object.assign(globalThis, { outcome: String(error) }))
export {}
`
}

/** Whether the program has ended, or has said something to the person. Runs in the page. */
function ended(speaks: boolean): boolean {
  return 'outcome' in globalThis || (speaks && Boolean(document.querySelector('p')?.textContent))
}

/** Counts what the program writes. Runs in the page, before its scripts. */
function countLines(): void {
  const watched = globalThis as unknown as Watched
  watched.lines = 0
  const log = console.log
  console.log = (...values) => {
    watched.lines++
    log(...values)
  }
}

async function serve(folders: Readonly<Record<string, string>>): Promise<Server> {
  const types: Record<string, string> = {
    '.html': 'text/html',
    '.js': 'text/javascript',
    '.wasm': 'application/wasm',
    '.json': 'application/json',
  }
  const started = createServer(({ url = '/' }, response) => {
    const path = decodeURIComponent(url.replace(/\?.*$/, ''))
    const file = Object.entries(folders)
      .filter(([prefix]) => path.startsWith(prefix))
      .map(([prefix, folder]) => join(folder, path.slice(prefix.length)))
      .find(candidate => existsSync(candidate))
    if (path === '/favicon.ico') return response.writeHead(204).end()
    if (!file) return response.writeHead(404).end()
    response.setHeader('content-type', types[extname(file)] ?? 'application/octet-stream').end(readFileSync(file))
  })
  await new Promise<void>(resolve => started.listen(0, resolve))
  return started
}
