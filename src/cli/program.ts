import { Command, CommanderError } from 'commander'
import pkg from '../../package.json' with { type: 'json' }
import { isFacewiseError } from '../errors.ts'
import type { CommandContext, RegisterCommand } from './command.ts'
import { commands } from './commands/index.ts'
import { epilogue } from './epilogue.ts'
import { affectsAll, failureOf } from './failure.ts'
import type { Terminal } from './terminal.ts'

/** What the whole call comes to, for the shell. */
export const ExitCode = {
  /** All done. */
  done: 0,
  /** Some inputs failed (the others are done), or nothing could be done here. */
  failed: 1,
  /** The call itself was wrong. */
  usage: 2,
} as const

/** The `facewise` command with all that it can do. */
export function createProgram(context: CommandContext, registered: readonly RegisterCommand[] = commands): Command {
  const { stdout, stderr } = context.terminal
  const program = new Command('facewise')
    .description(
      'Finds faces in pictures, says what they look like and whose they are, and remembers people. No picture leaves this machine.',
    )
    .version(context.version, '--version', 'print the version')
    .helpOption('-h, --help', 'explain a command, with examples')
    .helpCommand('help [command]', 'explain a command, with examples')
    // Commands inherit these, so they come before the commands.
    .exitOverride()
    .configureOutput({
      writeOut: text => stdout.write(text),
      writeErr: text => stderr.write(text),
      getOutHelpWidth: () => stdout.columns ?? 100,
      getErrHelpWidth: () => stderr.columns ?? 100,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
  for (const register of registered) register(program, context)
  for (const command of withDescendants(program)) {
    command.showHelpAfterError(helpPointer(command))
  }
  program.addHelpText(
    'after',
    epilogue(`
Examples:
  facewise doctor
      What runs on this machine, and what is missing: start here.
  facewise detect photo.jpg
      The faces in a photo.
  facewise describe photos/ --draw out --workers 4
      What the faces in all photos of a folder look like, also drawn into copies; four photos at a time.
  facewise verify a.jpg b.jpg
      Whether two photos show one person.
  facewise enroll ada ada.jpg --store file:faces.db
  facewise identify party.jpg --store file:faces.db
      Remember a person, and say who is in a photo.

\`facewise COMMAND --help\` explains each, with examples. Where a command takes pictures these may be files, folders, globs, http(s) addresses, or - for
standard input. --json prints one JSON object a line.

Exit code: 0 all done; 1 some inputs failed, each is named, the others are done; 2 the call was wrong.`),
  )
  return program
}

/**
 * Runs the command line.
 *
 * @param argv the words after `facewise`.
 * @param registered the commands that there are.
 * @returns the exit code.
 */
export async function run(
  argv: readonly string[],
  terminal: Terminal,
  registered: readonly RegisterCommand[] = commands,
): Promise<number> {
  let code: number = ExitCode.done
  const context: CommandContext = {
    terminal,
    version: pkg.version,
    fail() {
      code = ExitCode.failed
    },
  }
  const program = createProgram(context, registered)
  let running = program
  program.hook('preAction', (_, command) => {
    running = command
  })
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.done : ExitCode.usage
    terminal.stderr.write(`facewise: ${failureOf(error).message}\n`)
    if (isFacewiseError(error) && error.code === 'INVALID_ARGUMENT') {
      terminal.stderr.write(`${helpPointer(running)}\n`)
      return ExitCode.usage
    }
    if (affectsAll(error) && !isStore(error))
      terminal.stderr.write('`facewise doctor` shows what is missing on this machine.\n')
    return ExitCode.failed
  }
}

/** What the doctor knows nothing of. */
function isStore(error: unknown): boolean {
  return isFacewiseError(error) && error.code.startsWith('STORE_')
}

function withDescendants(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withDescendants)]
}

function helpPointer(command: Command): string {
  return `Run \`${pathOf(command)} --help\` to see what it takes.`
}

function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name()
}
