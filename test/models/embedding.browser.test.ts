import { expect, it } from 'vitest'
import { commands } from 'vitest/browser'
import { startBackend } from '../../src/backends/index.ts'
import { embedNoise } from './embedding.ts'

it.each(['wasm', 'webgl'] as const)('the packaged embedder in Chromium on %s gives what Node gives', async prefer => {
  const engine = await startBackend({ prefer, timeoutMs: 60_000 })
  expect(engine.backend).toBe(prefer)
  const before = engine.tf.memory().numTensors
  const [actual, expected] = [await embedNoise(engine), await commands.embedNoiseInNode()]
  expect(engine.tf.memory().numTensors).toBe(before)
  expect(actual).toHaveLength(256)
  for (const start of [0, 128]) {
    const [a, b] = [actual, expected].map(values => values.slice(start, start + 128))
    const dot = (x: number[], y: number[]): number => x.reduce((sum, value, i) => sum + value * y[i], 0)
    expect(dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))).toBeGreaterThan(0.99999)
    expect(Math.max(...a.map((value, i) => Math.abs(value - b[i])))).toBeLessThan(1e-3)
  }
})
