import * as tf from '@tensorflow/tfjs-core'
import { expect, test, vi } from 'vitest'
import { startBackend } from '../../src/backends/index.ts'
import type { BackendStarter } from '../../src/backends/starter.ts'
import { createMtcnn, type StageReport } from '../../src/detect/index.ts'
import type { FacewiseError } from '../../src/errors.ts'
import { decode } from '../../src/image/decode.ts'
import { samplePhoto } from '../data.ts'

// A GPU that can be taken away: plain JavaScript under the name of WebGL, with a canvas that hears of the loss as a browser's does.
const gpu = vi.hoisted(() => ({ canvas: new EventTarget() }))
vi.mock('../../src/backends/platform.node.ts', async original => {
  const platform = (await original()) as { starters: BackendStarter[] }
  const webgl: BackendStarter = {
    name: 'webgl',
    async register(core) {
      const { MathBackendCPU } = await import('@tensorflow/tfjs-backend-cpu')
      // As the package of a real backend, it registers itself once, when it is loaded.
      if (core.getKernelsForBackend('webgl').length > 0) return {}
      core.copyRegisteredKernels('cpu', 'webgl')
      core.registerBackend('webgl', () => {
        gpu.canvas = new EventTarget()
        return Object.assign(new MathBackendCPU(), { gpgpu: { gl: { canvas: gpu.canvas } } })
      })
      return {}
    },
  }
  return { ...platform, starters: [webgl, ...platform.starters] }
})

const lose = (): boolean => gpu.canvas.dispatchEvent(new Event('webglcontextlost'))

test('an engine hears once that its context is lost, and refuses to go on', async () => {
  const engine = await startBackend({ prefer: 'webgl' })
  expect(engine).toMatchObject({ backend: 'webgl', gpu: true })
  const heard: FacewiseError[] = []
  const ignored = engine.onLost(() => expect.unreachable('the callback was taken away'))
  engine.onLost(error => heard.push(error))
  ignored()
  engine.activate()
  lose()
  lose()
  expect(heard).toMatchObject([{ code: 'BACKEND_LOST' }])
  expect(() => engine.activate()).toThrow(heard[0])
  // Who asks later hears it at once.
  engine.onLost(error => heard.push(error))
  expect(heard).toHaveLength(2)
})

test('after a loss the same backend can be started anew, and is not the dead one', async () => {
  const first = await startBackend({ prefer: 'webgl' })
  lose()
  expect(() => first.activate()).toThrow(expect.objectContaining({ code: 'BACKEND_LOST' }))
  const second = await startBackend({ prefer: 'webgl' })
  second.activate()
  expect(tf.getBackend()).toBe('webgl')
  expect(tf.tidy(() => tf.sum(tf.ones([2, 2])).dataSync()[0])).toBe(4)
})

test('a detector goes on with the next backend, and the detection under way is not lost', async () => {
  const sharp = (await import('sharp')).default
  const photo = await decode(await sharp(samplePhoto(6)).resize(240).png().toBuffer())
  const mtcnn = await createMtcnn({ backend: { prefer: ['webgl', 'wasm'] }, minFaceSize: 20 })
  const detector = await createMtcnn({ backend: { prefer: 'wasm' }, minFaceSize: 20 })
  const expected = await detector.detect(photo)
  detector.dispose()
  expect(expected.length).toBeGreaterThan(0)

  expect(mtcnn.engine.backend).toBe('webgl')
  // On a GPU all levels lie on one sheet; the faces are the same.
  expect(await mtcnn.detect(photo)).toHaveLength(expected.length)
  const stages: string[] = []
  let lost = false
  const onStage = ({ name }: StageReport): void => {
    stages.push(name)
    if (!lost) lost = lose()
  }
  const [a, b] = await Promise.all([mtcnn.detect(photo, { onStage }), mtcnn.detect(photo)])
  expect(stages[0]).toBe('proposals')
  expect(stages.slice(-3)).toEqual(['proposals', 'refine', 'output'])
  expect(mtcnn.engine.backend).toBe('wasm')
  expect(mtcnn.engine.excluded).toEqual(['webgl'])
  expect(a).toEqual(expected)
  expect(b).toEqual(expected)
  mtcnn.dispose()
})
