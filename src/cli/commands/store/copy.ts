import type { Command } from 'commander'
import { FacewiseError } from '../../../errors.ts'
import { type CopyProgress, copyStore, openStore, redactUrl } from '../../../store/index.ts'
import type { CommandContext } from '../../command.ts'
import { epilogue } from '../../epilogue.ts'
import { JSON_OPTION, wholeNumber } from '../../options.ts'
import { createProgress, type Progress } from '../../progress.ts'
import { count } from '../../table.ts'
import { openExisting, URLS } from './existing.ts'
import { fail } from './failing.ts'

interface Options {
  readonly after?: string
  readonly batch?: number
  readonly json?: boolean
}

/** `facewise store copy`. */
export function copyCommand(group: Command, context: CommandContext): void {
  const { stdout, stderr } = context.terminal
  group
    .command('copy')
    .description('Copies all records of a store into another; those with the same id are replaced.')
    .argument('<from>', `the store to read: ${URLS}`)
    .argument('<to>', 'the store to write into; it is made if it is not there')
    .option('--after <id>', 'go on after this id, where a copy was cut off')
    .option('--batch <records>', 'records that are stored at a time (default: 256)', wholeNumber)
    .option(...JSON_OPTION)
    .addHelpText('after', epilogue(HELP))
    .action(async (from: string, to: string, { json, ...options }: Options) => {
      const named = { from: redactUrl(from), to: redactUrl(to) }
      if (from === to) throw new FacewiseError('INVALID_ARGUMENT', 'A store cannot be copied into itself: give two.')
      try {
        const result = await copied(from, to, options, total => createProgress(stderr, total))
        stdout.write(
          json
            ? `${JSON.stringify({ ...named, ...result })}\n`
            : `${count(result.copied, 'record')} copied from ${named.from} to ${named.to}\n`,
        )
      } catch (error) {
        fail(error, named, json, context)
      }
    })
}

/** Copies; after Ctrl-C it stops at the end of a batch, and its error says where to go on. */
async function copied(
  from: string,
  to: string,
  options: Options,
  progressOf: (total: number) => Progress,
): Promise<{ readonly copied: number; readonly last?: string }> {
  const stopping = new AbortController()
  const stop = (): void => stopping.abort()
  let progress: Progress | undefined
  const onProgress = ({ copied, total, last }: CopyProgress): void => {
    progress ??= progressOf(total)
    progress.show(copied, last)
  }
  process.once('SIGINT', stop)
  try {
    await using source = await openExisting(from)
    await using target = await openStore(to)
    return await copyStore(source, target, { ...options, onProgress, signal: stopping.signal })
  } finally {
    process.off('SIGINT', stop)
    progress?.clear()
  }
}

const HELP = `
Examples:
  facewise store copy file:faces.db lancedb:faces
  facewise store copy file:faces.db postgres://ada@localhost/faces --batch 1000
  facewise store copy file:faces.db lancedb:faces --after photo-0815#2
      Goes on where an earlier copy was cut off: its message names the last id. Without --after everything is copied
      again, which does no harm.

Records are copied in the order of their ids. Encrypted records stay encrypted, with the same key. Stop it with Ctrl-C.

With --json the line is { "from", "to", "copied", "last"? } or { "from", "to", "error": { "code", "message" } }. Exit
code: 0 all done; 1 it was cut off, or a store failed; 2 the call was wrong.`
