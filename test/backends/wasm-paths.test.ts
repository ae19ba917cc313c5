import { mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import * as tf from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBackend } from '../../src/backends/index.ts'

// The paths of the WebAssembly files are settled once a process has started them, so the failing starts come first, in a file of their
// own: each test file has a process to itself.

const missing = '/nowhere/with a space/'
let folder: string

beforeAll(() => {
  const packaged = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'))
  folder = mkdtempSync(join(tmpdir(), 'facewise wasm ü-'))
  for (const file of readdirSync(packaged)) {
    if (file.endsWith('.wasm')) symlinkSync(join(packaged, file), join(folder, file))
  }
})
afterAll(() => rmSync(folder, { recursive: true }))

test('a wrong folder: the report names the file, and the next in the list is taken', async () => {
  const { backend, report } = await startBackend({ prefer: ['wasm', 'cpu'], wasmPaths: missing })
  expect(backend).toBe('cpu')
  expect(report.attempts).toMatchObject([
    { name: 'cpu', outcome: 'chosen' },
    {
      name: 'wasm',
      outcome: 'failed',
      reason: expect.stringMatching(/\/nowhere\/with a space\/tfjs-backend-wasm.*\.wasm/),
      hint: expect.stringContaining('wasmPaths'),
    },
  ])
})

test('without a preference it falls to what is left', async () => {
  const { backend } = await startBackend({ wasmPaths: missing, remember: false, exclude: ['native'] })
  expect(backend).toBe('cpu')
})

test('where nothing else is allowed, the error lists every reason', async () => {
  await expect(startBackend({ prefer: 'wasm', wasmPaths: missing })).rejects.toMatchObject({
    code: 'BACKEND_UNAVAILABLE',
    message: expect.stringMatching(/wasm: there is no file \/nowhere.*\(Check `wasmPaths`\)/),
  })
  await expect(startBackend({ wasmPaths: missing, remember: false, exclude: ['native', 'cpu'] })).rejects.toMatchObject(
    {
      code: 'BACKEND_UNAVAILABLE',
      message: expect.stringMatching(/native: excluded[\s\S]*cpu: excluded[\s\S]*wasm: there is no file \/nowhere/),
    },
  )
})

test('one wrong file by name', async () => {
  const wasmPaths = { 'tfjs-backend-wasm-simd.wasm': '/nowhere/simd.wasm' }
  await expect(startBackend({ prefer: 'wasm', wasmPaths })).rejects.toMatchObject({
    message: expect.stringContaining('/nowhere/simd.wasm'),
  })
})

test('a right folder works after wrong ones, here as a file: address without a slash at its end', async () => {
  const { backend } = await startBackend({ prefer: 'wasm', wasmPaths: pathToFileURL(folder).href })
  expect(backend).toBe('wasm')
  expect(tf.tidy(() => tf.sum(tf.ones([3, 3])).dataSync()[0])).toBe(9)
})

test('once it runs, other paths change nothing', async () => {
  expect((await startBackend({ prefer: 'wasm', wasmPaths: missing })).backend).toBe('wasm')
})
