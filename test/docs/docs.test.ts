import { spawnSync } from 'node:child_process'
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { allBlocks, type Block, folderOf, pages, placeOf } from './blocks.ts'
import { notRun } from './not-run.ts'
import { makePhotos } from './photos.ts'
import type { ProgramResult } from './run-programs.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const work = join(root, 'output', 'docs-blocks')

const blocks = allBlocks()
const programs = blocks.filter(({ language, check }) => language === 'ts' || (language === 'js' && check === 'node'))
/** Programs of other libraries, which bring a TensorFlow.js of their own, need a process of their own. */
const foreign = blocks.filter(({ check, text }) => check === 'node' && !text.includes("'facewise"))
const inNode = blocks.filter(block => block.check === 'node' && !foreign.includes(block) && !usesTestRunner(block.text))
const tests = blocks.filter(({ check, text }) => check === 'vitest' || (check === 'node' && usesTestRunner(text)))

const pathOf = ({ page, file }: Block): string => join(work, folderOf(page), file)
function usesTestRunner(text: string): boolean {
  return text.includes("from 'node:test'")
}

beforeAll(async () => {
  rmSync(work, { recursive: true, force: true })
  const photos = join(work, 'photos')
  await makePhotos(photos)
  for (const block of programs) {
    const folder = dirname(pathOf(block))
    if (!existsSync(folder)) linkFiles(photos, folder)
    writeFileSync(pathOf(block), block.code)
  }
})
afterAll(() => rmSync(work, { recursive: true, force: true }))

describe('the blocks of the documentation', () => {
  it('are all checked in some way, or listed with a reason', () => {
    expect(blocks.filter(({ check }) => check === 'unknown').map(placeOf)).toEqual([])
    const needless = notRun.filter(
      ({ page, text }) => pages.includes(page) && !blocks.some(b => b.page === page && b.text.includes(text)),
    )
    expect(needless).toEqual([])
    // Were the fences not found, all else here would pass.
    expect(programs.length).toBeGreaterThanOrEqual(40)
    expect(new Set(programs.map(({ page }) => page)).size).toBeGreaterThanOrEqual(12)
  })

  it('compile', () => {
    const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
    const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root)
    const files = programs.filter(({ language }) => language === 'ts').map(pathOf)
    const program = ts.createProgram([...files, join(root, 'test/vite.d.ts')], options)
    const problems = ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
      const where = file ? relative(work, file.fileName) : ''
      return `${where}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
    })
    expect(problems).toEqual([])
  })

  describe('that are programs for Node', () => {
    const results = new Map<string, ProgramResult>()
    let crash = ''

    beforeAll(() => {
      const script = join(root, 'test', 'docs', 'run-programs.ts')
      const { stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', script, ...inNode.map(pathOf)], {
        cwd: root,
        encoding: 'utf8',
        maxBuffer: 1e8,
      })
      crash = stderr
      for (const line of stdout.split('\n').filter(Boolean)) {
        const result: ProgramResult = JSON.parse(line)
        results.set(result.file, result)
      }
    }, 240_000)

    it.each(inNode.map(block => ({ place: placeOf(block), block })))('run: $place', ({ block }) => {
      const result = results.get(pathOf(block))
      expect(result?.error ?? (result ? '' : `It ended the process. ${crash.slice(0, 1000)}`)).toBe('')
      expect(result?.stderr).toBe('')
      // Every example shows something.
      expect(result?.stdout).not.toBe('')
    })
  })

  it.each(foreign.map(block => ({ place: placeOf(block), block })))('of other libraries run: $place', ({ block }) => {
    const options = { cwd: dirname(pathOf(block)), encoding: 'utf8', timeout: 55_000 } as const
    const { status, stdout, stderr } = spawnSync(process.execPath, [pathOf(block)], options)
    expect(status, stderr.slice(-1000)).toBe(0)
    expect(stdout).not.toBe('')
  })

  it.each(tests.map(block => ({ place: placeOf(block), block })))('that are tests pass: $place', ({ block }) => {
    const [folder, test] = [dirname(pathOf(block)), pathOf(block).replace(/\.ts$/, '.test.ts')]
    const vitest = [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', '--root', folder]
    writeFileSync(test, block.code)
    // Otherwise Vitest takes the project's.
    writeFileSync(join(folder, 'vitest.config.js'), 'export default {}')
    const command = block.check === 'vitest' ? [...vitest, test] : ['--import', 'tsx', '--test', test]
    const { status, stdout, stderr } = spawnSync(process.execPath, command, {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1' },
    })
    expect(stderr).toBe('')
    expect(stdout).toMatch(/pass(ed)? *\(?\d\d/)
    expect(status).toBe(0)
  })
})

describe('the pages', () => {
  it.each(pages)('have no broken links: %s', page => {
    const text = readFileSync(join(root, page), 'utf8')
    const broken = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, link]) => link)
      .filter(link => !/^(https?:|#)/.test(link) && !existsSync(join(root, dirname(page), link.replace(/#.*$/, ''))))
    expect(broken).toEqual([])
  })

  it.each(pages)('name scripts that there are: %s', page => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const named = [...readFileSync(join(root, page), 'utf8').matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name)
    expect(named.filter(name => !(name in scripts))).toEqual([])
  })
})

/** The same files in another folder, without their bytes once more. */
function linkFiles(from: string, to: string): void {
  mkdirSync(to, { recursive: true })
  for (const name of readdirSync(from)) {
    const [source, target] = [join(from, name), join(to, name)]
    if (statSync(source).isDirectory()) linkFiles(source, target)
    else linkSync(source, target)
  }
}
