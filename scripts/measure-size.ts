/**
 * How large the package is: to download, to install, and what a page loads before its first result.
 *
 * `npm run measure:size` prints the tables of the README and of `docs/bundlers.md`. The page is an app built by Vite from the tarball,
 * opened in Chromium, whose every response is counted: as it is, and compressed by gzip as a server would send it.
 */
import { spawnSync } from 'node:child_process'
import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type Browser, chromium } from 'playwright'
import { globSync } from 'tinyglobby'
import { build } from 'vite'
import { emptyProject, PAGE, SHOW, serve, writePhoto } from '../test/bundlers/site.ts'
import { chromiumLaunchOptions } from './chromium.ts'
import { npmEnvironment, pack } from './pack.ts'

/** What a page does, as a program; `options` are those of the backend. */
const PAGES: Readonly<Record<string, (options: string) => string>> = {
  'faces, `facewise/detect`': options => `
    import { createMtcnn } from 'facewise/detect'
    const mtcnn = await createMtcnn({ backend: ${options} })
    show((await mtcnn.detect('photo.jpg')).length)`,
  'faces, `createFacewise`': options => `
    import { createFacewise } from 'facewise'
    const fw = await createFacewise({ backend: ${options} })
    show((await fw.detect('photo.jpg')).length)`,
  'embeddings: `represent`': options => `
    import { createFacewise } from 'facewise'
    const fw = await createFacewise({ backend: ${options} })
    show((await fw.represent('photo.jpg')).length)`,
  'emotion, age, gender, pose, quality: `describe`': options => `
    import { createFacewise } from 'facewise'
    const fw = await createFacewise({ backend: ${options} })
    show((await fw.describe('photo.jpg')).length)`,
}
const BACKENDS = { 'WebAssembly asked for': "{ prefer: 'wasm' }", 'the best of all backends': '{}' } as const

const KINDS = ['JavaScript', 'WebAssembly', 'models'] as const
type Kind = (typeof KINDS)[number]
interface Bytes {
  plain: number
  gzip: number
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(2)} MB`
const kilobytes = (bytes: number): string => `${Math.round(bytes / 1e3).toLocaleString('en')} kB`

const tarball = await pack()
console.log('| the package | |\n| --- | --- |')
console.log(`| to download | ${megabytes(statSync(tarball).size)} |`)
await measureInstall()
await measurePages()

/** Installs it into an empty project. */
async function measureInstall(): Promise<void> {
  const project = mkdtempSync(join(tmpdir(), 'facewise-size-'))
  try {
    writeFileSync(join(project, 'package.json'), '{ "private": true }')
    const args = ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball]
    const { status, stderr } = spawnSync('npm', args, { cwd: project, encoding: 'utf8', env: npmEnvironment() })
    if (status !== 0) throw new Error(`npm install failed: ${stderr}`)
    const modules = join(project, 'node_modules')
    const packages = globSync(['*/package.json', '@*/*/package.json'], { cwd: modules }).length
    console.log(`| unpacked | ${megabytes(sizeOf(join(modules, 'facewise')))} |`)
    console.log(`| an empty project that installed it: ${packages} packages | ${megabytes(sizeOf(modules))} |`)
    console.log(`| of these, TensorFlow.js | ${megabytes(sizeOf(join(modules, '@tensorflow')))} |`)
    console.log(`| sharp, which decodes pictures in Node | ${megabytes(sizeOf(join(modules, '@img')))} |`)
  } finally {
    rmSync(project, { recursive: true, force: true })
  }
}

/** The bytes of all files, as they are read; on a disk each takes some more. */
function sizeOf(folder: string): number {
  const files = globSync('**', { cwd: folder, dot: true, absolute: true, followSymbolicLinks: false })
  return files.reduce((sum, path) => sum + lstatSync(path).size, 0)
}

async function measurePages(): Promise<void> {
  const work = await emptyProject('size')
  writeFileSync(join(work, 'package.json'), '{ "type": "module" }')
  const browser = await chromium.launch(chromiumLaunchOptions())
  try {
    for (const [backend, options] of Object.entries(BACKENDS)) {
      console.log(`\n| first visit, ${backend} | ${KINDS.join(' | ')} | all, gzip |`)
      console.log('| --- | --- | --- | --- | --- |')
      for (const [what, program] of Object.entries(PAGES)) {
        const loaded = await loadedBy(browser, work, `${program(options)}\n${SHOW}`)
        const cells = KINDS.map(kind => `${kilobytes(loaded[kind].plain)} (${kilobytes(loaded[kind].gzip)})`)
        const all = KINDS.reduce((sum, kind) => sum + loaded[kind].gzip, 0)
        console.log(`| ${what} | ${cells.join(' | ')} | ${kilobytes(all)} |`)
      }
    }
  } finally {
    await browser.close()
  }
}

/** Builds a page, opens it, and counts what it asks for until it shows what it found. */
async function loadedBy(browser: Browser, work: string, program: string): Promise<Record<Kind, Bytes>> {
  const out = join(work, 'out')
  mkdirSync(out, { recursive: true })
  writeFileSync(join(work, 'main.js'), program)
  writeFileSync(join(work, 'index.html'), PAGE)
  await build({ root: work, logLevel: 'error', configFile: false, build: { outDir: out, emptyOutDir: true } })
  await writePhoto(join(out, 'photo.jpg'))
  const site = await serve(out)
  const context = await browser.newContext()
  try {
    const page = await context.newPage()
    const asked = new Set<string>()
    page.on('response', response => {
      // Browsers ask for a site's icon by themselves.
      if (response.url().endsWith('/favicon.ico')) return
      if (!response.ok()) throw new Error(`${response.url()} answered with status ${response.status()}.`)
      asked.add(decodeURIComponent(new URL(response.url()).pathname))
    })
    await page.goto(site.address)
    const found = page.locator('html[data-result]')
    const faces = await found.getAttribute('data-result', { timeout: 280_000 })
    if (faces !== '4') throw new Error(`The page found ${faces} faces in a photo of 4.`)
    return sum(out, asked)
  } finally {
    await context.close()
    site.close()
  }
}

function sum(out: string, asked: ReadonlySet<string>): Record<Kind, Bytes> {
  const loaded = Object.fromEntries(KINDS.map(kind => [kind, { plain: 0, gzip: 0 }])) as Record<Kind, Bytes>
  for (const path of asked) {
    if (/\/$|\.(html|jpg)$/.test(path)) continue
    const kind = path.endsWith('.js') ? 'JavaScript' : path.endsWith('.wasm') ? 'WebAssembly' : 'models'
    const bytes = readFileSync(join(out, path))
    loaded[kind].plain += bytes.length
    loaded[kind].gzip += gzipSync(bytes).length
  }
  return loaded
}
