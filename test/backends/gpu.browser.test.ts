import { afterEach, describe, expect, it, vi } from 'vitest'
import { commands } from 'vitest/browser'
import { type BackendAttempt, type Engine, startBackend } from '../../src/backends/index.ts'
import { isFacewiseError } from '../../src/errors.ts'
import { type Manifest, type Network, type NetworkInput, packagedManifests } from '../../src/models/index.ts'
import { createNetwork } from '../../src/models/network.ts'

afterEach(() => localStorage.clear())

// First, because TensorFlow.js takes the address of a WebAssembly that runs as settled.
describe('WebAssembly files that are not where they are said to be', () => {
  it.each([
    ['/cors/app', /\/cors\/app\/tfjs-backend-wasm[\w-]*\.wasm is no WebAssembly file \(status 200\)/],
    ['/cors/none', /\/cors\/none\/tfjs-backend-wasm[\w-]*\.wasm is no WebAssembly file \(status 404\)/],
    ['/app', /\/app\/tfjs-backend-wasm[\w-]*\.wasm cannot be fetched/],
  ])('%s', async (path, reason) => {
    const origin = await commands.otherOrigin()
    const wasmPaths = origin + path
    await expect(startBackend({ prefer: 'wasm', wasmPaths })).rejects.toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
      message: expect.stringMatching(reason),
    })
    const { backend, report } = await startBackend({ prefer: ['wasm', 'cpu'], wasmPaths })
    expect(backend).toBe('cpu')
    const attempt = report.attempts.find(a => a.name === 'wasm')
    expect(attempt).toMatchObject({ outcome: 'failed', hint: expect.stringContaining('wasmPaths') })
    expect(attempt?.reason).toMatch(reason)
    expect(attempt?.reason).toContain(origin)
  })
})

describe('a choice among all', () => {
  it('takes WebAssembly where both GPU backends draw in software', async () => {
    const { backend, report } = await startBackend({ timeoutMs: 60_000 })
    expect(backend).toBe('wasm')
    expect(report.attempts.map(a => a.name).sort()).toEqual(['cpu', 'wasm', 'webgl', 'webgpu'])
    const of = (name: string): BackendAttempt | undefined => report.attempts.find(a => a.name === name)
    expect(of('wasm')?.outcome).toBe('chosen')
    expect(of('webgl')).toMatchObject({ outcome: 'slower', reason: expect.stringContaining('software') })
    // Not every build of Chromium has a software WebGPU.
    const webgpu = of('webgpu')
    if (webgpu?.outcome !== 'failed') {
      expect(webgpu).toMatchObject({ outcome: 'slower', reason: expect.stringContaining('software') })
    }
    expect(of('cpu')?.outcome).toBe('skipped')
  })

  it('tries what it remembers first, and a wish before that', async () => {
    const { report: first } = await startBackend({ exclude: ['webgpu'], timeoutMs: 60_000 })
    const [key] = Object.keys(localStorage)
    expect(localStorage.getItem(key)).toBe('wasm')
    expect(first.attempts[0].reason).not.toContain('last measured')
    localStorage.setItem(key, 'webgl')
    const second = await startBackend({ exclude: ['webgpu'] })
    expect([second.backend, second.report.attempts[0].reason]).toEqual(['webgl', 'the fastest when last measured'])
    expect((await startBackend({ exclude: ['webgpu'], remember: false })).backend).toBe('wasm')
    expect((await startBackend({ prefer: ['wasm', 'webgl'] })).backend).toBe('wasm')
    expect((await startBackend({ prefer: ['webgl', 'wasm'] })).backend).toBe('webgl')
  })
})

describe('WebGPU in a browser that was just started', () => {
  const spy = () => vi.spyOn(navigator.gpu, 'requestAdapter')
  afterEach(() => vi.restoreAllMocks())

  it('is asked for again where there is no GPU at first', async ({ skip }) => {
    if (!(await navigator.gpu.requestAdapter())) skip('This Chromium has no software WebGPU.')
    const asked = spy().mockResolvedValueOnce(null).mockResolvedValueOnce(null)
    expect((await startBackend({ prefer: 'webgpu', timeoutMs: 60_000 })).backend).toBe('webgpu')
    expect(asked.mock.calls.length).toBeGreaterThanOrEqual(3)
  })

  it('is given up in the end', async () => {
    spy().mockResolvedValue(null)
    await expect(startBackend({ prefer: 'webgpu' })).rejects.toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
      message: expect.stringContaining('found no GPU'),
    })
  })
})

/** A network that doubles its input: what matters here is the way to the GPU and back. */
function doubling(engine: Engine, execute = (x: number): unknown => engine.tf.mul(x, 2)): Network {
  const manifest = packagedManifests.mtcnn as unknown as Manifest
  const graph = { execute, dispose: () => undefined }
  return createNetwork(engine, graph as unknown as Parameters<typeof createNetwork>[1], manifest, {
    ...manifest.networks[0],
    output: ['r', 'g', 'b'],
  })
}

const input = (size: number): NetworkInput => ({
  data: new Float32Array(size * size * 3).map((_, i) => i % 251),
  shape: [1, size, size, 3],
})

const lost = { name: 'FacewiseError', code: 'BACKEND_LOST' }

/** Takes the GPU away as a browser does. */
function lose({ backend, tf }: Engine): void {
  const { gpgpu, device } = tf.findBackend(backend) as unknown as {
    gpgpu?: { gl: WebGL2RenderingContext }
    device?: GPUDevice
  }
  gpgpu?.gl.getExtension('WEBGL_lose_context')?.loseContext()
  device?.destroy()
}

describe.each(['webgl', 'webgpu'] as const)('%s', prefer => {
  const start = async (skip: (note: string) => void): Promise<Engine> => {
    try {
      return await startBackend({ prefer, timeoutMs: 60_000 })
    } catch (error) {
      if (prefer === 'webgpu' && isFacewiseError(error) && error.code === 'BACKEND_UNAVAILABLE') skip(error.message)
      throw error
    }
  }

  it('runs that overlap do not mix', async ({ skip }) => {
    const network = doubling(await start(skip))
    const inputs = [input(16), input(24), input(33)]
    const results = await Promise.all([
      network.run(inputs),
      network.run([inputs[1]]),
      network.run([...inputs].reverse()),
    ])
    const doubled = inputs.map(({ data }) => [...data].map(v => v * 2))
    const numbers = results.map(outputs => outputs.map(output => [...output]))
    expect(numbers).toEqual([doubled, [doubled[1]], [...doubled].reverse()])
  })

  it('lost between runs: told once, and refused from then on; a new start works', async ({ skip }) => {
    const engine = await start(skip)
    const network = doubling(engine)
    const heard: string[] = []
    engine.onLost(({ code }) => heard.push(code))
    lose(engine)
    await expect.poll(() => heard).toEqual(['BACKEND_LOST'])
    expect(() => engine.activate()).toThrow(expect.objectContaining(lost))
    await expect(network.run([input(16)])).rejects.toMatchObject(lost)
    const again = doubling(await start(skip))
    const [output] = await again.run([input(16)])
    expect(output[5]).toBe(10)
    expect(heard).toHaveLength(1)
  })

  it('lost in the turn of a run, before the browser says so: the same error', { timeout: 60_000 }, async ({ skip }) => {
    const engine = await start(skip)
    // An operation that ran nowhere before, so that its program is compiled after the loss.
    const network = doubling(engine, x => engine.tf.atanh(engine.tf.erf(x)))
    lose(engine)
    await expect(network.run([input(41)])).rejects.toMatchObject(lost)
    expect(() => engine.activate()).toThrow(expect.objectContaining(lost))
  })

  it('lost during runs: all of them end with the error', { timeout: 60_000 }, async ({ skip }) => {
    const engine = await start(skip)
    const network = doubling(engine)
    const runs = Promise.allSettled([network.run([input(64), input(64)]), network.run([input(65)])])
    lose(engine)
    expect(await runs).toMatchObject([
      { status: 'rejected', reason: lost },
      { status: 'rejected', reason: lost },
    ])
  })
})
