import { createHash, randomBytes } from 'node:crypto'
import type { SessionStage } from '../protocol.ts'
import type { Database, Statement } from './database/database.ts'
import type { Keys } from './keys.ts'

/** A visit of a browser. */
export interface Session {
  /** SHA-256 of its token: whoever reads the database cannot use it. */
  readonly hash: string
  readonly stage: SessionStage
  readonly accountId: string | null
  /** When the password was last typed in it. */
  readonly passwordAt: number | null
  /** What the page sends back with every change; another session has another one. */
  readonly csrf: string
}

/** A session that was just begun, with what its cookie holds: 256 random bits, which are kept nowhere. */
export interface BegunSession {
  readonly token: string
  readonly session: Session
}

const MINUTE = 60_000

/** How long a session lasts without being used, and at all, in milliseconds. */
export const SESSION_LIFE: Readonly<Record<SessionStage, { readonly idle: number; readonly most: number }>> = {
  anonymous: { idle: 60 * MINUTE, most: 12 * 60 * MINUTE },
  password: { idle: 10 * MINUTE, most: 15 * MINUTE },
  full: { idle: 30 * MINUTE, most: 12 * 60 * MINUTE },
}

/** That a session is in use is written down once in so many milliseconds. */
const SEEN_EVERY = MINUTE

/** How long a password that was typed speaks for the person, in milliseconds. */
export const PASSWORD_FRESH = 15 * MINUTE

/** How a session begins. */
export type Beginning = Pick<Session, 'stage' | 'accountId' | 'passwordAt'>

export interface Sessions {
  find(token: string): Promise<Session | undefined>
  begin(how: Beginning): Promise<BegunSession>
  /** Begins one in the place of another, whose token opens nothing from then on. */
  rotate(old: Session, how: Beginning): Promise<BegunSession>
  /** Notes that the password was typed again. */
  notePassword(session: Session): Promise<void>
  end(session: Session): Promise<void>
  /** Ends all sessions of an account but one. */
  endOthers(accountId: string, keep: Session): Promise<void>
  /** Removes what has expired. */
  purge(): Promise<void>
}

interface Row {
  hash: string
  stage: SessionStage
  account_id: string | null
  created_at: number
  seen_at: number
  expires_at: number
  password_at: number | null
}

export function createSessions(database: Database, keys: Keys, now: () => number = Date.now): Sessions {
  const hashOf = (token: string): string => createHash('sha256').update(token).digest('base64url')
  const csrfOf = (hash: string): string => keys.hash('csrf', hash)

  function beginning({ stage, accountId, passwordAt }: Beginning): { begun: BegunSession; statement: Statement } {
    const token = randomBytes(32).toString('base64url')
    const hash = hashOf(token)
    const at = now()
    return {
      begun: { token, session: { hash, stage, accountId, passwordAt, csrf: csrfOf(hash) } },
      statement: {
        sql: 'INSERT INTO sessions (hash, account_id, stage, created_at, seen_at, expires_at, password_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
        values: [hash, accountId, stage, at, at, at + SESSION_LIFE[stage].most, passwordAt],
      },
    }
  }

  const removal = (hash: string): Statement[] => [
    { sql: 'DELETE FROM challenges WHERE session = ?', values: [hash] },
    { sql: 'DELETE FROM sessions WHERE hash = ?', values: [hash] },
  ]

  return {
    async find(token) {
      const hash = hashOf(token)
      const [row] = await database.rows<Row>('SELECT * FROM sessions WHERE hash = ?', hash)
      if (!row) return undefined
      const at = now()
      if (at > row.expires_at || at - row.seen_at > SESSION_LIFE[row.stage].idle) {
        await database.together(removal(hash))
        return undefined
      }
      if (at - row.seen_at > SEEN_EVERY) {
        await database.run('UPDATE sessions SET seen_at = ? WHERE hash = ?', at, hash)
      }
      const { stage, account_id: accountId, password_at: passwordAt } = row
      return { hash, stage, accountId, passwordAt, csrf: csrfOf(hash) }
    },
    async begin(how) {
      const { begun, statement } = beginning(how)
      await database.together([statement])
      return begun
    },
    async rotate(old, how) {
      const { begun, statement } = beginning(how)
      await database.together([...removal(old.hash), statement])
      return begun
    },
    async notePassword({ hash }) {
      await database.run('UPDATE sessions SET password_at = ? WHERE hash = ?', now(), hash)
    },
    async end({ hash }) {
      await database.together(removal(hash))
    },
    async endOthers(accountId, { hash }) {
      await database.run('DELETE FROM sessions WHERE account_id = ? AND hash <> ?', accountId, hash)
    },
    async purge() {
      const at = now()
      for (const [stage, { idle }] of Object.entries(SESSION_LIFE)) {
        await database.run(
          'DELETE FROM sessions WHERE stage = ? AND (expires_at < ? OR seen_at < ?)',
          stage,
          at,
          at - idle,
        )
      }
    },
  }
}
