import { expect, it, vi } from 'vitest'
import type { Engine } from '../../src/backends/index.ts'
import { withGradients } from '../../src/train/gradients.ts'

vi.mock('@tensorflow/tfjs', () => {
  throw new Error("Cannot find package '@tensorflow/tfjs'")
})

it('says which command installs the gradients where they are not there', async () => {
  const engine = { tf: { getGradient: () => undefined, version_core: '4.22.0' }, activate() {} } as unknown as Engine
  await expect(withGradients(engine)).rejects.toMatchObject({
    code: 'DEPENDENCY_MISSING',
    message: expect.stringContaining('npm install @tensorflow/tfjs@4.22.0'),
  })
})
