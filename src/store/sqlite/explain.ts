import { messageOf } from '../../errors.ts'

type Code = 'INVALID_ARGUMENT' | 'STORE_UNAVAILABLE' | 'STORE_FAILED' | 'STORE_CORRUPT'

/** Another process holds a lock: https://sqlite.org/rescode.html#busy and the codes beside it. */
export function isBusy(error: unknown): boolean {
  return ['SQLITE_BUSY', 'SQLITE_LOCKED', 'SQLITE_PROTOCOL'].includes(codeOf(error))
}

/** The client, or one of its connections, was closed before the call was made. */
export function isClosed(error: unknown): boolean {
  return codeOf(error) === 'CLIENT_CLOSED'
}

export function isReadOnly(error: unknown): boolean {
  return codeOf(error) === 'SQLITE_READONLY'
}

/** What an error of libSQL means to the caller, and what to do. */
export function explainSqlite(error: unknown, place: string): { code: Code; message: string } {
  // The client puts the code before the words of SQLite, at times twice.
  const words = messageOf(error).replace(/^(\w+: )\1+/, '$1')
  const failed = (message: string): { code: Code; message: string } => ({ code: 'STORE_FAILED', message })
  switch (codeOf(error)) {
    case 'SQLITE_BUSY':
    case 'SQLITE_LOCKED':
    case 'SQLITE_PROTOCOL':
      return unavailable(`${place} is locked by another process: try again when it has finished (${words}).`)
    case 'SQLITE_IOERR':
      return unavailable(`${place} cannot be read or written just now: check its disk, and try again (${words}).`)
    case 'SQLITE_NOTADB':
      return corrupt(`${place} is no SQLite database, or an encrypted one: give the path of another file.`)
    case 'SQLITE_CORRUPT':
      return corrupt(`${place} is damaged: restore a backup, or enrol again into a new file (${words}).`)
    case 'SQLITE_READONLY':
      return failed(`${place} may not be written: check the permissions of the file and of its folder (${words}).`)
    case 'SQLITE_CANTOPEN':
      return failed(
        `${place} cannot be opened: does its folder exist, and may this process write there? Make the folder first (${words}).`,
      )
    case 'SQLITE_FULL':
      return failed(`The disk of ${place} is full: make room; nothing of this call was stored.`)
    case 'URL_INVALID':
    case 'URL_SCHEME_NOT_SUPPORTED':
    case 'URL_PARAM_NOT_SUPPORTED':
      return {
        code: 'INVALID_ARGUMENT',
        message: `'${place}' is no address of a SQLite store: use file:PATH, :memory:, libsql://, https:// or http:// (in a browser the last three; there the indexeddb store keeps data). ${words}`,
      }
    case 'CLIENT_CLOSED':
      return failed('The client of the sqlite store was closed: open the store again with another.')
    case 'SERVER_ERROR':
      return serverError(error, place, words)
    case 'HRANA_WEBSOCKET_ERROR':
    case 'HRANA_CLOSED_ERROR':
    case 'HRANA_PROTO_ERROR':
      return unavailable(`${place} does not answer: check that it runs, and try again (${words}).`)
  }
  // The client passes on what fetch throws.
  if (error instanceof TypeError && /fetch|network|load failed|terminated/i.test(words)) {
    const cause = error.cause === undefined ? '' : `: ${messageOf(error.cause)}`
    return unavailable(`${place} does not answer: check that it runs, and try again (${words}${cause}).`)
  }
  if (/\bvectors? .*(dimension|length|same|size)|invalid vector/i.test(words)) {
    return corrupt(`${place} holds a vector of another size than all others: restore a backup (${words}).`)
  }
  return failed(`The sqlite store failed: ${words}`)
}

function serverError(error: unknown, place: string, words: string): { code: Code; message: string } {
  const status = error instanceof Error ? (error.cause as { status?: unknown } | undefined)?.status : undefined
  if (status === 401 || status === 403) {
    return { code: 'STORE_FAILED', message: `${place} refuses this access: check authToken (${words}).` }
  }
  if (typeof status === 'number' && status >= 400 && status < 500 && status !== 408 && status !== 429) {
    return { code: 'STORE_FAILED', message: `${place} refuses the call: is it a libSQL server? (${words})` }
  }
  return unavailable(`${place} does not answer as it should: try again (${words}).`)
}

function unavailable(message: string): { code: Code; message: string } {
  return { code: 'STORE_UNAVAILABLE', message }
}

function corrupt(message: string): { code: Code; message: string } {
  return { code: 'STORE_CORRUPT', message }
}

/** SQLite's code or the client's; errors of opening a file have SQLite's number at the end of their message alone. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  if ('code' in error && typeof error.code === 'string' && error.code !== '') return error.code
  const number = /Unable to open connection to local database .*: (\d+)"?\)?$/s.exec(error.message)?.[1]
  if (number === '26') return 'SQLITE_NOTADB'
  return number === undefined ? '' : 'SQLITE_CANTOPEN'
}
