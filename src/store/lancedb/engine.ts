import type * as Lance from '@lancedb/lancedb'
import type * as Arrow from 'apache-arrow'
import { FacewiseError, messageOf } from '../../errors.ts'

/** What this adapter needs of others. */
export interface Engine {
  readonly lance: typeof Lance
  readonly arrow: typeof Arrow
}

/**
 * Loads LanceDB. Its log on stderr is set to errors alone, unless the variable `LANCEDB_LOG` says otherwise: it is read once, when the
 * engine is loaded.
 *
 * @throws FacewiseError `DEPENDENCY_MISSING`.
 */
export async function loadEngine(): Promise<Engine> {
  const env = globalThis.process?.env
  if (env) env.LANCEDB_LOG ??= 'error'
  try {
    const [lance, arrow] = await Promise.all([import('@lancedb/lancedb'), import('apache-arrow')])
    return { lance, arrow }
  } catch (error) {
    throw new FacewiseError(
      'DEPENDENCY_MISSING',
      `The lancedb store needs the packages "@lancedb/lancedb" and "apache-arrow" (${messageOf(error).split('\n')[0]}): run ` +
        '`npm install @lancedb/lancedb apache-arrow`.',
      { cause: error },
    )
  }
}
