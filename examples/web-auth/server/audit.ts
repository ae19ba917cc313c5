import { randomUUID } from 'node:crypto'
import type { Database } from './database/database.ts'
import type { Keys } from './keys.ts'

/** What happens to accounts. */
export type EventName =
  | 'sign-up'
  | 'password log-in'
  | 'face log-in'
  | 'recovery code'
  | 'log-out'
  | 'enrolment'
  | 'who is this'
  | 'face deleted'
  | 'settings'
  | 'export'
  | 'account deleted'

/** `done`, or a code of the protocol's refusals. */
export type Outcome = 'done' | (string & {})

/** What happened, for the person and for the operator: no pictures, scores, names or addresses. */
export interface Audit {
  note(event: { what: EventName; outcome: Outcome; accountId: string | null; address: string }): Promise<void>
  /** The newest first. */
  of(accountId: string, most: number): Promise<{ at: string; what: string; outcome: string }[]>
  purge(): Promise<void>
}

/** How long events are kept, in milliseconds. */
const KEPT = 90 * 24 * 60 * 60_000

/** @param print is given each event as a line of JSON. */
export function createAudit(
  database: Database,
  keys: Keys,
  print: ((line: string) => void) | undefined,
  now: () => number = Date.now,
): Audit {
  return {
    async note({ what, outcome, accountId, address }) {
      // Told apart and counted, but not read: the same address has the same short keyed hash.
      const from = keys.hash('address', address).slice(0, 16)
      const at = now()
      await database.run(
        'INSERT INTO events (id, account_id, at, what, outcome, address) VALUES (?, ?, ?, ?, ?, ?)',
        ...[randomUUID(), accountId, at, what, outcome, from],
      )
      print?.(JSON.stringify({ at: new Date(at).toISOString(), what, outcome, account: accountId, from }))
    },
    async of(accountId, most) {
      const rows = await database.rows<{ at: number; what: string; outcome: string }>(
        'SELECT at, what, outcome FROM events WHERE account_id = ? ORDER BY at DESC, id LIMIT ?',
        accountId,
        most,
      )
      return rows.map(({ at, what, outcome }) => ({ at: new Date(at).toISOString(), what, outcome }))
    },
    async purge() {
      await database.run('DELETE FROM events WHERE at < ?', now() - KEPT)
    },
  }
}
