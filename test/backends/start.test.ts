import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type BackendName, startBackend } from '../../src/backends/index.ts'
import { cacheDirectory } from '../../src/backends/memory.node.ts'

/** Whether the optional native package is installed here; most of these tests are about the choice without it. */
const nativeInstalled = ((): boolean => {
  try {
    createRequire(import.meta.url).resolve('@tensorflow/tfjs-node')
    return true
  } catch {
    return false
  }
})()

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facewise-cache-'))
  process.env.FACEWISE_CACHE_DIR = folder
})
afterEach(() => {
  delete process.env.FACEWISE_CACHE_DIR
  rmSync(folder, { recursive: true })
})

const remember = (contents: string): void => writeFileSync(join(folder, 'backend.json'), contents)
const rememberName = (name: string): void => remember(JSON.stringify({ [`backend/${tf.version_core}`]: name }))

/** A piece of work whose result is known. */
function sum(): number {
  return tf.tidy(() => tf.sum(tf.mul(tf.range(0, 5), 2)).dataSync()[0])
}

describe('a preference', () => {
  test.each(['wasm', 'cpu'] as const)('%s starts, computes and is reported', async name => {
    const engine = await startBackend({ prefer: name })
    expect(engine).toMatchObject({ backend: name, gpu: false, excluded: [] })
    expect(tf.getBackend()).toBe(name)
    expect(sum()).toBe(20)
    const { report } = engine
    expect(report).toMatchObject({ chosen: name, version: tf.version_core })
    expect(report.attempts[0]).toMatchObject({ name, outcome: 'chosen', reason: 'the first that works' })
    expect(report.attempts[0].startMs).toBeGreaterThan(0)
    if (name === 'wasm') expect(report).toMatchObject({ simd: true, threads: 1 })
    else expect(report).not.toHaveProperty('simd')
  })

  test('of several, the first that works; the rest are not tried', async () => {
    const { backend, report } = await startBackend({ prefer: ['wasm', 'cpu'] })
    expect(backend).toBe('wasm')
    expect(report.attempts).toMatchObject([
      { name: 'wasm', outcome: 'chosen' },
      { name: 'cpu', outcome: 'skipped', reason: 'wasm came first' },
    ])
    expect((await startBackend({ prefer: ['cpu', 'wasm'] })).backend).toBe('cpu')
  })

  test('exclusion is stronger', async () => {
    const { backend, excluded, report } = await startBackend({ prefer: ['wasm', 'cpu'], exclude: ['wasm'] })
    expect([backend, excluded]).toEqual(['cpu', ['wasm']])
    expect(report.attempts).toContainEqual({ name: 'wasm', outcome: 'skipped', reason: 'excluded' })
  })

  test.each(['tensorflow', 'WASM', '', 'webgpu'])('"%s" is not known here; the message says what is', async name => {
    await expect(startBackend({ prefer: name as BackendName })).rejects.toMatchObject({
      name: 'FacewiseError',
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/native, wasm, cpu/),
    })
  })

  test('nothing left to try: every candidate and its reason', async () => {
    await expect(startBackend({ prefer: ['wasm', 'cpu'], exclude: ['cpu', 'wasm'] })).rejects.toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
      message: expect.stringMatching(/wasm: excluded[\s\S]*cpu: excluded/),
    })
  })

  test('an empty list prefers nothing, so it is as if none were given', async () => {
    expect((await startBackend({ prefer: [], exclude: ['native'] })).backend).toBe('wasm')
  })
})

describe('no preference', () => {
  test.skipIf(nativeInstalled)('WebAssembly, and the report says how to get the faster one', async () => {
    const { backend, report } = await startBackend()
    expect(backend).toBe('wasm')
    expect(report.attempts.map(a => [a.name, a.outcome])).toEqual([
      ['wasm', 'chosen'],
      ['native', 'failed'],
      ['cpu', 'skipped'],
    ])
    const native = report.attempts.find(a => a.name === 'native')!
    expect(native.reason).toBe('@tensorflow/tfjs-node is not installed')
    expect(native.hint).toMatch(/npm install @tensorflow\/tfjs-node@4\.22\.0.*native-backend/)
  })

  test.skipIf(nativeInstalled)('native alone: unavailable, with reason and hint in the message', async () => {
    await expect(startBackend({ prefer: 'native' })).rejects.toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
      message: expect.stringMatching(/native: @tensorflow\/tfjs-node is not installed \(.*npm install/),
    })
    // The failure leaves what ran before usable.
    expect((await startBackend({ prefer: 'wasm' })).backend).toBe('wasm')
    expect(sum()).toBe(20)
  })
})

describe('what was measured before', () => {
  test('goes first', async () => {
    rememberName('cpu')
    const { backend, report } = await startBackend()
    expect(backend).toBe('cpu')
    expect(report.attempts[0]).toMatchObject({ outcome: 'chosen', reason: 'the fastest when last measured' })
    expect(report.attempts).toContainEqual({ name: 'wasm', outcome: 'skipped', reason: 'cpu came first' })
  })

  test.each([
    ['another version', () => remember('{"backend/0.0.1":"cpu"}')],
    ['an unknown name', () => rememberName('quantum')],
    ['a name that is not excluded', () => rememberName('native')],
    ['no JSON', () => remember('{')],
    ['JSON of another kind', () => remember('null')],
    ['a folder', () => mkdirSync(join(folder, 'backend.json'))],
  ])('is of no weight: %s', async (_, prepare) => {
    prepare()
    expect((await startBackend({ exclude: ['native'] })).backend).toBe('wasm')
  })

  test('remember: false, and a wish, do not look at it', async () => {
    rememberName('cpu')
    expect((await startBackend({ remember: false, exclude: ['native'] })).backend).toBe('wasm')
    expect((await startBackend({ prefer: 'wasm' })).backend).toBe('wasm')
  })

  test('the folder is the one that the environment names', () => {
    expect(cacheDirectory()).toBe(folder)
  })
})

describe('the one active backend of TensorFlow.js', () => {
  test('two starts at once both get what they asked for', async () => {
    const [a, b, c] = await Promise.all([
      startBackend({ prefer: 'wasm' }),
      startBackend({ prefer: 'cpu' }),
      startBackend({ prefer: 'wasm' }),
    ])
    expect([a.backend, b.backend, c.backend]).toEqual(['wasm', 'cpu', 'wasm'])
    for (const engine of [a, b, c]) {
      engine.activate()
      expect(tf.getBackend()).toBe(engine.backend)
      expect(sum()).toBe(20)
    }
  })

  test('a start that fails does not hold up the next', async () => {
    const bad = startBackend({ prefer: 'none' as BackendName })
    const good = startBackend({ prefer: 'cpu' })
    await expect(bad).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect((await good).backend).toBe('cpu')
  })

  test('activate takes effect at once, after the app has changed it', async () => {
    const engine = await startBackend({ prefer: 'wasm' })
    await tf.setBackend('cpu')
    engine.activate()
    expect(tf.getBackend()).toBe('wasm')
  })

  test('a signal that has fired: nothing starts', async () => {
    await startBackend({ prefer: 'cpu' })
    await expect(startBackend({ prefer: 'wasm', signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORTED',
    })
    expect(tf.getBackend()).toBe('cpu')
  })

  test('starting leaves no tensor behind', async () => {
    await startBackend({ prefer: 'wasm' })
    const before = tf.memory().numTensors
    await startBackend({ prefer: 'wasm' })
    await startBackend({ exclude: ['native'] })
    expect(tf.memory().numTensors).toBe(before)
  })
})
