import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build as esbuild } from 'esbuild'
import { type Browser, chromium } from 'playwright'
import sharp from 'sharp'
import { build as viteBuild } from 'vite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import webpack from 'webpack'
import { chromiumLaunchOptions } from '../../scripts/chromium.ts'
import { pack } from '../../scripts/pack.ts'
import { samplePhoto } from '../data.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const work = join(root, 'output', 'bundlers')

/** The strictest policy that WebAssembly can live with. */
const STRICT =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; img-src 'self'; style-src 'self'"
const ISOLATED = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }

const APP = `
import { createMtcnn } from 'facewise/detect'
const options = JSON.parse(decodeURIComponent(location.hash.slice(1) || '{}'))
try {
  const mtcnn = await createMtcnn({ minFaceSize: 40, backend: options })
  const faces = await mtcnn.detect('photo.jpg')
  show({ faces: faces.length, report: mtcnn.engine.report, threaded: mtcnn.engine.tf.env().get('WASM_HAS_MULTITHREAD_SUPPORT') })
} catch (error) {
  show({ error: String(error.code), message: String(error.message) })
}
function show(result) {
  document.documentElement.dataset.result = JSON.stringify(result)
}
`

const STORE_APP = `
import { memoryStore } from 'facewise/store'
import { indexedDbStore } from 'facewise/store/indexeddb'
const subjects = []
for (const store of [await memoryStore(), await indexedDbStore({ name: 'faces' })]) {
  await store.upsert([{ id: 'a', subject: store.capabilities.name, vector: Float32Array.of(3, 4), model: 'm' }])
  const [match] = await store.search(Float32Array.of(3, 4), { k: 1 })
  subjects.push(match.subject)
  await store.close()
}
document.documentElement.dataset.result = JSON.stringify(subjects)
`

const WORKER_APP = `
import { createFacewiseWorker } from 'facewise/worker'
try {
  const fw = await createFacewiseWorker({ backend: { prefer: 'wasm' }, workers: 2 })
  const found = await Promise.all(['photo.jpg', 'photo.jpg', 'photo.jpg'].map(photo => fw.represent(photo)))
  const [report] = await fw.reports()
  await fw.dispose()
  show({ faces: found.map(faces => faces.length), dimension: found[0][0].embedding.vector.length, backend: report.chosen })
} catch (error) {
  show({ error: String(error.code), message: String(error.message) })
}
function show(result) {
  document.documentElement.dataset.result = JSON.stringify(result)
}
`

const PAGE = '<!doctype html><title>t</title><script type="module" src="main.js"></script>'

interface Result {
  threaded?: boolean
  faces?: number
  report?: {
    chosen: string
    simd: boolean
    threads: number
    attempts: { name: string; outcome: string; reason: string }[]
  }
  error?: string
  message?: string
}

let browser: Browser
beforeAll(async () => {
  rmSync(work, { recursive: true, force: true })
  mkdirSync(join(work, 'node_modules'), { recursive: true })
  // What npm would install, unpacked; built once for all tests that need it. Its peers are found further up.
  const extracted = spawnSync('tar', ['-xzf', await pack(), '-C', join(work, 'node_modules')], { encoding: 'utf8' })
  if (extracted.status !== 0) throw new Error(`The tarball cannot be unpacked: ${extracted.stderr}`)
  renameSync(join(work, 'node_modules', 'package'), join(work, 'node_modules', 'facewise'))
  writeFileSync(join(work, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(work, 'main.js'), APP)
  writeFileSync(
    join(work, 'index.html'),
    '<!doctype html><title>t</title><script type="module" src="./main.js"></script>',
  )
  mkdirSync(join(work, 'store'))
  writeFileSync(join(work, 'store', 'main.js'), STORE_APP)
  writeFileSync(join(work, 'store', 'index.html'), PAGE)
  mkdirSync(join(work, 'worker'))
  writeFileSync(join(work, 'worker', 'main.js'), WORKER_APP)
  writeFileSync(join(work, 'worker', 'index.html'), PAGE)
  browser = await chromium.launch(chromiumLaunchOptions())
}, 180_000)
afterAll(async () => {
  await browser?.close()
})

const bundlers = {
  async vite(out: string) {
    await viteBuild({
      root: work,
      logLevel: 'error',
      configFile: false,
      build: { outDir: out, emptyOutDir: true, target: 'es2022' },
    })
  },
  /** Follows no addresses of files, so these are served where they are looked for, or said to be. */
  async esbuild(out: string) {
    await esbuild({
      absWorkingDir: work,
      entryPoints: ['main.js'],
      outdir: out,
      bundle: true,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
      logLevel: 'error',
      // Nothing of Node is wanted, but TensorFlow.js looks for some of it behind a test.
      external: ['util', 'crypto', 'os', 'fs', 'path', 'worker_threads', 'perf_hooks', 'string_decoder'],
    })
    cpSync(join(root, 'models'), join(out, 'models'), { recursive: true })
    cpSync(join(root, 'node_modules/@tensorflow/tfjs-backend-wasm/dist'), join(out, 'wasm'), {
      recursive: true,
      filter: source => statSync(source).isDirectory() || source.endsWith('.wasm'),
    })
    writeFileSync(join(out, 'index.html'), PAGE)
  },
  async webpack(out: string) {
    mkdirSync(out, { recursive: true })
    await new Promise<void>((resolve, reject) => {
      webpack(
        {
          mode: 'production',
          context: work,
          entry: './main.js',
          output: { path: out, filename: 'main.js', publicPath: 'auto' },
          performance: { hints: false },
          experiments: { topLevelAwait: true },
        },
        (error, stats) => {
          const problems = stats?.toJson({ all: false, errors: true, warnings: true })
          if (error || problems?.errors?.length || problems?.warnings?.length) {
            reject(error ?? new Error(JSON.stringify(problems)))
          } else resolve()
        },
      )
    })
    writeFileSync(
      join(out, 'index.html'),
      '<!doctype html><title>t</title><script type="module" src="main.js"></script>',
    )
  },
}

describe.each(Object.keys(bundlers) as (keyof typeof bundlers)[])('an app built with %s', name => {
  const out = join(work, name.replace(/\W/g, '-'))
  let server: Server
  let address: string
  let headers: Record<string, string> = {}
  beforeAll(async () => {
    await bundlers[name](out)
    await sharp(samplePhoto(6)).resize(640).toFile(join(out, 'photo.jpg'))
    server = createServer((request, response) => {
      const path = join(out, new URL(request.url ?? '/', 'http://localhost').pathname.replace(/\/$/, '/index.html'))
      if (!existsSync(path)) return response.writeHead(404).end()
      const type = {
        '.html': 'text/html',
        '.js': 'text/javascript',
        '.wasm': 'application/wasm',
        '.json': 'application/json',
      }
      const contentType = type[extname(path) as keyof typeof type] ?? 'application/octet-stream'
      response.writeHead(200, { 'Content-Type': contentType, ...headers }).end(readFileSync(path))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    address = `http://localhost:${(server.address() as AddressInfo).port}/`
  }, 180_000)
  afterAll(() => server?.close())

  async function run(
    options: object,
    pageHeaders: Record<string, string>,
  ): Promise<Result & { outside: string[]; violations: string[] }> {
    headers = pageHeaders
    const all = name === 'esbuild' ? { wasmPaths: '/wasm/', ...options } : options
    const page = await browser.newPage()
    const outside: string[] = []
    const violations: string[] = []
    page.on('request', request => {
      if (!request.url().startsWith(address)) outside.push(request.url())
    })
    page.on('console', message => {
      if (/Content Security Policy|Refused/.test(message.text())) violations.push(message.text())
    })
    try {
      await page.goto(`${address}#${encodeURIComponent(JSON.stringify(all))}`)
      // Read from the page as text: under a strict policy nothing can be evaluated in it.
      const text = await page.locator('html[data-result]').getAttribute('data-result', { timeout: 60_000 })
      const result = JSON.parse(text ?? '{}') as Result
      return { ...result, outside, violations }
    } finally {
      await page.close()
    }
  }

  it('finds its models and WebAssembly files, under a strict policy, from its own origin alone', async () => {
    const result = await run({}, { 'Content-Security-Policy': STRICT })
    expect(result.message).toBeUndefined()
    expect(result.faces).toBe(4)
    // Software rendering is known as such, so WebAssembly is taken although WebGL works here.
    expect(result.report).toMatchObject({ chosen: 'wasm', simd: true, threads: 1 })
    expect(result.outside).toEqual([])
    expect(result.violations).toEqual([])
  })

  it('leaves threads out where an isolated page does not allow blob: workers, and does not hang', async () => {
    const result = await run({ prefer: 'wasm' }, { ...ISOLATED, 'Content-Security-Policy': STRICT })
    expect(result.message).toBeUndefined()
    expect(result.faces).toBe(4)
    expect(result.threaded).toBe(false)
  })

  it('uses threads where an isolated page allows them', async () => {
    const policy = `${STRICT.replace("'wasm-unsafe-eval'", "'wasm-unsafe-eval' blob:")}; worker-src blob:`
    const result = await run({ prefer: 'wasm' }, { ...ISOLATED, 'Content-Security-Policy': policy })
    expect(result.message).toBeUndefined()
    expect(result.faces).toBe(4)
    // TensorFlow.js hands its source text to its workers; minified, that text refers to names that they do not have, and one thread
    // is what remains. (How many threads there are is half the number of cores.)
    expect(result.threaded).toBe(name === 'esbuild')
  })

  it('says why WebAssembly does not start where the policy forbids it, and goes on with another backend', async () => {
    const policy = STRICT.replace(" 'wasm-unsafe-eval'", '')
    const alone = await run({ prefer: 'wasm' }, { 'Content-Security-Policy': policy })
    expect(alone.error).toBe('BACKEND_UNAVAILABLE')
    expect(alone.message).toContain('wasm-unsafe-eval')
    const result = await run({ prefer: ['wasm', 'cpu'] }, { 'Content-Security-Policy': policy })
    expect(result.message).toBeUndefined()
    expect(result.report?.chosen).toBe('cpu')
    expect(result.faces).toBe(4)
  })

  it('shows the address that was tried where a WebAssembly file is missing', async () => {
    const result = await run({ prefer: 'wasm', wasmPaths: '/nowhere/' }, {})
    expect(result.error).toBe('BACKEND_UNAVAILABLE')
    expect(result.message).toContain('/nowhere/tfjs-backend-wasm-simd.wasm')
    expect(result.message).toContain('404')
  })
})

describe.each(['vite', 'esbuild', 'webpack'] as const)('an app with stores alone, built with %s', name => {
  /** Builds it, and gives the modules that went in. Whatever cannot be found, such as a module of Node, fails the build. */
  async function modulesOf(out: string): Promise<string[]> {
    const context = join(work, 'store')
    if (name === 'vite') {
      const modules: string[] = []
      await viteBuild({
        root: context,
        logLevel: 'error',
        configFile: false,
        build: { outDir: out, emptyOutDir: true, target: 'es2022' },
        plugins: [{ name: 'modules', moduleParsed: ({ id }) => void modules.push(id) }],
      })
      return modules
    }
    if (name === 'esbuild') {
      const { metafile } = await esbuild({
        absWorkingDir: context,
        entryPoints: ['main.js'],
        outdir: out,
        bundle: true,
        format: 'esm',
        platform: 'browser',
        target: 'es2022',
        logLevel: 'error',
        metafile: true,
      })
      writeFileSync(join(out, 'index.html'), PAGE)
      return Object.keys(metafile.inputs)
    }
    return new Promise((resolve, reject) => {
      webpack(
        {
          mode: 'production',
          context,
          entry: './main.js',
          output: { path: out, filename: 'main.js' },
          performance: { hints: false },
        },
        (error, stats) => {
          const said = stats?.toJson({ all: false, errors: true, warnings: true, modules: true, nestedModules: true })
          if (error || said?.errors?.length || said?.warnings?.length) {
            return reject(error ?? new Error(JSON.stringify(said)))
          }
          writeFileSync(join(out, 'index.html'), PAGE)
          const all = (said?.modules ?? []).flatMap(each => [each, ...(each.modules ?? [])])
          resolve(all.map(({ name: path }) => path ?? ''))
        },
      )
    })
  }

  it('takes in no module of Node, no TensorFlow.js and no client of a database, and works', async () => {
    const out = join(work, `store-${name}`)
    const modules = await modulesOf(out)
    // In whatever chunks the parts share.
    expect(modules.filter(path => /facewise[\\/]dist[\\/]browser[\\/]/.test(path)).length).toBeGreaterThanOrEqual(2)
    expect(modules.some(path => /[\\/]idb[\\/]/.test(path))).toBe(true)
    const foreign =
      /node:|__vite-browser-external|@tensorflow|@libsql|@lancedb|apache-arrow|node_modules[\\/]pg[\\/]|dist[\\/]node[\\/]/
    expect(modules.filter(path => foreign.test(path))).toEqual([])
    const server = createServer((request, response) => {
      const path = join(out, new URL(request.url ?? '/', 'http://localhost').pathname.replace(/\/$/, '/index.html'))
      if (!existsSync(path)) return response.writeHead(404).end()
      const type = extname(path) === '.js' ? 'text/javascript' : 'text/html'
      response.writeHead(200, { 'Content-Type': type, 'Content-Security-Policy': STRICT }).end(readFileSync(path))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const page = await browser.newPage()
    try {
      await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`)
      const text = await page.locator('html[data-result]').getAttribute('data-result', { timeout: 30_000 })
      expect(JSON.parse(text ?? '[]')).toEqual(['memory', 'indexeddb'])
    } finally {
      await page.close()
      server.close()
    }
  }, 120_000)
})

describe.each(['vite', 'webpack'] as const)('an app with workers, built with %s', name => {
  async function build(out: string): Promise<void> {
    const context = join(work, 'worker')
    if (name === 'vite') {
      await viteBuild({
        root: context,
        logLevel: 'error',
        configFile: false,
        build: { outDir: out, emptyOutDir: true, target: 'es2022' },
        worker: { format: 'es' },
      })
      return
    }
    await new Promise<void>((resolve, reject) => {
      webpack(
        {
          mode: 'production',
          context,
          entry: './main.js',
          output: { path: out, filename: 'main.js', publicPath: 'auto' },
          performance: { hints: false },
        },
        (error, stats) => {
          const said = stats?.toJson({ all: false, errors: true, warnings: true })
          if (error || said?.errors?.length || said?.warnings?.length) reject(error ?? new Error(JSON.stringify(said)))
          else resolve()
        },
      )
    })
    writeFileSync(join(out, 'index.html'), PAGE)
  }

  it('finds faces in them, under a strict policy, from its own origin alone', async () => {
    const out = join(work, `worker-${name}`)
    await build(out)
    await sharp(samplePhoto(6)).resize(640).toFile(join(out, 'photo.jpg'))
    const types: Record<string, string> = {
      '.html': 'text/html',
      '.js': 'text/javascript',
      '.wasm': 'application/wasm',
      '.json': 'application/json',
    }
    const server = createServer((request, response) => {
      const path = join(out, new URL(request.url ?? '/', 'http://localhost').pathname.replace(/\/$/, '/index.html'))
      if (!existsSync(path)) return response.writeHead(404).end()
      const type = types[extname(path)] ?? 'application/octet-stream'
      response.writeHead(200, { 'Content-Type': type, 'Content-Security-Policy': STRICT }).end(readFileSync(path))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const page = await browser.newPage()
    const address = `http://localhost:${(server.address() as AddressInfo).port}/`
    const outside: string[] = []
    page.on('request', request => {
      if (!request.url().startsWith(address)) outside.push(request.url())
    })
    try {
      await page.goto(address)
      const text = await page.locator('html[data-result]').getAttribute('data-result', { timeout: 90_000 })
      expect(JSON.parse(text ?? '{}')).toEqual({ faces: [4, 4, 4], dimension: 128, backend: 'wasm' })
      expect(page.workers()).toHaveLength(0)
      expect(outside).toEqual([])
    } finally {
      await page.close()
      server.close()
    }
  }, 240_000)
})
