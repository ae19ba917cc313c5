import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, it } from 'vitest'
import { storeConformance } from '../../src/store/conformance/index.ts'
import { lancedbStore } from '../../src/store/lancedb.ts'

const root = mkdtempSync(join(tmpdir(), 'facewise-lancedb-'))
const remove = async (place: string) => rmSync(join(root, place), { recursive: true, force: true })

afterAll(() => rmSync(root, { recursive: true, force: true }))

describe('the lancedb store', () => {
  const open = (place: string, options = {}) => lancedbStore({ ...options, uri: join(root, place) })
  it.each(storeConformance({ open, remove }))('$name', ({ run }) => run())
})
