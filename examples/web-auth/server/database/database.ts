/** A value that both databases keep. Times are milliseconds since 1970; truth is 0 or 1. */
export type SqlValue = string | number | null

export interface Statement {
  readonly sql: string
  readonly values: readonly SqlValue[]
}

/**
 * What the server needs of a database. Statements are written for SQLite and PostgreSQL alike, with `?` for values: nothing that came
 * from outside is ever part of the text.
 */
export interface Database {
  readonly kind: 'sqlite' | 'postgres'
  /** The rows that a statement gives; also one that changes something, with `RETURNING`. */
  rows<Row>(sql: string, ...values: readonly SqlValue[]): Promise<Row[]>
  /** Runs a statement. @returns how many rows it changed. */
  run(sql: string, ...values: readonly SqlValue[]): Promise<number>
  /** All statements or none. */
  together(statements: readonly Statement[]): Promise<void>
  /**
   * Overwrites what was deleted, as far as this database can: afterwards its files hold nothing of it. What PostgreSQL keeps until a
   * vacuum, in its log and in backups is the operator's to bound.
   */
  erase(): Promise<void>
  close(): Promise<void>
}
