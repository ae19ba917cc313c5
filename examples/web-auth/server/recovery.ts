import { randomInt } from 'node:crypto'
import type { Database } from './database/database.ts'
import type { Keys } from './keys.ts'

/** Codes for who has no camera, or another face than before: something to keep, in the place of the face. */
export interface RecoveryCodes {
  /** New codes where an account has none; of those only keyed hashes are kept. */
  issue(accountId: string): Promise<string[]>
  /** Whether a code is one of the account's; it is none afterwards. */
  use(accountId: string, code: string): Promise<boolean>
}

const COUNT = 8
/** 32 signs that are not mistaken for each other: ten of them are 50 bits. */
const SIGNS = 'abcdefghijkmnpqrstuvwxyz23456789'
const LENGTH = 10

export function createRecoveryCodes(database: Database, keys: Keys): RecoveryCodes {
  const hashOf = (accountId: string, code: string): string =>
    keys.hash('recovery', accountId, code.toLowerCase().replace(/[^a-z0-9]/g, ''))
  return {
    async issue(accountId) {
      const [held] = await database.rows('SELECT hash FROM recovery_codes WHERE account_id = ? LIMIT 1', accountId)
      if (held) return []
      const codes = Array.from({ length: COUNT }, () => {
        const signs = Array.from({ length: LENGTH }, () => SIGNS[randomInt(SIGNS.length)]).join('')
        return `${signs.slice(0, LENGTH / 2)}-${signs.slice(LENGTH / 2)}`
      })
      await database.together(
        codes.map(code => ({
          sql: 'INSERT INTO recovery_codes (hash, account_id) VALUES (?, ?)',
          values: [hashOf(accountId, code), accountId],
        })),
      )
      return codes
    },
    async use(accountId, code) {
      const removed = await database.run(
        'DELETE FROM recovery_codes WHERE hash = ? AND account_id = ?',
        hashOf(accountId, code),
        accountId,
      )
      return removed > 0
    },
  }
}
