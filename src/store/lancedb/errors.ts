import { messageOf } from '../../errors.ts'

/** Other writers were faster, more often than the engine tries again. */
export function isConflict(error: unknown): boolean {
  return /commit conflict|concurrent (writers|modification|transaction)|preempted/i.test(messageOf(error))
}

/** The table is not there, or not yet. */
export function isNotThere(error: unknown): boolean {
  return /was not found|not found: .*_versions|table not found/i.test(messageOf(error))
}

/** A file of the table is not there; where the table itself is, it is damaged. */
export function isFileMissing(error: unknown): boolean {
  return /not found: .*\/(data|_deletions|_indices)\//i.test(messageOf(error))
}

const AWAY =
  /not found: .*_versions|was not found|no such file or directory|permission denied|not a directory|timed? ?out|connect|error sending request|dns|generic (s3|gcs|microsoftazure)|too many requests|slow ?down|service unavailable|no space left|read-only file system|stale file handle/i
const DAMAGED =
  /not found: .*\/(data|_deletions|_indices)\/|corrupt|magic|failed to decode|decode error|invalid (file|footer|wire|tag|utf)|file size|too small|out of (range|bounds)|buffer underflow|unexpected (eof|end)|failed to fill whole buffer|invalid range|range .* (exceed|beyond)|panicked|internal error|parse error|arrow error|protobuf|prost/i

/** What an error of LanceDB means. */
export function explain(error: unknown): {
  code: 'STORE_UNAVAILABLE' | 'STORE_FAILED' | 'STORE_CORRUPT'
  message: string
} {
  const said = messageOf(error).split('\n')[0].slice(0, 400)
  if (isConflict(error)) {
    return {
      code: 'STORE_UNAVAILABLE',
      message: `The lancedb store is busy, other writers came first: make the call again. (${said})`,
    }
  }
  if (DAMAGED.test(said)) {
    return { code: 'STORE_CORRUPT', message: `Files of the lancedb store are damaged: restore its folder. (${said})` }
  }
  if (AWAY.test(said)) {
    return {
      code: 'STORE_UNAVAILABLE',
      message: `The lancedb store does not answer: see whether its folder or bucket is there and may be used, then call again. (${said})`,
    }
  }
  return { code: 'STORE_FAILED', message: `LanceDB refused: ${said}` }
}
