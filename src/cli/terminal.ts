import { buffer } from 'node:stream/consumers'
import type { WorkerLike } from '../worker/index.ts'

/** Where a command writes text. */
export interface Output {
  write(text: string): void
  /** Whether a person looks at it: then colours and a progress bar make sense. */
  readonly isTTY: boolean
  /** Width in characters, where it is known. */
  readonly columns?: number
}

/** All that a command knows of the process around it, so that a test can run it with its own. */
export interface Terminal {
  readonly stdout: Output
  readonly stderr: Output
  /** All bytes of standard input. */
  readStdin(): Promise<Uint8Array>
  readonly env: Readonly<Record<string, string | undefined>>
  /** Starts a worker thread where the library cannot do it by itself: from the source, which threads do not know how to read. */
  readonly startWorker?: () => WorkerLike
}

/** The terminal of this process. */
export function processTerminal(startWorker?: Terminal['startWorker']): Terminal {
  const output = (stream: NodeJS.WriteStream): Output => ({
    write: text => void stream.write(text),
    get isTTY() {
      return stream.isTTY === true
    },
    get columns() {
      return stream.columns
    },
  })
  return {
    stdout: output(process.stdout),
    stderr: output(process.stderr),
    readStdin: () => buffer(process.stdin),
    env: process.env,
    startWorker,
  }
}

/** Emphasis for people; plain text where nobody looks, or where `NO_COLOR` (https://no-color.org) is set. */
export interface Style {
  bold(text: string): string
  dim(text: string): string
  good(text: string): string
  bad(text: string): string
}

/** The {@link Style} of one output. */
export function styleOf(output: Output, env: Terminal['env']): Style {
  const plain = !output.isTTY || Boolean(env.NO_COLOR) || env.TERM === 'dumb'
  const style =
    (on: number, off: number) =>
    (text: string): string =>
      plain ? text : `\u001b[${on}m${text}\u001b[${off}m`
  return { bold: style(1, 22), dim: style(2, 22), good: style(32, 39), bad: style(31, 39) }
}
