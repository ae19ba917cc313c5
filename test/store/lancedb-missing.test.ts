import { expect, it, vi } from 'vitest'
import { lancedbStore } from '../../src/store/lancedb.ts'

vi.mock('@lancedb/lancedb', () => {
  throw new Error("Cannot find package '@lancedb/lancedb'")
})

it('says what to install where LanceDB is not there', async () => {
  await expect(lancedbStore({ uri: 'anywhere' })).rejects.toMatchObject({
    name: 'FacewiseError',
    code: 'DEPENDENCY_MISSING',
    message: expect.stringContaining('npm install @lancedb/lancedb apache-arrow'),
  })
})
