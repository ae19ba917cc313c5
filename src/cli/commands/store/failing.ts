import { isFacewiseError } from '../../../errors.ts'
import type { CommandContext } from '../../command.ts'
import { failureOf } from '../../failure.ts'
import { styleOf } from '../../terminal.ts'

/** Says that a store could not be read or written, in the way of the command; a wrong call is thrown on. */
export function fail(
  error: unknown,
  named: Readonly<Record<string, string>>,
  json: boolean | undefined,
  context: CommandContext,
): void {
  if (isFacewiseError(error) && error.code === 'INVALID_ARGUMENT') throw error
  context.fail()
  const { stdout, stderr, env } = context.terminal
  const failure = failureOf(error)
  if (json) stdout.write(`${JSON.stringify({ ...named, error: failure })}\n`)
  stderr.write(`${styleOf(stderr, env).bad('failed:')} ${failure.message}\n`)
}
