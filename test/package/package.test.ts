import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { checkPackage, createPackageFromTarballData, type Package } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { globSync } from 'tinyglobby'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { npmEnvironment, pack } from '../../scripts/pack.ts'
import { packagedManifests } from '../../src/models/packaged.ts'
import { sha256 } from '../../src/models/verify.ts'
import { samplePhoto } from '../data.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const PARTS = [
  'facewise',
  'facewise/detect',
  'facewise/embed',
  'facewise/attributes',
  'facewise/image',
  'facewise/models',
  'facewise/backends',
  'facewise/store',
  'facewise/train',
  'facewise/worker',
] as const
/** Stores for which something is to be installed: the function that opens one, what it is given, and what it needs. */
const CLIENTS = [
  ['facewise/store/sqlite', 'sqliteStore', { url: 'file:faces.db' }, '@libsql/client'],
  ['facewise/store/postgres', 'postgresStore', { url: 'postgres://localhost/faces' }, 'pg'],
  ['facewise/store/lancedb', 'lancedbStore', { uri: 'faces.lance' }, '@lancedb/lancedb'],
] as const
/** Entries below a part. */
const ENTRIES = ['facewise/store/indexeddb', 'facewise/store/conformance', ...CLIENTS.map(([entry]) => entry)] as const

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  version: string
  dependencies: Record<string, string>
  optionalDependencies: Record<string, string>
  peerDependencies: Record<string, string>
}

let tarball: Buffer
let files: Package
/** An empty project with the tarball installed. Its name has what a path may have and an address must escape. */
let project: string
/** What the installation printed on stderr. */
let complaints: string

beforeAll(async () => {
  const path = await pack()
  tarball = readFileSync(path)
  files = createPackageFromTarballData(tarball)
  project = mkdtempSync(join(tmpdir(), 'facewise project 100% '))
  copyFileSync(path, join(project, 'facewise.tgz'))
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'project', private: true }))
  const installed = run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', './facewise.tgz'])
  expect(installed.status, installed.stderr).toBe(0)
  complaints = installed.stderr
}, 300_000)

afterAll(() => rmSync(project, { recursive: true, force: true }))

function run(command: string, args: readonly string[]): SpawnSyncReturns<string> {
  const env = { ...npmEnvironment(), FACEWISE_CACHE_DIR: join(project, '.cache') }
  // On Windows npm and npx are scripts.
  const inShell = process.platform === 'win32' && command !== process.execPath
  return spawnSync(command, args, { cwd: project, encoding: 'utf8', env, shell: inShell })
}

/** Runs a program in the project and gives what it prints as JSON. */
function runJson<T>(file: string, code: string, nodeArgs: readonly string[] = [], args: readonly string[] = []): T {
  writeFileSync(join(project, file), code)
  const { status, stdout, stderr } = run(process.execPath, [...nodeArgs, file, ...args])
  expect(status, stderr).toBe(0)
  expect(stderr).toBe('')
  return JSON.parse(stdout) as T
}

/** The files of the packaged models, by their committed manifests. */
const modelFiles = Object.entries(packagedManifests).map(([model, { networks }]) => ({
  model,
  files: networks.flatMap(network => [network.graph, ...network.weights]),
}))

/** The text of a file of the package. */
const text = (path: string): string => files.readFile(`/node_modules/facewise/${path}`)
const paths = (): string[] =>
  files.listFiles('/node_modules/facewise').map(path => path.replace('/node_modules/facewise/', ''))

describe('the tarball', () => {
  it('holds what is needed and no more', () => {
    const tops = new Set(paths().map(path => path.split('/')[0]))
    for (const top of tops) {
      expect([
        'CHANGELOG.md',
        'LICENSE',
        'NOTICE',
        'README.md',
        'dist',
        'docs',
        'models',
        'package.json',
        'scripts',
      ]).toContain(top)
    }
    for (const top of ['LICENSE', 'NOTICE', 'README.md', 'dist', 'docs', 'models', 'package.json'])
      expect(tops).toContain(top)
    expect(paths().filter(path => /\.ts$/.test(path) && !path.endsWith('.d.ts'))).toEqual([])
    expect(paths().filter(path => path.startsWith('scripts/'))).toEqual(['scripts/native-backend.mjs'])
    expect(tarball.length).toBeLessThan(9.5e6)
  })

  it.each(modelFiles.map(({ model, files: listed }) => [model, listed] as const))(
    'holds the files of the model %s, unaltered',
    async (model, listed) => {
      expect(listed.length).toBeGreaterThanOrEqual(2)
      for (const { path, sha256: expected } of listed) {
        const bytes = readFileSync(join(project, 'node_modules', 'facewise', 'models', model, path))
        expect(await sha256(bytes), path).toBe(expected)
      }
    },
  )

  it('has chosen the platform when it was built', () => {
    const code = paths().filter(path => /^dist\/.*\.(c?js|d\.c?ts)$/.test(path))
    expect(code.length).toBeGreaterThan(20)
    for (const path of code) expect(text(path), path).not.toMatch(/(from|import|require)\s*\(?\s*["']#/)
    // Everything lies flat, so that the way from there to the models is the same as from the source.
    for (const path of code) expect(path).toMatch(/^dist\/(node|browser|standalone)\/[^/]+$/)
  })

  it('has the WebAssembly files of the TensorFlow.js that npm installs', () => {
    for (const name of paths().filter(path => path.endsWith('.wasm'))) {
      const installed = join(project, 'node_modules', '@tensorflow', 'tfjs-backend-wasm', 'dist', basename(name))
      expect(readFileSync(join(project, 'node_modules', 'facewise', name)).equals(readFileSync(installed)), name).toBe(
        true,
      )
    }
    expect(text('dist/LICENSES.txt')).toContain('Apache License')
  })

  it('has a build with everything inside, for pages without a bundler', () => {
    const standalone = paths().filter(path => path.startsWith('dist/standalone/'))
    // Learning needs all of TensorFlow.js, and a server or a command line.
    for (const part of PARTS.filter(each => each !== 'facewise/train')) {
      expect(standalone).toContain(
        `dist/standalone/${part === 'facewise' ? 'index' : part.replace('facewise/', '')}.js`,
      )
    }
    for (const path of standalone) {
      for (const [, specifier] of text(path).matchAll(/(?:\bfrom|\bimport)\s*\(?\s*"([^"]+)"/g)) {
        expect(standalone, path).toContain(specifier.replace('./', 'dist/standalone/'))
      }
    }
  })

  it('asks a browser for nothing but its dependencies', () => {
    const known = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })
    const isKnown = (name: string): boolean => known.some(each => name === each || name.startsWith(`${each}/`))
    for (const path of paths().filter(file => /^dist\/browser\/.*\.js$/.test(file))) {
      for (const [, specifier] of text(path).matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)) {
        expect(specifier.startsWith('./') || isKnown(specifier), `${path} imports ${specifier}`).toBe(true)
      }
    }
  })

  it('gives bundlers every address in the form that they follow', () => {
    const browser = paths()
      .filter(file => /^dist\/browser\/.*\.js$/.test(file))
      .map(text)
      .join('\n')
    const addresses = [...browser.matchAll(/new URL\(\s*"([^"]+)",\s*import\.meta\.url\s*\)/g)].map(match => match[1])
    const wasm = ['', '-simd', '-threaded-simd'].map(kind => `../wasm/tfjs-backend-wasm${kind}.wasm`)
    const models = modelFiles.flatMap(({ model, files: listed }) =>
      listed.map(({ path }) => `../../models/${model}/${path}`),
    )
    expect(addresses.sort()).toEqual([...wasm, ...models, './worker-entry.js'].sort())
    for (const path of wasm) expect(paths()).toContain(path.replace('..', 'dist'))
    for (const path of models) expect(paths()).toContain(path.replace('../../', ''))
  })

  it('passes publint', async () => {
    const { messages, pkg } = await publint({
      pack: { tarball: new Uint8Array(tarball).buffer },
      strict: true,
      level: 'suggestion',
    })
    expect(messages.map(message => formatMessage(message, pkg))).toEqual([])
  })

  it('has right types for every way to import it', async () => {
    const result = await checkPackage(files)
    if (!result.types) throw new Error('The package has no types.')
    expect(Object.keys(result.entrypoints).sort()).toEqual(
      [
        ...[...PARTS, ...ENTRIES].map(part => part.replace('facewise', '.')),
        './worker-entry',
        './batch-thread',
        './models/*',
        './package.json',
      ].sort(),
    )
    expect(result.problems).toEqual([])
  })
})

describe('the installed package', () => {
  it('installs without a complaint', () => {
    expect(complaints).toBe('')
  })

  it('has one copy of the core of TensorFlow.js', () => {
    const copies = globSync('**/@tensorflow/tfjs-core/package.json', { cwd: join(project, 'node_modules'), dot: true })
    expect(copies).toEqual(['@tensorflow/tfjs-core/package.json'])
  })

  /** Imports or requires a part, and says what that left behind. */
  const PROBE = {
    'probe.mjs': `
      import { createRequire } from 'node:module'
      const { cache } = createRequire(import.meta.url)
      const before = new Set(Reflect.ownKeys(globalThis))
      const part = await import(process.argv[2])
      report(Reflect.ownKeys(globalThis).filter(key => !before.has(key)), part, Object.keys(cache))`,
    'probe.cjs': `
      const before = new Set(Reflect.ownKeys(globalThis))
      const part = require(process.argv[2])
      report(Reflect.ownKeys(globalThis).filter(key => !before.has(key)), part, Object.keys(require.cache))`,
  } as const
  const REPORT = `
      function report(globals, part, loaded) {
        console.log(JSON.stringify({
          names: Object.keys(part).sort(),
          globals: globals.map(String),
          engines: loaded.filter(path => /@tensorflow|@libsql|@lancedb|[\\\\/]pg[\\\\/]/.test(path)),
        }))
      }`
  interface Report {
    names: string[]
    globals: string[]
    /** Packages that are loaded when they are needed. */
    engines: string[]
  }

  it.each([...PARTS, ...ENTRIES])('%s is imported without a trace, and is the same in all forms', part => {
    const esm = runJson<Report>('probe.mjs', PROBE['probe.mjs'] + REPORT, [], [part])
    const cjs = runJson<Report>('probe.cjs', PROBE['probe.cjs'] + REPORT, [], [part])
    const browser = runJson<Report>('probe.mjs', PROBE['probe.mjs'] + REPORT, ['--conditions=browser'], [part])
    for (const { globals, engines } of [esm, cjs, browser]) {
      expect(globals).toEqual([])
      expect(engines).toEqual([])
    }
    expect(esm.names.length).toBeGreaterThan(0)
    if ((PARTS as readonly string[]).includes(part)) expect(esm.names).toContain('FacewiseError')
    expect(cjs.names).toEqual(esm.names)
    expect(browser.names).toEqual(esm.names)
  })

  it('has one class of error for all parts', () => {
    const list = JSON.stringify(PARTS)
    const code = 'console.log(new Set(parts.map(part => part.FacewiseError)).size)'
    expect(runJson('same.mjs', `const parts = await Promise.all(${list}.map(part => import(part)))\n${code}`)).toBe(1)
    expect(runJson('same.cjs', `const parts = ${list}.map(part => require(part))\n${code}`)).toBe(1)
  })

  it.each(CLIENTS)('%s says which command installs what it needs', (entry, open, options, client) => {
    const code = `
      open(${JSON.stringify(options)}).then(
        () => console.log('"opened"'),
        error => console.log(JSON.stringify({ one: error instanceof FacewiseError, code: error.code, message: error.message })),
      )`
    const names = [`{ ${open}: open }`, '{ FacewiseError }']
    const esm = `const ${names[0]} = await import('${entry}')\nconst ${names[1]} = await import('facewise')\n${code}`
    const cjs = `const ${names[0]} = require('${entry}')\nconst ${names[1]} = require('facewise')\n${code}`
    for (const said of [runJson('client.mjs', esm), runJson('client.cjs', cjs)]) {
      const message = expect.stringContaining(`npm install ${client}`)
      expect(said).toEqual({ one: true, code: 'DEPENDENCY_MISSING', message })
    }
  })

  const STORE = `
    async function main(memoryStore, storeConformance) {
      const cases = storeConformance({ open: (_, options) => memoryStore(options), large: 100, rounds: 5 })
      for (const { run } of cases) await run()
      const store = await memoryStore()
      await store.upsert([{ id: 'a', subject: 'ada', vector: Float32Array.of(3, 4), model: 'm' }])
      const [{ id, distance }] = await store.search(Float32Array.of(3, 4), { k: 1 })
      console.log(JSON.stringify({ cases: cases.length, id, distance }))
    }`
  it.each([
    [
      'store.mjs',
      `import { memoryStore } from 'facewise/store'
      import { storeConformance } from 'facewise/store/conformance'
      ${STORE}
      await main(memoryStore, storeConformance)`,
    ],
    [
      'store.cjs',
      `const { memoryStore } = require('facewise/store')
      const { storeConformance } = require('facewise/store/conformance')
      ${STORE}
      main(memoryStore, storeConformance)`,
    ],
  ])('keeps embeddings, and has the suite that shows it (%s)', (file, code) => {
    expect(runJson(file, code)).toEqual({ cases: expect.toSatisfy(cases => cases > 10), id: 'a', distance: 0 })
  })

  it('gives the files of the models to those who serve them', () => {
    const code = "console.log(JSON.stringify(require('facewise/models/mtcnn/manifest.json').name))"
    expect(runJson('manifest.cjs', code)).toBe('mtcnn')
  })

  const DETECT = `
    async function main(createMtcnn) {
      const mtcnn = await createMtcnn()
      const faces = await mtcnn.detect(${JSON.stringify(samplePhoto(6))})
      const { attempts } = mtcnn.engine.report
      mtcnn.dispose()
      console.log(JSON.stringify({ faces: faces.length, native: attempts.find(a => a.name === 'native').reason }))
    }`
  it.each([
    ['detect.mjs', `import { createMtcnn } from 'facewise/detect'\n${DETECT}\nawait main(createMtcnn)`],
    ['detect.cjs', `const { createMtcnn } = require('facewise/detect')\n${DETECT}\nmain(createMtcnn)`],
  ])('finds faces in a photo (%s)', (file, code) => {
    expect(runJson(file, code)).toEqual({ faces: 4, native: '@tensorflow/tfjs-node is not installed' })
  })

  const WORKERS = `
    async function main(createFacewiseWorker, FacewiseError) {
      const fw = await createFacewiseWorker({ workers: 2 })
      const found = await Promise.all([1, 2, 3].map(() => fw.represent(${JSON.stringify(samplePhoto(6))})))
      const code = await fw.detect('none.jpg').catch(error => error instanceof FacewiseError && error.code)
      // Not disposed: workers that wait for calls let the program end.
      console.log(JSON.stringify({ faces: found.map(faces => faces.length), code }))
    }`
  it.each([
    [
      'workers.mjs',
      `import { createFacewiseWorker, FacewiseError } from 'facewise/worker'\n${WORKERS}\nawait main(createFacewiseWorker, FacewiseError)`,
    ],
    [
      'workers.cjs',
      `const { createFacewiseWorker, FacewiseError } = require('facewise/worker')\n${WORKERS}\nmain(createFacewiseWorker, FacewiseError)`,
    ],
  ])('finds faces in worker threads (%s)', (file, code) => {
    expect(runJson(file, code)).toEqual({ faces: [4, 4, 4], code: 'IMAGE_NOT_FOUND' })
  })

  it('has a command', () => {
    const { status, stdout, stderr } = run('npx', ['--no-install', 'facewise', '--version'])
    expect(stderr).toBe('')
    expect(stdout.trim()).toBe(manifest.version)
    expect(status).toBe(0)
  })

  it('shares pictures among worker threads on the command line', () => {
    const photos = [samplePhoto(1), samplePhoto(6)]
    const { status, stdout, stderr } = run('npx', [
      '--no-install',
      'facewise',
      'detect',
      ...photos,
      '--workers',
      '2',
      '--json',
    ])
    expect([stderr, status]).toEqual(['', 0])
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as { file: string; faces: unknown[] })
    expect(lines.map(({ file, faces }) => [file, faces.length])).toEqual([
      [photos[0], 3],
      [photos[1], 4],
    ])
  })

  it('knows the models that can be pulled', () => {
    const { status, stdout, stderr } = run('npx', [
      '--no-install',
      'facewise',
      'models',
      'list',
      '--json',
      '--dir',
      join(project, 'none'),
    ])
    expect(stderr).toBe('')
    expect(status).toBe(0)
    const states = stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as { name: string; state: string })
    expect(states).toContainEqual(expect.objectContaining({ name: 'mtcnn', state: 'packaged' }))
    expect(states).toContainEqual(expect.objectContaining({ name: 'facenet-512', state: 'available' }))
  })
})

describe('its types', () => {
  const PROGRAM = `
    import { FacewiseError, isFacewiseError, type Box, type Face, type FacewiseErrorCode, type Picture } from 'facewise'
    import { createMtcnn, output, proposals, refine, type Detector, type Mtcnn, type Stage } from 'facewise/detect'
    import { decode, resizeArea, type ImageInput } from 'facewise/image'
    import { loadModel, memorySource, parseManifest, type Manifest, type ModelSource } from 'facewise/models'
    import { startBackend, type BackendReport, type Engine } from 'facewise/backends'
    import { createStore, memoryStore, type EmbeddingStore, type Match, type StoreDriver } from 'facewise/store'
    import { storeConformance } from 'facewise/store/conformance'
    import { indexedDbStore } from 'facewise/store/indexeddb'

    export async function nearest(driver: StoreDriver, query: Float32Array): Promise<string | undefined> {
      const stores: EmbeddingStore[] = [await createStore(driver), await memoryStore(), await indexedDbStore({ name: 'x' })]
      const [match]: Match[] = await stores[0].search(query, { k: 1, where: { door: { in: ['north', 2] } } })
      // @ts-expect-error: how many is required
      await stores[0].search(query, {})
      return storeConformance({ open: () => memoryStore() })[0]?.name ?? match?.subject
    }
    export async function faces(input: ImageInput): Promise<readonly Face[]> {
      const engine: Engine = await startBackend({ prefer: ['wasm', 'cpu'] })
      const stages: Stage[] = [proposals({ threshold: 0.6 }), refine(), output()]
      using mtcnn: Mtcnn = await createMtcnn({ backend: engine, stages, minFaceSize: 32 })
      const detector: Detector = mtcnn
      const picture: Picture = await decode(input)
      const found = await detector.detect(picture, { maxFaces: 1 })
      const [x]: readonly [number, number] = found[0].landmarks?.[0] ?? [0, 0]
      const report: BackendReport = mtcnn.engine.report
      const box: Box | undefined = found.at(x)?.box
      console.log(report.chosen, box?.width, engine.tf.version_core, resizeArea.length)
      return found
    }
    export async function model(engine: Engine): Promise<Manifest> {
      const source: ModelSource = memorySource({ 'a.bin': new Uint8Array(1) })
      const manifest: Manifest = parseManifest({})
      // @ts-expect-error: an engine is required; this also shows that the types are not any
      await loadModel('mtcnn', { source })
      return (await loadModel('mtcnn', { source, engine })).manifest ?? manifest
    }
    export const code = (error: unknown): FacewiseErrorCode | undefined =>
      isFacewiseError(error) ? error.code : new FacewiseError('ABORTED', 'x').code
    // @ts-expect-error: no such part
    export type No = typeof import('facewise/nothing')
  `
  // The declarations of TensorFlow.js take `Long` for a global. All others are checked too, those of this package among them.
  const BASE = { strict: true, noEmit: true, target: 'es2022', types: ['long'], skipLibCheck: false }

  it.each([
    ['nodenext, ESM and CommonJS', { module: 'nodenext', moduleResolution: 'nodenext' }, ['types.mts', 'types.cts']],
    ['bundler', { module: 'esnext', moduleResolution: 'bundler' }, ['types.ts']],
  ])('compile under %s', (_, options, sources) => {
    for (const source of sources) writeFileSync(join(project, source), PROGRAM)
    const compilerOptions = { ...BASE, ...options, lib: ['es2022', 'dom', 'dom.iterable'] }
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: sources }))
    const { stdout, status } = run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', '.'])
    expect(stdout).toBe('')
    expect(status).toBe(0)
  })
})
