/**
 * Runs programs one after another in this process, each in a folder of its own, and prints a line of JSON for each: its errors, and what it
 * wrote. One process, since starting it and TensorFlow.js takes longer than most of the programs.
 *
 *   node --import tsx test/docs/run-programs.ts FILE...
 */
import { createRequire, syncBuiltinESMExports } from 'node:module'
import { dirname } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Worker } from 'node:worker_threads'

/** What came of a program. */
export interface ProgramResult {
  readonly file: string
  readonly stdout: string
  readonly stderr: string
  readonly error?: string
}

async function runProgram(file: string): Promise<ProgramResult> {
  const written = { stdout: '', stderr: '' }
  const writers = { stdout: process.stdout.write, stderr: process.stderr.write }
  for (const name of ['stdout', 'stderr'] as const) {
    process[name].write = (chunk: string | Uint8Array) => {
      written[name] += chunk
      return true
    }
  }
  let error: string | undefined
  try {
    process.chdir(dirname(file))
    await import(pathToFileURL(file).href)
  } catch (thrown) {
    error = String(thrown).slice(0, 1000)
  } finally {
    process.stdout.write = writers.stdout
    process.stderr.write = writers.stderr
  }
  return { file, ...written, error }
}

/** Files that run in threads, and those that run them from the source. */
const SOURCES = [
  ['/worker-entry.ts', '../worker/source-worker.mjs'],
  ['/batch-thread.node.ts', '../models/source-thread.mjs'],
] as const

/** Threads know nothing of the loader of TypeScript that this process runs with. */
function teachThreadsTypeScript(): void {
  const threads: { Worker: typeof Worker } = createRequire(import.meta.url)('node:worker_threads')
  threads.Worker = class extends threads.Worker {
    constructor(script: string | URL, options?: ConstructorParameters<typeof Worker>[1]) {
      const source = SOURCES.find(([end]) => String(script).endsWith(end))
      super(source ? new URL(source[1], import.meta.url) : script, options)
    }
  }
  syncBuiltinESMExports()
}

teachThreadsTypeScript()
for (const file of process.argv.slice(2)) console.log(JSON.stringify(await runProgram(file)))
// Programs leave workers and connections open, as short programs may.
process.exit(0)
