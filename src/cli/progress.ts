import type { Output } from './terminal.ts'

const BAR_WIDTH = 24

/** A line on stderr that says how far a command is. */
export interface Progress {
  /** Shows that `done` of all are done and `name` is next. */
  show(done: number, name: string): void
  /** Takes the line away, so that something else can be written there. */
  clear(): void
}

const SILENT: Progress = { show() {}, clear() {} }

/** A bar for `total` things; silent for a single one, or where nobody looks. */
export function createProgress(output: Output, total: number): Progress {
  if (!output.isTTY || total < 2) return SILENT
  let shown = 0
  const clear = (): void => {
    // Spaces instead of an escape sequence: the same on every terminal, and with NO_COLOR.
    if (shown > 0) output.write(`\r${' '.repeat(shown)}\r`)
    shown = 0
  }
  return {
    clear,
    show(done, name) {
      const filled = Math.round((done / total) * BAR_WIDTH)
      const bar = '#'.repeat(filled).padEnd(BAR_WIDTH, '-')
      // One column stays free: a full line would wrap on some terminals.
      const line = `[${bar}] ${done}/${total}  ${name}`.slice(0, (output.columns ?? 80) - 1)
      output.write(`\r${line.padEnd(shown)}`)
      shown = line.length
    },
  }
}
