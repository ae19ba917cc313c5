import type { Terminal } from '../../src/cli/terminal.ts'
import { sourceWorker } from '../worker/threads.ts'

/** A terminal that keeps what is written. */
export interface RecordingTerminal extends Terminal {
  out(): string
  err(): string
}

/** @param tty whether both outputs look like a person's terminal. @param startWorker starts the threads of `--workers`. */
export function recordingTerminal({
  tty = false,
  stdin = new Uint8Array(0),
  env = {},
  startWorker = sourceWorker,
}: {
  tty?: boolean
  stdin?: Uint8Array
  env?: Terminal['env']
  startWorker?: Terminal['startWorker']
} = {}): RecordingTerminal {
  const written = { out: '', err: '' }
  const output = (key: 'out' | 'err') => ({
    isTTY: tty,
    columns: 100,
    write(text: string) {
      written[key] += text
    },
  })
  return {
    stdout: output('out'),
    stderr: output('err'),
    readStdin: async () => stdin,
    env,
    startWorker,
    out: () => written.out,
    err: () => written.err,
  }
}
