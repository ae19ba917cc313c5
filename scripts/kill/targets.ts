import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type EmbeddingStore, memoryStore, readSnapshot, saveSnapshot } from '../../src/store/index.ts'
import { sqliteStore } from '../../src/store/sqlite.ts'

/** A store in a folder, with what makes its changes last. */
export interface Opened {
  readonly store: EmbeddingStore
  /** Resolves when everything that was changed before is as safe as it gets. */
  keep(): Promise<void>
}

/** A kind of store that is to survive kills. */
export interface Target {
  readonly name: string
  /** Why it cannot be tested here. */
  missing?(): string | undefined
  open(folder: string): Promise<Opened>
}

const LANCEDB = new URL('../../src/store/lancedb.ts', import.meta.url)

export const targets: readonly Target[] = [
  {
    name: 'sqlite',
    async open(folder) {
      return { store: await sqliteStore({ url: `file:${join(folder, 'faces.db')}` }), keep: async () => {} }
    },
  },
  {
    name: 'snapshot',
    async open(folder) {
      const path = join(folder, 'faces.snapshot')
      const store = await memoryStore({ snapshot: existsSync(path) ? await readSnapshot(path) : undefined })
      return { store, keep: async () => saveSnapshot(path, await store.snapshot()) }
    },
  },
  {
    name: 'lancedb',
    missing: () => (existsSync(LANCEDB) ? undefined : `${fileURLToPath(LANCEDB)} is not there`),
    async open(folder) {
      const { lancedbStore } = (await import(LANCEDB.href)) as {
        lancedbStore(o: { uri: string }): Promise<EmbeddingStore>
      }
      return { store: await lancedbStore({ uri: join(folder, 'faces.lance') }), keep: async () => {} }
    },
  },
]

export function targetOf(name: string): Target {
  const target = targets.find(each => each.name === name)
  if (!target) throw new Error(`There is no store '${name}': ${targets.map(each => each.name).join(', ')}.`)
  return target
}
