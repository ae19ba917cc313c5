import * as tf from '@tensorflow/tfjs-core'
import { expect, test, vi } from 'vitest'
import { tfName } from '../../src/backends/engine.ts'
import { type BackendName, startBackend } from '../../src/backends/index.ts'
import type { Probed } from '../../src/backends/probe.ts'
import type { BackendStarter } from '../../src/backends/starter.ts'

// Every backend is plain JavaScript under another name; what the probe measures on it is given. `native` stands for WebAssembly too, which
// reports flags of its own package.
const given = vi.hoisted(() => ({ starters: [] as BackendStarter[], probed: {} as Partial<Record<string, Probed>> }))
vi.mock('../../src/backends/platform.node.ts', () => ({
  starters: given.starters,
  batchThreadCount: () => 1,
  probeMemory: { get: () => undefined, set: () => undefined },
}))
vi.mock('../../src/backends/probe.ts', () => ({
  probe: async ({ getBackend }: typeof tf) => given.probed[getBackend()],
}))

async function chosenOf(probed: Partial<Record<BackendName, Probed>>): Promise<BackendName> {
  const { MathBackendCPU } = await import('@tensorflow/tfjs-backend-cpu')
  given.probed = Object.fromEntries(Object.entries(probed).map(([name, took]) => [tfName(name as BackendName), took]))
  given.starters.splice(0)
  for (const name of Object.keys(probed) as BackendName[]) {
    given.starters.push({
      name,
      async register() {
        if (tf.findBackendFactory(tfName(name))) return {}
        tf.copyRegisteredKernels('cpu', tfName(name))
        tf.registerBackend(tfName(name), () => new MathBackendCPU())
        return {}
      },
    })
  }
  const { backend, report } = await startBackend()
  for (const { name, probeMs, firstMs } of report.attempts) {
    expect({ ms: probeMs, firstMs }).toEqual(probed[name])
  }
  return backend
}

// As measured on an H100 in Chromium 156.
const WEBGPU = { ms: 5.8, firstMs: 389 }
const WEBGL = { ms: 7.2, firstMs: 436 }
const WASM = { ms: 16.4, firstMs: 28 }
const EIGHT_THREADS = { ms: 4.5, firstMs: 16 }

test('WebGPU is worth its compiling where WebAssembly has one thread, and not where it has eight', async () => {
  expect(await chosenOf({ webgpu: WEBGPU, webgl: WEBGL, native: WASM })).toBe('webgpu')
  expect(await chosenOf({ webgpu: WEBGPU, webgl: WEBGL, native: EIGHT_THREADS })).toBe('native')
})

test('WebGL, which compiles for half a minute, is not taken for calls that are some milliseconds faster', async () => {
  expect(await chosenOf({ webgl: WEBGL, native: WASM })).toBe('native')
  expect(await chosenOf({ webgl: { ms: 7.2, firstMs: 100 }, native: WASM })).toBe('webgl')
  expect(await chosenOf({ webgl: WEBGL, native: { ms: 60, firstMs: 80 } })).toBe('webgl')
})
