import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, it } from 'vitest'
import { storeConformance } from '../../src/store/conformance/index.ts'
import { sqliteStore } from '../../src/store/sqlite.ts'

const folder = mkdtempSync(join(tmpdir(), 'facewise-sqlite-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const urlOf = (name: string): string => `file:${join(folder, `${name}.db`)}`

describe('the SQLite store in a file', () => {
  const cases = storeConformance({ open: (place, options) => sqliteStore({ url: urlOf(place), ...options }) })
  it.each(cases)('$name', ({ run }) => run())
})

describe('the SQLite store in memory', () => {
  const cases = storeConformance({ open: (_, options) => sqliteStore({ url: ':memory:', ...options }), large: 2_000 })
  it.each(cases)('$name', ({ run }) => run())
})
