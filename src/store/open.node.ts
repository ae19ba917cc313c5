import { memoryStore } from './memory.ts'
import type { Opener } from './opener.ts'

const postgres: Opener = async (url, _, options) => (await import('./postgres.ts')).postgresStore({ ...options, url })

/** The stores that Node opens by URL. Engines are loaded when one is opened. */
export const openers: Readonly<Record<string, Opener>> = {
  memory: (_, __, options) => memoryStore(options),
  file: async (url, _, options) => (await import('./sqlite.ts')).sqliteStore({ ...options, url }),
  postgres,
  postgresql: postgres,
  lancedb: async (_, uri, options) => (await import('./lancedb.ts')).lancedbStore({ ...options, uri }),
}
