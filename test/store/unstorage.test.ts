import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createStorage, type Storage } from 'unstorage'
import fsDriver from 'unstorage/drivers/fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { storeConformance } from '../../src/store/conformance/index.ts'
import type { EmbeddingStore, StoreOptions } from '../../src/store/index.ts'
import { blocksOf } from '../docs/blocks.ts'

const work = fileURLToPath(new URL('../../output/unstorage', import.meta.url))

/** The adapter that the guide shows, read from the page. */
let unstorageStore: (storage: Storage, options?: StoreOptions) => Promise<EmbeddingStore>
beforeAll(async () => {
  const adapter = blocksOf('docs/write-your-own-store.md').find(({ name }) => name === 'unstorage-store')
  rmSync(work, { recursive: true, force: true })
  mkdirSync(work, { recursive: true })
  const file = join(work, 'unstorage-store.ts')
  writeFileSync(file, adapter?.code ?? '')
  ;({ unstorageStore } = await import(file))
})
afterAll(() => rmSync(work, { recursive: true, force: true }))

const filesAt = (place: string): Storage => createStorage({ driver: fsDriver({ base: join(work, place) }) })

describe('the adapter of the guide, in memory', () => {
  const places = new Map<string, Storage>()
  const cases = storeConformance({
    open: (place, options) => {
      const storage = places.get(place) ?? createStorage()
      places.set(place, storage)
      return unstorageStore(storage, options)
    },
    remove: async place => void places.delete(place),
  })
  it.each(cases)('$name', ({ run }) => run())
})

describe('the adapter of the guide, in files', () => {
  const cases = storeConformance({
    open: (place, options) => unstorageStore(filesAt(place), options),
    remove: async place => rmSync(join(work, place), { recursive: true, force: true }),
    large: 1000,
  })
  it.each(cases)('$name', ({ run }) => run())

  it('says which code a damaged file has', async () => {
    const record = { id: 'a/../b', subject: 's', vector: Float32Array.of(1, 2), model: 'm' }
    const store = await unstorageStore(filesAt('damaged'))
    await store.upsert([record])
    await store.close()
    const [file] = readdirSync(join(work, 'damaged', 'record'))
    writeFileSync(join(work, 'damaged', 'record', file), '{"id":')
    await expect(unstorageStore(filesAt('damaged'))).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
  })
})
