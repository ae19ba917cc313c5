#!/usr/bin/env node
import { run } from './program.ts'
import { processTerminal } from './terminal.ts'

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // Whoever reads has heard enough (`facewise detect ... | head`): no reason to go on, and no error.
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
}

// Not `process.exit`: what was written into a pipe may still be on its way.
process.exitCode = await run(process.argv.slice(2), processTerminal())
