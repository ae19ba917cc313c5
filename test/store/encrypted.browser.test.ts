import { describe, expect, it } from 'vitest'
import { storeConformance } from '../../src/store/conformance/index.ts'
import { encrypted, generateKey, memoryStore, openStore } from '../../src/store/index.ts'

const key = generateKey()

describe('an encrypted store in a browser', () => {
  const open = async () => encrypted(await memoryStore(), { key })
  it.each(storeConformance({ open, large: 500, rounds: 10 }))('$name', ({ run }) => run())
})

describe('openStore in a browser', () => {
  it('opens a store in memory, and says what else there is', async () => {
    expect((await openStore('memory:')).capabilities.name).toBe('memory')
    for (const url of ['file:faces.db', 'postgres://ada:sesame@host/faces', 'lancedb:faces']) {
      await expect(openStore(url)).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringMatching(/in Node alone\. Here: memory: or indexeddb:NAME\.$/),
      })
    }
  })
})
