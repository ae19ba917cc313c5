import { type Challenge, type ChallengeOptions, livenessChallenge, parseChallenge } from 'facewise/attributes'
import type { Purpose } from '../protocol.ts'
import type { Database } from './database/database.ts'
import type { Session } from './sessions.ts'

/** What a challenge was issued for. */
export interface Issue {
  readonly purpose: Purpose
  /** The keyed hash of the e-mail of whom it is for, whether there is such an account or not: limits go by it. */
  readonly emailHash: string
  /** Whose face is to be compared; nobody's where there is no such account. */
  readonly accountId: string | null
}

/** Challenges in the database, so that any server can check what another one issued. */
export interface Challenges {
  issue(session: Session, issue: Issue): Promise<Challenge>
  /**
   * The challenge, and never again: one statement removes and returns it, so that of two requests at once one has it. Nothing for one that
   * is unknown, taken, expired, of another session or for another purpose; another session's stays where it is.
   *
   * @param at when the answer came: it may have waited since then.
   */
  take(
    id: string,
    session: Session,
    purpose: Purpose,
    at: number,
  ): Promise<(Issue & { readonly challenge: Challenge }) | undefined>
  purge(): Promise<void>
}

/** @param options what is drawn. */
export function createChallenges(
  database: Database,
  options: ChallengeOptions,
  now: () => number = Date.now,
): Challenges {
  return {
    async issue({ hash }, { purpose, emailHash, accountId }) {
      const challenge = livenessChallenge({ ...options, now: now() })
      await database.together([
        // One at a time: nobody collects challenges until one comes that fits a recording.
        { sql: 'DELETE FROM challenges WHERE session = ?', values: [hash] },
        {
          sql: 'INSERT INTO challenges (id, session, purpose, email_hash, account_id, challenge, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
          values: [challenge.id, hash, purpose, emailHash, accountId, JSON.stringify(challenge), challenge.expiresAt],
        },
      ])
      return challenge
    },
    async take(id, { hash }, purpose, at) {
      const [row] = await database.rows<{
        email_hash: string
        account_id: string | null
        challenge: string
        expires_at: number
      }>(
        'DELETE FROM challenges WHERE id = ? AND session = ? AND purpose = ? RETURNING email_hash, account_id, challenge, expires_at',
        ...[id, hash, purpose],
      )
      if (!row || at > row.expires_at) return undefined
      const challenge = parseChallenge(JSON.parse(row.challenge))
      return { purpose, emailHash: row.email_hash, accountId: row.account_id, challenge }
    },
    async purge() {
      await database.run('DELETE FROM challenges WHERE expires_at < ?', now())
    },
  }
}
