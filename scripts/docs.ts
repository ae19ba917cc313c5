/**
 * Builds the documentation as a site of static files: the guides of docs/, the model cards, and the pages of the API.
 *
 *   npm run docs              # into output/docs
 *   npm run docs:serve        # and shows it at http://localhost:4173
 */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSite } from './docs/site.ts'

const out = join(fileURLToPath(new URL('..', import.meta.url)), 'output', 'docs')
const wrong = await buildSite(out)
for (const line of wrong) console.error(line)
if (wrong.length > 0) process.exitCode = 1
else console.log(`The documentation is in ${out}: open index.html, or run npm run docs:serve.`)
