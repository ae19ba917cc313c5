import { messageOf } from '../../errors.ts'
import type { StoreDriver } from '../driver.ts'

/** Connections that break or are refused, by Node and by SQLSTATE (PostgreSQL's manual, appendix A). */
const AWAY =
  /^(ECONN\w+|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|08\w{3}|57P0\d|57014|53300|55P03|40001|40P01)$/
/** `pg` gives no code for these. */
const BROKEN =
  /^Connection terminated|timeout exceeded when trying to connect|connection error and is not queryable|Client was closed/

/** What SQLSTATE or Node calls an error. */
export function codeOf(error: unknown): string {
  return String((error as { code?: unknown } | undefined)?.code ?? '')
}

/** Words for an error of the client or of the server. */
export function explain(error: unknown): ReturnType<NonNullable<StoreDriver['explain']>> {
  const code = codeOf(error)
  const words = messageOf(error) || code
  if (
    AWAY.test(code) ||
    (code === 'ENOENT' && (error as { syscall?: string }).syscall === 'connect') ||
    BROKEN.test(words)
  ) {
    return { code: 'STORE_UNAVAILABLE', message: `PostgreSQL does not answer or is busy: ${words}. Try again.` }
  }
  if (code === 'XX001' || code === 'XX002') {
    return { code: 'STORE_CORRUPT', message: `PostgreSQL found damaged data: ${words}. Restore them from a backup.` }
  }
  if (/extension "vector"|extension control file|vector\.control/.test(words)) {
    return {
      code: 'STORE_FAILED',
      message:
        `PostgreSQL has no pgvector: ${words}. Install it on the server (https://github.com/pgvector/pgvector), then let a role that ` +
        'may do so run `CREATE EXTENSION vector` in this database.',
    }
  }
  return { code: 'STORE_FAILED', message: `PostgreSQL refused: ${words}${code ? ` (${code})` : ''}.` }
}
