import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { notRun } from './not-run.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** All Markdown that people read, from the root of the project. */
export const pages: readonly string[] = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...readdirSync(join(root, 'docs')).map(name => `docs/${name}`),
  ...readdirSync(join(root, 'models')).map(name => `models/${name}/README.md`),
  ...readdirSync(join(root, 'examples')).map(name => `examples/${name}/README.md`),
].filter(page => page.endsWith('.md') && existsSync(join(root, page)))

/**
 * How a block is checked:
 * `node` is run in Node, `browser` in Chromium, `vitest` by Vitest; a `module` is run by those that import it; a `page` is opened in Chromium with
 * its script; a `config` is used to build the pages; `commands` are read by the programs that they name, and their output, where the block
 * shows it, is compared; `json` is held against schemas and real output; a `listed` one stands in `not-run.ts` with a reason.
 */
export type Check =
  | 'node'
  | 'browser'
  | 'vitest'
  | 'module'
  | 'page'
  | 'config'
  | 'commands'
  | 'json'
  | 'listed'
  | 'unknown'

/** A fenced block of a page. */
export interface Block {
  /** From the root of the project, with the line of the fence. */
  readonly page: string
  readonly line: number
  /** As the fence says; empty where it says nothing. */
  readonly language: string
  readonly text: string
  /** The text with the source in place of the package. */
  readonly code: string
  /** Name of the file that it is, which its first line may say in a comment. */
  readonly file: string
  /** The same without the extension. */
  readonly name: string
  readonly check: Check
}

/** The blocks of all pages. */
export function allBlocks(): Block[] {
  const found = pages.flatMap(fences)
  return found.map(block => ({ ...block, check: checkOf(block, found) }))
}

/** The programs in TypeScript of a page. */
export function blocksOf(page: string): Block[] {
  return allBlocks().filter(block => block.page === page && block.language === 'ts')
}

/** A block as the reports of tests name it. */
export const placeOf = ({ page, line }: Block): string => `${page}:${line}`

/** The folder that the files of a page are written into: names such as `vite.config.js` occur on several pages. */
export const folderOf = (page: string): string => page.replaceAll(/\W/g, '-')

function fences(page: string): Omit<Block, 'check'>[] {
  const text = readFileSync(join(root, page), 'utf8')
  return [...text.matchAll(/^( *)```(\w*)[^\n]*\n([\s\S]*?)^\1```$/gm)].map(match => {
    const [, indent, language, code] = match
    const plain = code.replaceAll(new RegExp(`^${indent}`, 'gm'), '')
    const line = text.slice(0, match.index).split('\n').length
    const extension = ['js', 'html', 'jsx', 'tsx'].includes(language) ? language : 'ts'
    const source = plain.replaceAll(/from '(facewise[^']*)'/g, (_, id: string) => `from '${sourceOf(id)}'`)
    const stated = /^(?:\/\/|<!--|#) ([\w./-]+\.[a-z]+)(?: -->)?\n/.exec(plain)?.[1]
    const file = stated ?? `${folderOf(page)}-${line}.${extension}`
    return { page, line, language, text: plain, code: source, file, name: file.replace(/\.\w+$/, '') }
  })
}

function checkOf(block: Omit<Block, 'check'>, all: readonly Omit<Block, 'check'>[]): Check {
  const { page, language, text, file } = block
  if (notRun.some(entry => entry.page === page && text.includes(entry.text))) return 'listed'
  if (language === 'json') return 'json'
  if (['sh', 'console'].includes(language) || (language === '' && text.startsWith('$ '))) return 'commands'
  if (language === 'html') return 'page'
  if (language === 'js' && text.includes('export default {')) return 'config'
  if (language !== 'ts' && language !== 'js') return 'unknown'
  if (/from 'vitest'/.test(text)) return 'vitest'
  const neighbours = all.filter(other => other.page === page && other !== block)
  if (neighbours.some(other => other.text.includes(`'./${file}'`))) return 'module'
  // What has a page of its own is started by it.
  if (neighbours.some(other => other.language === 'html' && other.text.includes(file))) return 'module'
  return isOfBrowsers(text) ? 'browser' : 'node'
}

function isOfBrowsers(code: string): boolean {
  return /\bdocument\.|\bnavigator\.|\bnew Worker\(|'\/wasm\/'|indexedDbStore|store: 'indexeddb:/.test(code)
}

function sourceOf(id: string): string {
  const part = join(root, 'src', id.replace(/^facewise\/?/, ''))
  return existsSync(`${part}.ts`) ? `${part}.ts` : join(part, 'index.ts')
}
