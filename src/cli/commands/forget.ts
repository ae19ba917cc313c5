import { redactUrl } from '../../store/index.ts'
import type { RegisterCommand } from '../command.ts'
import { epilogue } from '../epilogue.ts'
import { STORE_OPTION } from '../gallery.ts'
import { JSON_OPTION } from '../options.ts'
import { count } from '../table.ts'
import { openExisting } from './store/existing.ts'
import { fail } from './store/failing.ts'

interface Options {
  readonly store: string
  readonly json?: boolean
}

/** `facewise forget`. */
export const forget: RegisterCommand = (program, context) => {
  const { stdout } = context.terminal
  program
    .command('forget')
    .description('Removes all templates of a person from a store.')
    .argument('<subject>', 'the name under which the person was enrolled')
    .requiredOption(...STORE_OPTION)
    .option(...JSON_OPTION)
    .addHelpText('after', epilogue(HELP))
    .action(async (subject: string, { store: url, json }: Options) => {
      try {
        await using store = await openExisting(url)
        const removed = await store.delete({ subject })
        stdout.write(json ? `${JSON.stringify({ subject, removed })}\n` : sentence(subject, removed, redactUrl(url)))
      } catch (error) {
        fail(error, { subject }, json, context)
      }
    })
}

function sentence(subject: string, removed: number, url: string): string {
  if (removed === 0) return `Nobody is enrolled as "${subject}" in ${url}: nothing was removed\n`
  return `${subject}: ${count(removed, 'template')} removed from ${url}\n`
}

const HELP = `
Examples:
  facewise forget ada --store file:faces.db

It does not ask, and what is removed is gone. Nobody of that name is no error: the exit code is 0.

With --json the line is { "subject", "removed" } or { "subject", "error": { "code", "message" } }.`
