import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Plugin, transform } from 'esbuild'
import { defineConfig } from 'tsup'
import { copyWasm, writeStandalone } from './scripts/standalone.ts'

const NODE = 'dist/node'
const BROWSER = 'dist/browser'
const STANDALONE = 'dist/standalone'
const WASM = 'dist/wasm'

const parts = {
  index: 'src/index.ts',
  detect: 'src/detect/index.ts',
  embed: 'src/embed/index.ts',
  attributes: 'src/attributes/index.ts',
  image: 'src/image/index.ts',
  models: 'src/models/index.ts',
  backends: 'src/backends/index.ts',
  store: 'src/store/index.ts',
  train: 'src/train/index.ts',
  worker: 'src/worker/index.ts',
  'worker-entry': 'src/worker/worker-entry.ts',
  'store-sqlite': 'src/store/sqlite.ts',
  'store-postgres': 'src/store/postgres.ts',
  'store-lancedb': 'src/store/lancedb.ts',
  'store-indexeddb': 'src/store/indexeddb.ts',
  'store-conformance': 'src/store/conformance/index.ts',
}
/** What Node alone has. */
const nodeParts = { ...parts, 'batch-thread': 'src/models/batch-thread.node.ts' }
const CLI = 'src/cli/main.ts'
const cli: Record<string, string> = existsSync(CLI) ? { cli: CLI } : {}

/** The parts that a page without a bundler may want: all but those for databases, whose clients run in Node, and learning, which brings all of TensorFlow.js. */
const BROWSER_PARTS = Object.keys(parts).filter(part => !/^(train$|store-(?!indexeddb))/.test(part))

/** Files that run in a worker, by the file that names them: built files end otherwise than the source, and esbuild leaves addresses as they are. */
const workers = [
  { namedIn: /[\\/]worker[\\/]platform\.(node|browser)\.ts$/, source: './worker-entry.ts', built: './worker-entry.js' },
  { namedIn: /[\\/]models[\\/]batch-threads\.node\.ts$/, source: './batch-thread.node.ts', built: './batch-thread.js' },
]

const builtWorkers: Plugin = {
  name: 'built-workers',
  setup({ onLoad }) {
    for (const { namedIn, source, built } of workers) {
      onLoad({ filter: namedIn }, ({ path }) => {
        const text = readFileSync(path, 'utf8')
        if (!text.includes(`'${source}'`)) throw new Error(`${path} names no ${source}.`)
        return { contents: text.replace(`'${source}'`, `'${built}'`), loader: 'ts' }
      })
    }
  },
}

/**
 * The addresses of TensorFlow.js' WebAssembly files: relative, like those of the models. Vite's development server follows no address
 * that begins with a package's name.
 */
const builtWasm: Plugin = {
  name: 'built-wasm',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]backends[\\/]platform\.browser\.ts$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8')
      const contents = source.replaceAll("'@tensorflow/tfjs-backend-wasm/dist/", "'../wasm/")
      if (contents === source) throw new Error(`${path} names no WebAssembly file.`)
      return { contents, loader: 'ts' }
    })
  },
}

const shared = {
  // Flat: `new URL('../../models/...', import.meta.url)` has to lead to the same folder from `src/models` and from here.
  entry: parts,
  target: 'es2022',
  sourcemap: true,
  splitting: true,
  // Dependencies and peers are external by themselves; these also where they are optional.
  external: [/^@tensorflow\//, 'sharp'],
  removeNodeProtocol: false,
  silent: true,
  esbuildPlugins: [builtWorkers, builtWasm],
}

// One folder is filled by two of the builds below, so neither may empty it.
rmSync('dist', { recursive: true, force: true })
copyWasm(WASM)

export default defineConfig([
  {
    ...shared,
    entry: { ...nodeParts, ...cli },
    outDir: NODE,
    format: 'esm',
    platform: 'node',
    plugins: [{ name: 'commonjs', buildEnd: writeCommonJs }],
  },
  {
    ...shared,
    outDir: BROWSER,
    format: 'esm',
    platform: 'browser',
    plugins: [{ name: 'standalone', buildEnd: () => writeStandalone(BROWSER, STANDALONE, BROWSER_PARTS) }],
  },
  {
    ...shared,
    entry: nodeParts,
    outDir: NODE,
    format: ['esm', 'cjs'],
    dts: {
      only: true,
      // `Symbol.dispose` is part of the public types, and a project need not have listed its library.
      banner: '/// <reference lib="esnext.disposable" />',
    },
  },
])

/**
 * Translates the built ES modules to CommonJS one by one, so that parts share their chunks there too: one class of error, one queue
 * of backend starts. `import()` becomes `require()`, since programs that still need CommonJS (Jest, for one) often cannot import.
 */
async function writeCommonJs(): Promise<void> {
  const done = new Set<string>()
  const waiting = Object.keys(nodeParts).map(part => `${part}.js`)
  for (let file = waiting.pop(); file; file = waiting.pop()) {
    if (done.has(file)) continue
    done.add(file)
    const name = file.replace(/\.js$/, '')
    const source = readFileSync(join(NODE, file), 'utf8').replace(/^\/\/# sourceMappingURL=.*$/m, '')
    const map = readFileSync(join(NODE, `${file}.map`)).toString('base64')
    // Only what the parts reach: the command is an ES module alone and may use what CommonJS has not.
    const code = source.replace(/(["'])\.\/([\w-]+)\.js\1/g, (_, quote: string, chunk: string) => {
      waiting.push(`${chunk}.js`)
      return `${quote}./${chunk}.cjs${quote}`
    })
    const result = await transform(`${code}\n//# sourceMappingURL=data:application/json;base64,${map}`, {
      format: 'cjs',
      platform: 'node',
      target: 'es2022',
      supported: { 'dynamic-import': false },
      define: { 'import.meta.url': 'importMetaUrl' },
      banner: code.includes('import.meta.url')
        ? 'const importMetaUrl = require("node:url").pathToFileURL(__filename).href;'
        : '',
      sourcemap: 'external',
      sourcefile: file,
    })
    writeFileSync(join(NODE, `${name}.cjs`), `${result.code}//# sourceMappingURL=${name}.cjs.map\n`)
    writeFileSync(join(NODE, `${name}.cjs.map`), result.map)
  }
}
