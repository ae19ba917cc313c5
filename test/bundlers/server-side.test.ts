import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { emptyProject } from './site.ts'

/** What only a page has, and what a careless library looks for when it is imported; also what costs something there. */
const FORBIDDEN = [
  ...['window', 'document', 'navigator', 'location', 'screen', 'localStorage', 'sessionStorage', 'indexedDB', 'caches'],
  ...['Worker', 'SharedWorker', 'OffscreenCanvas', 'HTMLElement', 'HTMLVideoElement', 'HTMLCanvasElement', 'Image'],
  ...['ImageData', 'ImageBitmap', 'VideoFrame', 'createImageBitmap', 'requestAnimationFrame', 'matchMedia'],
  ...['fetch', 'XMLHttpRequest', 'importScripts', 'postMessage'],
]

/** Imports what it is told, where to look at any of these globals is an error; tells what was looked at. */
const PROBE = `
import { createRequire } from 'node:module'
const [form, names, ...entries] = process.argv.slice(2)
const require = createRequire(import.meta.url)
const touched = []
for (const name of names.split(',')) {
  Object.defineProperty(globalThis, name, {
    configurable: true,
    get() {
      touched.push(name)
      return undefined
    },
  })
}
const empty = []
for (const entry of entries) {
  const part = form === 'require' ? require(entry) : await import(entry)
  if (Object.keys(part).length === 0) empty.push(entry)
}
console.log(JSON.stringify({ touched, empty }))
`

let work: string
let entries: string[]
let standalone: string[]
beforeAll(async () => {
  work = await emptyProject('server-side')
  const installed = join(work, 'node_modules', 'facewise')
  const { exports } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as { exports: object }
  entries = Object.keys(exports)
    // The entry of a worker is a program: it talks to whoever started it.
    .filter(name => !/\*|package\.json|worker-entry|batch-thread/.test(name))
    .map(name => name.replace('.', 'facewise'))
  standalone = readdirSync(join(installed, 'dist', 'standalone'))
    .filter(name => name.endsWith('.js') && !/^(chunk|dist)-|worker-entry/.test(name))
    .map(name => join(installed, 'dist', 'standalone', name))
  writeFileSync(join(work, 'probe.mjs'), PROBE)
}, 300_000)

function probe(form: 'import' | 'require', what: readonly string[], nodeArgs: readonly string[]): unknown {
  const args = [...nodeArgs, 'probe.mjs', form, FORBIDDEN.join(), ...what]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: work, encoding: 'utf8' })
  expect(stderr).toBe('')
  expect(status).toBe(0)
  return JSON.parse(stdout)
}

describe('importing every entry where there is no page', () => {
  it.each([
    ['in Node, as ES modules', 'import', []],
    ['in Node, as CommonJS', 'require', []],
    ['in an edge runtime, which takes the code for browsers', 'import', ['--conditions=browser']],
  ] as const)('%s, looks at nothing that only a page has', (_, form, nodeArgs) => {
    expect(entries.length).toBeGreaterThan(10)
    expect(probe(form, entries, nodeArgs)).toEqual({ touched: [], empty: [] })
  })

  it('does so with the standalone files', () => {
    expect(standalone.length).toBeGreaterThan(8)
    expect(probe('import', standalone, [])).toEqual({ touched: [], empty: [] })
  })

  it('would be seen otherwise', () => {
    writeFileSync(join(work, 'careless.mjs'), "export const there = typeof window !== 'undefined'")
    expect(probe('import', ['./careless.mjs'], [])).toEqual({ touched: ['window'], empty: [] })
  })
})
