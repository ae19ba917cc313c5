import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A block of TypeScript of a page, as a file. */
export interface Block {
  /** Without `.ts`. A block whose first line is a comment with a file's name is that file, and others may import it. */
  readonly name: string
  /** With the source in place of the package. */
  readonly code: string
  /** Whether it does something when it is run here: not a module for others, nor in need of a page or a test runner. */
  readonly runs: boolean
}

/** The blocks of a page, named from the root of the project. */
export function blocksOf(page: string): Block[] {
  const text = readFileSync(join(root, page), 'utf8')
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code], i) => {
    const file = /^\/\/ ([\w-]+)\.ts\n/.exec(code)?.[1]
    return {
      name: file ?? `${page.replace(/\W/g, '-')}-${i + 1}`,
      code: code.replaceAll(/from '(facewise[^']*)'/g, (_, id: string) => `from '${source(id)}'`),
      runs: !file && !/document|'\/wasm\/'|indexedDbStore|from 'vitest'/.test(code),
    }
  })
}

function source(id: string): string {
  const part = join(root, 'src', id.replace(/^facewise\/?/, ''))
  return existsSync(`${part}.ts`) ? `${part}.ts` : join(part, 'index.ts')
}
