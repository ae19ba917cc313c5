import { messageOf } from '../../errors.ts'

/** Other writers were faster, more often than the engine tries again. */
export function isConflict(error: unknown): boolean {
  return /commit conflict|concurrent(ly)? (writers|modification|transaction|created)|preempted/i.test(messageOf(error))
}

/** The table is not there, or not yet. */
export function isNotThere(error: unknown): boolean {
  return /^table '.*' was not found/i.test(messageOf(error))
}

/** A file of the table is not there; where the table itself is, it is damaged. */
export function isFileMissing(error: unknown): boolean {
  return /not found: .*\/(data|_deletions|_indices)\/|\/(data|_deletions|_indices)\/\S+ not found/i.test(
    messageOf(error),
  )
}

const AWAY =
  /not found: .*_versions|was not found|no such file or directory|permission ?denied|not ?a ?directory|timed ?out|timeouterror|connection ?(refused|reset|closed|aborted)|connect error|error sending request|dns error|retryerror|too many requests|slowdown|service unavailable|no space left|storagefull|read-?only ?file ?system|stale file handle|input\/output error/i
const DAMAGED =
  /corrupt|magic|decod|sufficient data|invalid (file|footer|wire|tag|utf)|file size|too small|out of (range|bounds)|buffer underflow|unexpected (eof|end)|failed to fill whole buffer|invalid range|range .* (exceed|beyond)|panicked|assertion failed|internal error|arrow error|protobuf/i

/**
 * What an error of LanceDB means. It gives no codes, only words.
 *
 * @param uri where the store is: a path may have words in it, too.
 */
export function explain(
  error: unknown,
  uri: string,
): {
  code: 'STORE_UNAVAILABLE' | 'STORE_FAILED' | 'STORE_CORRUPT'
  message: string
} {
  const said = messageOf(error)
    .split('\n')[0]
    .replaceAll(uri.replace(/^\/+|\/+$/g, ''), '')
    // Places in the source of the engine.
    .replace(/,? *\/(usr\/local\/cargo|rustc)\/\S+?:\d+:\d+/g, '')
    .slice(0, 400)
  if (isConflict(error)) {
    return {
      code: 'STORE_UNAVAILABLE',
      message: `The lancedb store at ${uri} is busy, other writers came first: make the call again. (${said})`,
    }
  }
  if (!isFileMissing(error) && AWAY.test(said)) {
    return {
      code: 'STORE_UNAVAILABLE',
      message: `The lancedb store at ${uri} does not answer: see whether it is there and may be used, then make the call again. (${said})`,
    }
  }
  if (isFileMissing(error) || DAMAGED.test(said)) {
    return {
      code: 'STORE_CORRUPT',
      message: `Files of the lancedb store at ${uri} are damaged: restore them from a copy. (${said})`,
    }
  }
  return { code: 'STORE_FAILED', message: `LanceDB refused: ${said}` }
}
