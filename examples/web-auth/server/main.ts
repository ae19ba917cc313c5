/** `npm run example:web`: the server of the example. Its settings come from the environment; the README lists them. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { startServer } from './server.ts'
import { readSettings } from './settings.ts'

try {
  const settings = readSettings(process.env)
  const server = await startServer(settings)
  console.log(`Listening on ${settings.origin}`)
  if (!existsSync(join(settings.pageFolder, 'index.html'))) {
    console.warn(`There is no page in ${settings.pageFolder}: \`npm run example:web\` builds it.`)
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    // A second one ends it at once.
    process.once(signal, () => {
      void server.stop().then(() => process.exit(0))
    })
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
