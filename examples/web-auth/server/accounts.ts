import { randomUUID } from 'node:crypto'
import type { Database } from './database/database.ts'
import type { Keys } from './keys.ts'

/** A person's account. The id is random, and is all that the store of faces knows of the person. */
export interface AccountRecord {
  readonly id: string
  readonly email: string
  readonly emailHash: string
  readonly name: string
  readonly password: string
  readonly createdAt: number
  readonly consentVersion: string
  readonly consentAt: number
  readonly faceAlone: boolean
  readonly findable: boolean
  /** When the face was enrolled, and last used; `null` without a face. */
  readonly faceAt: number | null
  /** Whether a living person was enrolled, by a challenge; photos prove nothing of whose they are. */
  readonly faceLive: boolean
  readonly faceUsedAt: number | null
}

export interface NewAccount {
  readonly email: string
  readonly name: string
  /** Hashed. */
  readonly password: string
  readonly consentVersion: string
}

export interface Accounts {
  /** The keyed hash of an e-mail as it is compared: without regard to case and form. */
  emailHash(email: string): string
  /** @returns `undefined` where somebody has this e-mail. */
  create(account: NewAccount): Promise<AccountRecord | undefined>
  byEmail(email: string): Promise<AccountRecord | undefined>
  byId(id: string): Promise<AccountRecord | undefined>
  change(id: string, change: { readonly faceAlone?: boolean; readonly findable?: boolean }): Promise<void>
  /**
   * Notes that a face was enrolled. Who enrols by photos is not found by others any more: the photos may be of anybody.
   *
   * @returns whether the account is still there.
   */
  noteFace(id: string, live: boolean): Promise<boolean>
  noteFaceUse(id: string): Promise<void>
  forgetFace(id: string): Promise<void>
  /** Removes the account and all that hangs on it here; the faces are elsewhere. Overwritten, not only marked. */
  remove(account: AccountRecord): Promise<void>
}

interface Row {
  id: string
  email: string
  email_hash: string
  name: string
  password: string
  created_at: number
  consent_version: string
  consent_at: number
  face_alone: number
  findable: number
  face_at: number | null
  face_live: number
  face_used_at: number | null
}

export function createAccounts(database: Database, keys: Keys, now: () => number = Date.now): Accounts {
  const emailHash = (email: string): string => keys.hash('email', email.normalize('NFKC').toLowerCase())
  const one = async (where: 'id' | 'email_hash', value: string): Promise<AccountRecord | undefined> => {
    const [row] = await database.rows<Row>(`SELECT * FROM accounts WHERE ${where} = ?`, value)
    return row && recordOf(row)
  }
  return {
    emailHash,
    async create({ email, name, password, consentVersion }) {
      const at = now()
      const [row] = await database.rows<Row>(
        `INSERT INTO accounts (id, email, email_hash, name, password, created_at, consent_version, consent_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (email_hash) DO NOTHING RETURNING *`,
        ...[randomUUID(), email, emailHash(email), name, password, at, consentVersion, at],
      )
      return row && recordOf(row)
    },
    byEmail: email => one('email_hash', emailHash(email)),
    byId: id => one('id', id),
    async change(id, { faceAlone, findable }) {
      const bit = (value: boolean | undefined): number | null => (value === undefined ? null : Number(value))
      await database.run(
        'UPDATE accounts SET face_alone = COALESCE(?, face_alone), findable = COALESCE(?, findable) WHERE id = ?',
        ...[bit(faceAlone), bit(findable), id],
      )
    },
    async noteFace(id, live) {
      const changed = await database.run(
        'UPDATE accounts SET face_at = ?, face_live = ?, face_used_at = NULL, findable = findable * ? WHERE id = ?',
        ...[now(), Number(live), Number(live), id],
      )
      return changed > 0
    },
    async noteFaceUse(id) {
      await database.run('UPDATE accounts SET face_used_at = ? WHERE id = ?', now(), id)
    },
    async forgetFace(id) {
      await database.together([
        {
          sql: 'UPDATE accounts SET face_at = NULL, face_live = 0, face_used_at = NULL, face_alone = 0, findable = 0 WHERE id = ?',
          values: [id],
        },
        { sql: 'DELETE FROM recovery_codes WHERE account_id = ?', values: [id] },
      ])
    },
    async remove({ id, emailHash: hash }) {
      await database.together([
        { sql: 'DELETE FROM challenges WHERE account_id = ? OR email_hash = ?', values: [id, hash] },
        { sql: 'DELETE FROM sessions WHERE account_id = ?', values: [id] },
        { sql: 'DELETE FROM events WHERE account_id = ?', values: [id] },
        { sql: 'DELETE FROM recovery_codes WHERE account_id = ?', values: [id] },
        // Their keys end with what was counted.
        { sql: "DELETE FROM limits WHERE key LIKE '% ' || ? OR key LIKE '% ' || ?", values: [hash, id] },
        { sql: 'DELETE FROM accounts WHERE id = ?', values: [id] },
      ])
    },
  }
}

function recordOf(row: Row): AccountRecord {
  return {
    id: row.id,
    email: row.email,
    emailHash: row.email_hash,
    name: row.name,
    password: row.password,
    createdAt: row.created_at,
    consentVersion: row.consent_version,
    consentAt: row.consent_at,
    faceAlone: row.face_alone === 1,
    findable: row.findable === 1,
    faceAt: row.face_at,
    faceLive: row.face_live === 1,
    faceUsedAt: row.face_used_at,
  }
}
