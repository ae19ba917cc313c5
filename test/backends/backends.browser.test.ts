import { afterEach, describe, expect, it } from 'vitest'
import sample6 from '../../node_modules/@vladmandic/face-api/demo/sample6.jpg?url'
import { type Engine, startBackend } from '../../src/backends/index.ts'
import { createMtcnn } from '../../src/detect/index.ts'
import { decode, type Picture, resizeArea } from '../../src/image/index.ts'

let small: Picture | undefined
async function photo(): Promise<Picture> {
  small ??= resizeArea(await decode(sample6), 240, 192)
  return small
}

/** Takes the WebGL context away as a browser does when the GPU runs out of memory. */
function loseContext({ tf }: Engine): void {
  const { gpgpu } = tf.findBackend('webgl') as unknown as { gpgpu: { gl: WebGL2RenderingContext } }
  const extension = gpgpu.gl.getExtension('WEBGL_lose_context')
  if (!extension) throw new Error('This browser cannot lose a context on purpose.')
  extension.loseContext()
}

describe('the choice in a browser', () => {
  afterEach(() => localStorage.clear())

  it('prefers WebAssembly to software drawing, and says so', async () => {
    const { backend, report } = await startBackend({ exclude: ['webgpu'] })
    expect(backend).toBe('wasm')
    expect(report.attempts.find(a => a.name === 'webgl')).toMatchObject({ outcome: 'slower' })
    expect(report.attempts.find(a => a.name === 'webgl')?.reason).toContain('software')
    expect(report.attempts.find(a => a.name === 'cpu')?.outcome).toBe('skipped')
  })

  it('keeps its answer for the next start', async () => {
    await startBackend({ exclude: ['webgpu'] })
    expect(Object.values({ ...localStorage })).toEqual(['wasm'])
    const { report } = await startBackend({ exclude: ['webgpu'] })
    expect(report.attempts.find(a => a.name === 'wasm')?.reason).toContain('last measured')
    expect(report.attempts.find(a => a.name === 'webgl')?.outcome).toBe('skipped')
    const anew = await startBackend({ exclude: ['webgpu'], remember: false })
    expect(anew.report.attempts.find(a => a.name === 'webgl')?.outcome).toBe('slower')
  })
})

describe('a lost context', () => {
  it('makes an engine say so, and refuse', async () => {
    const engine = await startBackend({ prefer: 'webgl' })
    const heard: string[] = []
    engine.onLost(error => heard.push(error.code))
    loseContext(engine)
    await expect.poll(() => heard).toEqual(['BACKEND_LOST'])
    expect(() => engine.activate()).toThrow(/webgl backend was lost/)
  })

  it('between two detections: the next one runs on another backend', async () => {
    const picture = await photo()
    const mtcnn = await createMtcnn({ backend: { prefer: ['webgl', 'wasm'] } })
    expect(mtcnn.engine.backend).toBe('webgl')
    loseContext(mtcnn.engine)
    await new Promise(resolve => setTimeout(resolve, 50))
    const faces = await mtcnn.detect(picture)
    expect(mtcnn.engine.backend).toBe('wasm')
    const other = await createMtcnn({ backend: { prefer: 'wasm' } })
    expect(faces).toEqual(await other.detect(picture))
    expect(faces.length).toBeGreaterThan(0)
    mtcnn.dispose()
    other.dispose()
  })

  it('in the middle of two detections: both are repeated, and right', async () => {
    const picture = await photo()
    const mtcnn = await createMtcnn({ backend: { prefer: ['webgl', 'wasm'] } })
    const first = mtcnn.detect(picture)
    const second = mtcnn.detect(picture)
    await new Promise(resolve => setTimeout(resolve, 0))
    loseContext(mtcnn.engine)
    const [a, b] = await Promise.all([first, second])
    expect(mtcnn.engine.backend).toBe('wasm')
    expect(a).toEqual(await mtcnn.detect(picture))
    expect(b).toEqual(a)
    mtcnn.dispose()
  })

  it('of the only backend that was allowed is an error that names it', async () => {
    const mtcnn = await createMtcnn({ backend: { prefer: 'webgl' } })
    loseContext(mtcnn.engine)
    await new Promise(resolve => setTimeout(resolve, 50))
    await expect(mtcnn.detect(await photo())).rejects.toMatchObject({
      code: 'BACKEND_LOST',
      message: expect.stringContaining('webgl backend was lost'),
    })
    mtcnn.dispose()
  })
})
