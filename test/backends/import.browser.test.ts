import { expect, it } from 'vitest'

// Nothing of the library is imported above: what it does when it is loaded must be seen here.
it('importing any entry changes no global and starts no TensorFlow.js', async () => {
  const before = Reflect.ownKeys(globalThis)
  const { startBackend } = await import('../../src/backends/index.ts')
  for (const entry of [
    await import('../../src/image/index.ts'),
    await import('../../src/models/index.ts'),
    await import('../../src/detect/index.ts'),
    await import('../../src/index.ts'),
  ]) {
    expect(Object.keys(entry)).not.toEqual([])
  }
  expect(Reflect.ownKeys(globalThis)).toEqual(before)
  expect(globalThis).not.toHaveProperty('_tfengine')
  // The same look does see TensorFlow.js once it runs.
  await startBackend({ prefer: 'cpu' })
  expect(globalThis).toHaveProperty('_tfengine')
})
