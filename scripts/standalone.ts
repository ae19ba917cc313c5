/**
 * The browser build with everything inside, TensorFlow.js too, for pages without a bundler: `dist/standalone`. The entries that a
 * bundler reads never hold TensorFlow.js, for an app that has it as well would get two engines; a page without a bundler has no other.
 */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const wasmPackage = join(root, 'node_modules', '@tensorflow', 'tfjs-backend-wasm', 'dist')

/** What TensorFlow.js asks for behind a test whether it runs in Node. */
const NODE_MODULES = ['util', 'crypto', 'os', 'fs', 'path', 'worker_threads', 'perf_hooks', 'string_decoder']

/** Puts the WebAssembly files of TensorFlow.js beside the code that looks for them, by relative addresses, in `dist/wasm`. */
export function copyWasm(out: string): void {
  mkdirSync(out, { recursive: true })
  for (const name of readdirSync(wasmPackage)) {
    if (name.endsWith('.wasm')) copyFileSync(join(wasmPackage, name), join(out, name))
  }
}

/** Bundles every entry of a browser build, with chunks that are shared and loaded when they are needed. */
export async function writeStandalone(browser: string, out: string, parts: readonly string[]): Promise<void> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: parts.map(part => join(browser, `${part}.js`)),
    outdir: out,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    external: NODE_MODULES,
    // Names stay: TensorFlow.js sends the source text of its functions to its WebAssembly threads.
    minifyWhitespace: true,
    minifySyntax: true,
    // In one file instead.
    legalComments: 'none',
    metafile: true,
    logLevel: 'error',
  })
  writeFileSync(join(dirname(out), 'LICENSES.txt'), licencesOf(Object.keys(metafile.inputs)))
}

/** What is bundled, and TensorFlow.js' WebAssembly files, are work of others. */
function licencesOf(inputs: readonly string[]): string {
  const names = inputs.flatMap(path => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? [])
  const texts = [...new Set(names)].sort().map(name => {
    const folder = join(root, 'node_modules', name)
    const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      version: string
      license: string
    }
    return `${name} ${version}, ${license}\n\n${licenceOf(folder, license)}\n`
  })
  const head = 'The files of dist/standalone and dist/wasm hold work of these packages.'
  return [head, ...texts].join(`\n\n${'-'.repeat(80)}\n\n`)
}

function licenceOf(folder: string, license: string): string {
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8')
  const file = readdirSync(folder).find(name => /^licen[cs]e(\.|$)/i.test(name))
  if (file) return read(file).trim()
  const section = /^LICENSE[^\n]*\n-+\n([\s\S]*)/m.exec(read('README.md'))?.[1]
  if (section) return section.trim()
  // TensorFlow.js says it in the head of every file and has the text in its repository alone.
  if (license !== 'Apache-2.0') throw new Error(`${folder} has no text of its licence, ${license}.`)
  return 'Copyright Google LLC. Licensed under the Apache License, Version 2.0; its text stands under the package "long".'
}
