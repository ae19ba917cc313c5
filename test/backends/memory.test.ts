import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { cacheDirectory, cacheFile } from '../../src/backends/memory.node.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facewise-cache-'))
  vi.stubEnv('FACEWISE_CACHE_DIR', join(folder, 'made', 'when needed'))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

describe('what is kept between runs', () => {
  test('comes back, also to another reader, and leaves the other keys', () => {
    const file = cacheFile('a.json')
    expect(file.get('k')).toBeUndefined()
    file.set('k', 'v')
    file.set('l', 'w')
    file.set('k', 'x')
    expect([cacheFile('a.json').get('k'), cacheFile('a.json').get('l')]).toEqual(['x', 'w'])
    expect(cacheFile('b.json').get('k')).toBeUndefined()
    // No drafts stay behind.
    expect(readdirSync(cacheDirectory())).toEqual(['a.json'])
  })

  test.each(['', '{', 'null', '[]', '7'])('a file of %j is as if it were not there, and is written over', contents => {
    vi.stubEnv('FACEWISE_CACHE_DIR', folder)
    writeFileSync(join(folder, 'a.json'), contents)
    const file = cacheFile('a.json')
    expect(file.get('k')).toBeUndefined()
    file.set('k', 'v')
    expect(JSON.parse(readFileSync(join(folder, 'a.json'), 'utf8'))).toEqual({ k: 'v' })
  })

  test('a folder that cannot be written is no error', () => {
    writeFileSync(join(folder, 'file'), '')
    vi.stubEnv('FACEWISE_CACHE_DIR', join(folder, 'file', 'below'))
    const file = cacheFile('a.json')
    file.set('k', 'v')
    expect(file.get('k')).toBeUndefined()
  })

  test('the folder follows the platform’s convention', () => {
    vi.stubEnv('FACEWISE_CACHE_DIR', undefined)
    vi.stubEnv('XDG_CACHE_HOME', '/x/cache')
    if (process.platform === 'linux') expect(cacheDirectory()).toBe('/x/cache/facewise')
    vi.stubEnv('XDG_CACHE_HOME', '')
    if (process.platform === 'linux') expect(cacheDirectory()).toMatch(/\/\.cache\/facewise$/)
  })
})
