import * as tf from '@tensorflow/tfjs-core'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { startBackend } from '../../src/backends/index.ts'
import { type BackendStarter, Unavailable } from '../../src/backends/starter.ts'

// The platform is replaced, so that a test can say what its backends do. The backends themselves are real: each is plain JavaScript
// under another name, one of them slowed down.
const platform = vi.hoisted(() => ({ starters: [] as BackendStarter[], memory: new Map<string, string>() }))
vi.mock('../../src/backends/platform.node.ts', () => ({
  starters: platform.starters,
  batchThreadCount: () => 1,
  probeMemory: {
    get: (key: string) => platform.memory.get(key),
    set: (key: string, value: string) => platform.memory.set(key, value),
  },
}))

const never = new Promise<never>(() => {})

/** Registers plain JavaScript under TensorFlow.js' name of `name`; `slowMs` is spent at every upload. */
async function registerAs(name: string, slowMs = 0): Promise<void> {
  const { MathBackendCPU } = await import('@tensorflow/tfjs-backend-cpu')
  tf.copyRegisteredKernels('cpu', name)
  tf.registerBackend(name, () => {
    const backend = new MathBackendCPU()
    const { write } = backend
    backend.write = (...values) => {
      const until = performance.now() + slowMs
      while (performance.now() < until);
      return write.apply(backend, values)
    }
    return backend
  })
}

const works = (name: BackendStarter['name'], slowMs = 0, slow?: string): BackendStarter => ({
  name,
  async register() {
    if (!tf.findBackendFactory(name)) await registerAs(name, slowMs)
    return { version: tf.version_core, slow }
  },
})
const hangs = (name: BackendStarter['name']): BackendStarter => ({ name, register: () => never })
const fails = (name: BackendStarter['name'], error: Error): BackendStarter => ({
  name,
  register: () => Promise.reject(error),
})

function use(...starters: BackendStarter[]): void {
  platform.starters.splice(0, platform.starters.length, ...starters)
}

beforeEach(() => {
  platform.memory.clear()
  for (const name of ['webgpu', 'webgl']) if (tf.findBackendFactory(name)) tf.removeBackend(name)
})

describe('what goes wrong', () => {
  test('a backend that never starts is given up after its time, and the next is taken', async () => {
    use(hangs('webgpu'), works('cpu'))
    const began = performance.now()
    const { backend, report } = await startBackend({ timeoutMs: 100 })
    expect(performance.now() - began).toBeLessThan(5000)
    expect(backend).toBe('cpu')
    expect(report.attempts).toContainEqual({
      name: 'webgpu',
      outcome: 'failed',
      reason: 'it did not start within 100 ms',
      hint: expect.stringContaining('timeoutMs'),
    })
  })

  test('a backend whose initialisation never ends', async () => {
    use(
      {
        name: 'webgl',
        async register() {
          tf.registerBackend('webgl', () => never)
          return {}
        },
      },
      works('cpu'),
    )
    const { backend, report } = await startBackend({ timeoutMs: 100 })
    expect(backend).toBe('cpu')
    expect(report.attempts.find(a => a.name === 'webgl')?.reason).toBe('it did not start within 100 ms')
  })

  test('a backend that computes rubbish is not taken', async () => {
    use(
      {
        name: 'webgl',
        async register() {
          await registerAs('webgl')
          const conv = tf.getKernel('Conv2D', 'webgl')!
          tf.unregisterKernel('Conv2D', 'webgl')
          tf.registerKernel({
            ...conv,
            kernelFunc: ({ backend }) =>
              (backend as unknown as { makeOutput: MakeOutput }).makeOutput([7], [1, 1, 1, 1], 'float32'),
          })
          return {}
        },
      },
      works('cpu'),
    )
    const { backend, report } = await startBackend()
    expect(backend).toBe('cpu')
    expect(report.attempts.find(a => a.name === 'webgl')?.reason).toMatch(/wrong results \(7 for 4321\)/)
    tf.unregisterKernel('Conv2D', 'webgl')
  })

  test('every reason and hint is in the message when none works', async () => {
    use(
      hangs('webgpu'),
      fails('webgl', new Unavailable('no context', 'plug in a screen')),
      fails('cpu', new Error('boom')),
    )
    await expect(startBackend({ timeoutMs: 50 })).rejects.toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
      message: expect.stringMatching(
        /webgpu: it did not start within 50 ms[\s\S]*webgl: no context \(plug in a screen\)[\s\S]*cpu: boom/,
      ),
    })
  })

  test('a package of another version', async () => {
    use({ name: 'cpu', register: () => Promise.resolve({ version: '4.0.0' }) })
    await expect(startBackend()).rejects.toMatchObject({
      code: 'ENGINE_MISMATCH',
      message: expect.stringMatching(/4\.0\.0.*4\.22\.0/),
    })
  })

  test('a backend that registered with another copy of the core', async () => {
    use({ name: 'webgl', register: () => Promise.resolve({}) })
    await expect(startBackend()).rejects.toMatchObject({
      code: 'ENGINE_MISMATCH',
      message: expect.stringContaining('another copy'),
    })
  })
})

describe('a choice', () => {
  test('is measured, kept, and not measured again', async () => {
    use(works('webgpu', 30), works('webgl'), works('cpu'))
    const first = await startBackend()
    expect(first.backend).toBe('webgl')
    const [webgl, ...others] = first.report.attempts
    expect(webgl).toMatchObject({ name: 'webgl', outcome: 'chosen', reason: 'the fastest in a short measurement' })
    const outcomes = Object.fromEntries(others.map(a => [a.name, a.outcome]))
    expect(outcomes).toEqual({ webgpu: 'slower', cpu: 'skipped' })
    const webgpu = others.find(a => a.name === 'webgpu')!
    expect(webgl.probeMs!).toBeLessThan(webgpu.probeMs!)
    expect([...platform.memory.values()]).toEqual(['webgl'])

    const second = await startBackend()
    expect(second.report.attempts[0]).toMatchObject({ name: 'webgl', reason: 'the fastest when last measured' })
    expect(second.report.attempts[0].probeMs).toBeUndefined()
  })

  test('remember: false keeps nothing', async () => {
    use(works('webgpu', 30), works('webgl'))
    expect((await startBackend({ remember: false })).backend).toBe('webgl')
    expect(platform.memory.size).toBe(0)
  })

  test('what was measured before but does not work any more: the others are measured anew', async () => {
    use(fails('webgpu', new Unavailable('gone')), works('webgl'))
    platform.memory.set(`backend/${tf.version_core}`, 'webgpu')
    expect((await startBackend()).backend).toBe('webgl')
  })

  test('a backend that says it is slow is taken only where there is no other', async () => {
    use(works('webgpu', 0, 'it draws in software'), works('webgl'))
    const { backend, report } = await startBackend()
    expect(backend).toBe('webgl')
    expect(report.attempts).toContainEqual(
      expect.objectContaining({ name: 'webgpu', outcome: 'slower', reason: 'it draws in software' }),
    )
    use(works('webgpu', 0, 'it draws in software'))
    expect((await startBackend({ remember: false })).backend).toBe('webgpu')
  })
})

type MakeOutput = (values: number[], shape: number[], dtype: 'float32') => tf.TensorInfo
