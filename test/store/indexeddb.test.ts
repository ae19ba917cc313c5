import { expect, it } from 'vitest'
import { indexedDbStore } from '../../src/store/indexeddb.ts'

it('says what to use where there is no IndexedDB', async () => {
  await expect(indexedDbStore({ name: 'faces' })).rejects.toMatchObject({
    code: 'STORE_FAILED',
    message: expect.stringMatching(/sqliteStore .* or memoryStore/),
  })
})
