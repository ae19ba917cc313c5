import type { Command } from 'commander'
import type { Terminal } from './terminal.ts'

/** What a command is given besides its arguments. */
export interface CommandContext {
  readonly terminal: Terminal
  readonly version: string
  /** Says that some input failed; the call will end with exit code 1. */
  fail(): void
}

/** A command: adds itself to the program. */
export type RegisterCommand = (program: Command, context: CommandContext) => void
