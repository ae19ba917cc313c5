import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build as esbuild } from 'esbuild'
import { type Browser, chromium } from 'playwright'
import { build as viteBuild } from 'vite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import webpack from 'webpack'
import { chromiumLaunchOptions } from '../../scripts/chromium.ts'
import { emptyProject, ISOLATED, PAGE, readPage, type Seen, SHOW, STRICT, serve, writePhoto } from './site.ts'

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
${SHOW}`

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
${SHOW}`

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
let work: string
beforeAll(async () => {
  work = await emptyProject('bundlers')
  writeFileSync(join(work, 'package.json'), '{ "type": "module" }')
  for (const [folder, app] of Object.entries({ '.': APP, store: STORE_APP, worker: WORKER_APP })) {
    mkdirSync(join(work, folder), { recursive: true })
    writeFileSync(join(work, folder, 'main.js'), app)
    writeFileSync(join(work, folder, 'index.html'), PAGE)
  }
  browser = await chromium.launch(chromiumLaunchOptions())
}, 300_000)
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
    cpSync(join(work, 'node_modules/facewise/models'), join(out, 'models'), { recursive: true })
    cpSync(join(work, 'node_modules/facewise/dist/wasm'), join(out, 'wasm'), { recursive: true })
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
    writeFileSync(join(out, 'index.html'), PAGE)
  },
}

describe.each(Object.keys(bundlers) as (keyof typeof bundlers)[])('an app built with %s', name => {
  let site: Awaited<ReturnType<typeof serve>>
  beforeAll(async () => {
    const out = join(work, `app-${name}`)
    await bundlers[name](out)
    await writePhoto(join(out, 'photo.jpg'))
    site = await serve(out)
  }, 180_000)
  afterAll(() => site?.close())

  async function run(options: object, headers: Record<string, string>): Promise<Result & Omit<Seen<Result>, 'result'>> {
    site.headers = headers
    const all = name === 'esbuild' ? { wasmPaths: '/wasm/', ...options } : options
    const { result, ...seen } = await readPage<Result>(
      browser,
      `${site.address}#${encodeURIComponent(JSON.stringify(all))}`,
    )
    return { ...result, ...seen }
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
    const site = await serve(out, { 'Content-Security-Policy': STRICT })
    try {
      expect((await readPage(browser, site.address)).result).toEqual(['memory', 'indexeddb'])
    } finally {
      site.close()
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
    await writePhoto(join(out, 'photo.jpg'))
    const site = await serve(out, { 'Content-Security-Policy': STRICT })
    try {
      const { result, outside, violations, workers } = await readPage(browser, site.address)
      expect(result).toEqual({ faces: [4, 4, 4], dimension: 128, backend: 'wasm' })
      expect(workers).toBe(0)
      expect(outside).toEqual([])
      expect(violations).toEqual([])
    } finally {
      site.close()
    }
  }, 240_000)
})
