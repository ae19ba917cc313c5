import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { startBackend } from '../../src/backends/index.ts'

test('WebAssembly from a folder that is given as a path, without threads', async () => {
  const folder = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'))
  const { backend, report } = await startBackend({ prefer: 'wasm', wasmPaths: folder, threads: false })
  expect(backend).toBe('wasm')
  expect(report).toMatchObject({ simd: true, threads: 1 })
  expect(tf.tidy(() => tf.sum(tf.ones([3, 3])).dataSync()[0])).toBe(9)
})
