import { memoryStore } from './memory.ts'
import type { Opener } from './opener.ts'

/** The stores that browsers open by URL: bundlers never meet the clients of databases. */
export const openers: Readonly<Record<string, Opener>> = {
  memory: (_, __, options) => memoryStore(options),
  indexeddb: async (_, name, options) => (await import('./indexeddb.ts')).indexedDbStore({ ...options, name }),
}
