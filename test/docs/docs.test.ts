import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { samplePhoto } from '../data.ts'
import { blocksOf } from './blocks.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const work = join(root, 'output', 'docs-blocks')

const pages = [
  ...[
    'README.md',
    'CONTRIBUTING.md',
    'CHANGELOG.md',
    'models/mtcnn/README.md',
    'models/dlib-resnet-128/README.md',
    'models/facenet-512/README.md',
    'models/emotion-mini-xception/README.md',
    'models/age-gender-tiny-xception/README.md',
    'models/antispoof/README.md',
    'models/livenessnet/README.md',
  ],
  ...readdirSync(join(root, 'docs'))
    .filter(name => name.endsWith('.md'))
    .map(name => `docs/${name}`),
]

const blocks = pages.flatMap(blocksOf)

beforeAll(() => {
  rmSync(work, { recursive: true, force: true })
  mkdirSync(work, { recursive: true })
  copyFileSync(samplePhoto(6), join(work, 'photo.jpg'))
  for (const { name, code } of blocks) writeFileSync(join(work, `${name}.ts`), code)
})
afterAll(() => rmSync(work, { recursive: true, force: true }))

describe('the documentation', () => {
  it('has blocks of code in its main pages', () => {
    expect(blocks.length).toBeGreaterThanOrEqual(9)
    expect(new Set(blocks.map(block => block.name.replace(/-\d+$/, ''))).size).toBeGreaterThanOrEqual(4)
  })

  it('has blocks that compile', () => {
    const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
    const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root)
    const files = blocks.map(({ name }) => join(work, `${name}.ts`))
    const program = ts.createProgram([...files, join(root, 'test/vite.d.ts')], options)
    const problems = ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
      const where = file ? relative(work, file.fileName) : ''
      return `${where}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
    })
    expect(problems).toEqual([])
  })

  it.each(blocks.filter(block => block.runs))('has a block that runs: $name', ({ name }) => {
    const { status, stderr, stdout } = spawnSync(process.execPath, ['--import', 'tsx', `${name}.ts`], {
      cwd: work,
      encoding: 'utf8',
    })
    expect(stderr).toBe('')
    expect(status).toBe(0)
    // Every example shows something.
    expect(stdout).not.toBe('')
  })

  it('has pages of the API without a warning', () => {
    const cli = join(root, 'node_modules', 'typedoc', 'bin', 'typedoc')
    const { status, stdout, stderr } = spawnSync(process.execPath, [cli, '--emit', 'none'], {
      cwd: root,
      encoding: 'utf8',
    })
    expect(stdout + stderr).not.toMatch(/warning|error/)
    expect(status).toBe(0)
  })

  it.each(pages)('has no broken links in %s', page => {
    const text = readFileSync(join(root, page), 'utf8')
    const broken = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, link]) => link)
      .filter(link => !/^(https?:|#)/.test(link) && !existsSync(join(root, dirname(page), link.replace(/#.*$/, ''))))
    expect(broken).toEqual([])
  })
})
