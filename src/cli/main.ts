#!/usr/bin/env node
import { Worker } from 'node:worker_threads'
import { run } from './program.ts'
import { processTerminal } from './terminal.ts'

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // Whoever reads has heard enough (`facewise detect ... | head`): no reason to go on, and no error.
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
}

/** A worker thread that reads TypeScript: what lets this thread do so is not inherited. */
function sourceWorker(): Worker {
  const [loader, entry] = ['tsx/esm/api', '../worker/worker-entry.ts'].map(name =>
    JSON.stringify(import.meta.resolve(name)),
  )
  return new Worker(`import(${loader}).then(({ register }) => (register(), import(${entry})))`, { eval: true })
}

const fromSource = import.meta.url.endsWith('.ts')
const terminal = processTerminal(fromSource ? sourceWorker : undefined)
// Not `process.exit`: what was written into a pipe may still be on its way.
process.exitCode = await run(process.argv.slice(2), terminal)
