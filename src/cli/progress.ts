import type { Output } from './terminal.ts'

const BAR_WIDTH = 24

/** Milliseconds between two drawings of bytes: more often nobody sees, and over a slow line it costs. */
const REDRAW_MS = 100

/** A line on stderr that says how far a command is. */
export interface Progress {
  /** Shows that `done` of all are done and `name` is next. */
  show(done: number, name: string): void
  /** Takes the line away, so that something else can be written there. */
  clear(): void
}

/** A line on stderr that says how far a download is. */
export interface ByteProgress {
  /** Shows that `loaded` of `total` bytes are there, and something besides. */
  show(loaded: number, total: number, text: string): void
  /** Takes the line away, so that something else can be written there. */
  clear(): void
}

/** A bar for `total` things; silent for a single one, or where nobody looks. */
export function createProgress(output: Output, total: number): Progress {
  const line = createLine(output, total > 1)
  return {
    clear: line.clear,
    show: (done, name) => line.draw(done / total, `${done}/${total}  ${name}`),
  }
}

/** A bar for bytes; silent where nobody looks. */
export function createByteProgress(output: Output, now: () => number = Date.now): ByteProgress {
  const line = createLine(output, true)
  let drawn = Number.NEGATIVE_INFINITY
  let drawnText = ''
  return {
    clear: line.clear,
    show(loaded, total, text) {
      // What is said besides bytes is news at once.
      if (now() - drawn < REDRAW_MS && text === drawnText && loaded < total) return
      drawn = now()
      drawnText = text
      line.draw(total === 0 ? 0 : loaded / total, `${megabytes(loaded)} of ${megabytes(total)} MB  ${text}`)
    },
  }
}

/** Bytes in megabytes, as sizes are written everywhere. */
export function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 1e7 ? 2 : 1)
}

function createLine(output: Output, wanted: boolean): { draw(share: number, text: string): void; clear(): void } {
  if (!output.isTTY || !wanted) return { draw() {}, clear() {} }
  let shown = 0
  return {
    clear() {
      // Spaces instead of an escape sequence: the same on every terminal, and with NO_COLOR.
      if (shown > 0) output.write(`\r${' '.repeat(shown)}\r`)
      shown = 0
    },
    draw(share, text) {
      const filled = Math.max(0, Math.min(BAR_WIDTH, Math.round(share * BAR_WIDTH)))
      const bar = '#'.repeat(filled).padEnd(BAR_WIDTH, '-')
      // One column stays free: a full line would wrap on some terminals.
      const line = `[${bar}] ${text}`.slice(0, (output.columns ?? 80) - 1)
      output.write(`\r${line.padEnd(shown)}`)
      shown = line.length
    },
  }
}
