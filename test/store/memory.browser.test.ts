import { describe, it } from 'vitest'
import { storeConformance } from '../../src/store/conformance/index.ts'
import { memoryStore } from '../../src/store/index.ts'

describe('the memory store in a browser', () => {
  it.each(storeConformance({ open: (_, options) => memoryStore(options) }))('$name', ({ run }) => run())
})
