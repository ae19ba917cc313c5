/**
 * Shows what the library does, with nothing to prepare: finds the faces in two photos that come with a development dependency, says
 * what they look like, and draws both into copies in `output/`. `npm run demo` builds the models first.
 */
import { fileURLToPath } from 'node:url'
import { run } from '../src/cli/program.ts'
import { processTerminal } from '../src/cli/terminal.ts'

// Short names in what is printed, wherever this was started from.
process.chdir(fileURLToPath(new URL('..', import.meta.url)))

const photos = [6, 1].map(number => `node_modules/@vladmandic/face-api/demo/sample${number}.jpg`)
const calls = [
  ['detect', ...photos, '--draw', 'output'],
  ['describe', ...photos, '--draw', 'output/described'],
]
for (const call of calls) {
  console.log(`$ facewise ${call.join(' ')}\n`)
  process.exitCode = await run(call, processTerminal())
  if (process.exitCode !== 0) break
  console.log()
}
if (process.exitCode === 0) console.log('The photos with the faces drawn in lie in the folder output.')
