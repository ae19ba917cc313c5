import type { Database } from './database.ts'

/**
 * The tables, in steps that are never changed afterwards: a new release adds one. `BIGINT` is a time in milliseconds since 1970, or a
 * number of rows; `INTEGER` 0 or 1.
 */
const STEPS: readonly (readonly string[])[] = [
  [
    `CREATE TABLE accounts (
      id TEXT PRIMARY KEY, email TEXT NOT NULL, email_hash TEXT NOT NULL UNIQUE, name TEXT NOT NULL, password TEXT NOT NULL,
      created_at BIGINT NOT NULL, consent_version TEXT NOT NULL, consent_at BIGINT NOT NULL,
      face_alone INTEGER NOT NULL DEFAULT 0, findable INTEGER NOT NULL DEFAULT 0,
      face_at BIGINT, face_live INTEGER NOT NULL DEFAULT 0, face_used_at BIGINT)`,
    `CREATE TABLE sessions (
      hash TEXT PRIMARY KEY, account_id TEXT, stage TEXT NOT NULL, created_at BIGINT NOT NULL, seen_at BIGINT NOT NULL,
      expires_at BIGINT NOT NULL, password_at BIGINT)`,
    'CREATE INDEX sessions_account ON sessions (account_id)',
    `CREATE TABLE challenges (
      id TEXT PRIMARY KEY, session TEXT NOT NULL, purpose TEXT NOT NULL, email_hash TEXT NOT NULL, account_id TEXT,
      challenge TEXT NOT NULL, expires_at BIGINT NOT NULL)`,
    'CREATE TABLE frames (hash TEXT PRIMARY KEY, seen_at BIGINT NOT NULL)',
    'CREATE TABLE limits (key TEXT PRIMARY KEY, version BIGINT NOT NULL, state TEXT NOT NULL, expires_at BIGINT NOT NULL)',
    `CREATE TABLE events (
      id TEXT PRIMARY KEY, account_id TEXT, at BIGINT NOT NULL, what TEXT NOT NULL, outcome TEXT NOT NULL, address TEXT NOT NULL)`,
    'CREATE INDEX events_account ON events (account_id, at)',
    'CREATE TABLE recovery_codes (hash TEXT PRIMARY KEY, account_id TEXT NOT NULL)',
  ],
]

/** Brings the tables up to date. Several servers may start at once: one does it, the others wait. */
export async function migrate(database: Database): Promise<void> {
  await database.run('CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL)')
  const [fact] = await database.rows<{ value: string }>("SELECT value FROM facts WHERE name = 'schema'")
  const version = Number(fact?.value ?? 0)
  if (version > STEPS.length) {
    throw new Error(`The database is of a newer release (schema ${version}; this one knows ${STEPS.length}).`)
  }
  for (const [i, step] of STEPS.entries()) {
    if (i < version) continue
    await database.together([
      ...step.map(sql => ({ sql, values: [] })),
      {
        sql: "INSERT INTO facts (name, value) VALUES ('schema', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        values: [String(i + 1)],
      },
    ])
  }
}

/**
 * Refuses to go on with another key than the one that the data was written with: everything hashed and encrypted would be lost.
 *
 * @param check a keyed hash that only the right key gives.
 */
export async function checkKey(database: Database, check: string): Promise<void> {
  await database.run("INSERT INTO facts (name, value) VALUES ('key', ?) ON CONFLICT (name) DO NOTHING", check)
  const [fact] = await database.rows<{ value: string }>("SELECT value FROM facts WHERE name = 'key'")
  if (fact?.value !== check) {
    throw new Error('This database was written with another key. Give the key that belongs to it (FACEWISE_WEB_KEY).')
  }
}
