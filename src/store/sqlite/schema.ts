import type { InStatement, Row } from '@libsql/client'
import { FacewiseError, messageOf } from '../../errors.ts'
import type { Identity } from '../store.ts'
import type { Connection } from './connection.ts'

/** The tables of one store, quoted. */
export interface Tables {
  /** One row: the version of the schema, the model, the dimension. Not there until the first record is stored. */
  readonly store: string
  readonly records: string
  /** The metadata once more, a row a value, for filters. */
  readonly metadata: string
}

/** @throws FacewiseError `INVALID_ARGUMENT` unless the name is one that needs no escapes. */
export function tablesOf(name: string): Tables {
  if (typeof name !== 'string' || !/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(name) || /^sqlite_/i.test(name)) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `'${name}' is no name of a table: use up to 63 letters, digits and underscores, a letter first.`,
    )
  }
  return { store: `"${name}_store"`, records: `"${name}"`, metadata: `"${name}_metadata"` }
}

/** Brings a schema one version on. */
export type Migration = (tables: Tables) => readonly InStatement[]

/** From version 1 to 2, from 2 to 3, and so on: none yet. */
const MIGRATIONS: readonly Migration[] = []

/**
 * What the store holds; brings an older schema up to this release's first.
 *
 * @throws FacewiseError `STORE_FAILED` for a schema of a newer release.
 */
export async function readIdentity(
  connection: Connection,
  tables: Tables,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<Identity | undefined> {
  const current = migrations.length + 1
  for (;;) {
    const row = await readStore(connection, tables)
    if (!row) return undefined
    const version = Number(row.version)
    if (version > current) {
      throw new FacewiseError(
        'STORE_FAILED',
        `The tables ${tables.records} are of version ${version}, this release knows ${current}: update facewise.`,
      )
    }
    if (version === current) return { model: String(row.model), dimension: Number(row.dimension) }
    const migration = migrations[version - 1]
    if (!migration) {
      throw new FacewiseError(
        'STORE_CORRUPT',
        `The tables ${tables.records} say they are of version ${row.version}: restore a backup.`,
      )
    }
    try {
      await connection.write([
        // Breaks the key, and so the transaction, if another process was here in the meantime.
        {
          sql: `INSERT INTO ${tables.store} SELECT * FROM ${tables.store} WHERE version <> ?`,
          args: [BigInt(version)],
        },
        ...migration(tables),
        { sql: `UPDATE ${tables.store} SET version = ?`, args: [BigInt(version + 1)] },
      ])
    } catch (error) {
      if (Number((await readStore(connection, tables))?.version) === version) throw error
    }
  }
}

async function readStore(connection: Connection, { store }: Tables): Promise<Row | undefined> {
  const name = store.slice(1, -1)
  const there = await connection.read({
    sql: "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?",
    args: [name],
  })
  if (there.length === 0) return undefined
  const rows = await connection.read(`SELECT version, model, dimension FROM ${store}`)
  return rows[0]
}

/** Creates the tables for this identity, unless they are there: the first of several that do so at once wins. @returns the identity. */
export async function claimIdentity(
  connection: Connection,
  tables: Tables,
  identity: Identity,
  signal?: AbortSignal,
): Promise<Identity> {
  const held = await readIdentity(connection, tables)
  if (held) return held
  try {
    await connection.write(create(tables, identity), signal)
    return identity
  } catch (error) {
    const first = await readIdentity(connection, tables)
    if (first) return first
    if (/already exists/.test(messageOf(error))) {
      throw new FacewiseError(
        'STORE_FAILED',
        `The database has a table ${tables.records} (or one beside it) that is no store of faces: give another \`table\`.`,
        { cause: error },
      )
    }
    throw error
  }
}

function create({ store, records, metadata }: Tables, { model, dimension }: Identity): InStatement[] {
  const index = (table: string, columns: string): string =>
    `CREATE INDEX ${table.slice(0, -1)}_by_${columns.split(',')[0]}" ON ${table} (${columns})`
  return [
    `CREATE TABLE ${store} (
      one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL, model TEXT NOT NULL, dimension INTEGER NOT NULL
    )`,
    `CREATE TABLE ${records} (
      id TEXT NOT NULL PRIMARY KEY, subject TEXT NOT NULL, time INTEGER NOT NULL, metadata TEXT NOT NULL,
      vector F32_BLOB(${dimension}) NOT NULL
    )`,
    index(records, 'subject, id'),
    `CREATE TABLE ${metadata} (id TEXT NOT NULL, key TEXT NOT NULL, value NOT NULL, PRIMARY KEY (id, key)) WITHOUT ROWID`,
    index(metadata, 'key, value, id'),
    {
      sql: `INSERT INTO ${store} (one, version, model, dimension) VALUES (1, ?, ?, ?)`,
      args: [BigInt(MIGRATIONS.length + 1), model, BigInt(dimension)],
    },
  ]
}
