import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Argument, Command, Option } from 'commander'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { wordsOf } from '../../src/cli/completion/words.ts'
import { createProgram, run } from '../../src/cli/program.ts'
import { recordingTerminal } from './terminal.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof SHELLS)[number]

const installed = (shell: Shell): boolean => spawnSync(shell, ['-c', 'true']).status === 0
for (const shell of SHELLS) {
  if (!installed(shell)) console.log(`SKIPPED: ${shell} is not installed here, so its completion is not tested.`)
}

let folder: string
const scriptOf = (shell: Shell): string => join(folder, `completion.${shell}`)
/** Where the shells are when they complete. */
const here = (): string => join(folder, 'here')

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'facewise-completion-'))
  mkdirSync(join(here(), 'my photos'), { recursive: true })
  mkdirSync(join(here(), 'models.d'))
  for (const name of ['faces.db', 'photo.jpg', 'my photos/ada.jpg']) writeFileSync(join(here(), name), '')
  for (const shell of SHELLS) {
    const terminal = recordingTerminal()
    expect(await run(['completion', shell], terminal)).toBe(0)
    writeFileSync(scriptOf(shell), terminal.out())
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function shell(name: Shell, argv: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(name, argv, { cwd: here(), encoding: 'utf8', timeout: 30_000 })
  expect(stderr).toBe('')
  expect(status).toBe(0)
  return stdout
}

describe('facewise completion', () => {
  it('knows no other shells', async () => {
    const terminal = recordingTerminal()
    expect(await run(['completion', 'tcsh'], terminal)).toBe(2)
    expect(terminal.err()).toContain('bash, zsh, fish')
  })

  it('takes commands, options and choices from the program itself', () => {
    const program = new Command('demo')
    const group = program.command('group').description('A group: of commands.')
    group
      .command('go')
      .addArgument(new Argument('<where>').choices(['up', 'down']))
      .argument('<file...>')
      .addOption(new Option('-c, --colour <name>').choices(['red', 'blue']))
      .option('--plain', 'no frills; none at all')
    const [root, words, go] = wordsOf(program)
    expect(root).toMatchObject({ path: '', commands: [{ name: 'group', description: 'A group' }, { name: 'help' }] })
    expect(words.path).toBe('group')
    expect(go).toMatchObject({ path: 'group go', variadic: true })
    expect(go.args).toEqual([
      { words: ['up', 'down'], files: 'none' },
      { words: [], files: 'files' },
    ])
    expect(go.options.slice(0, 2)).toEqual([
      { flags: ['-c', '--colour'], description: '', value: { words: ['red', 'blue'], files: 'none' } },
      { flags: ['--plain'], description: 'no frills' },
    ])
  })

  it('knows every command and every option that there is', () => {
    const context = { terminal: recordingTerminal(), version: '1', fail() {} }
    const program = createProgram(context)
    const all = wordsOf(program)
    const check = (command: Command, path: string): number => {
      const words = all.find(each => each.path === path)
      const flags = words?.options.flatMap(option => option.flags) ?? []
      for (const { long } of command.options) expect(flags).toContain(long)
      expect(flags).toContain('--help')
      const below = command.commands.map(each => check(each, `${path} ${each.name()}`.trim()))
      return 1 + below.reduce((sum, count) => sum + count, 0)
    }
    expect(check(program, '')).toBeGreaterThan(20)
  })
})

describe.skipIf(!installed('bash'))('in bash', () => {
  /** What bash's own machinery would be told, with the line cut into words as readline does it. */
  function replies(line: string): string[] {
    const words = line.split(' ').flatMap(word => (word === '' ? [''] : (word.match(/[:=]+|[^:=]+/g) ?? [])))
    const script = `
      source ${quote(scriptOf('bash'))}
      [[ $(complete -p facewise) == 'complete -F _facewise facewise' ]] || exit 3
      COMP_WORDS=(${words.map(quote).join(' ')}) COMP_CWORD=${words.length - 1}
      COMP_LINE=${quote(line)} COMP_POINT=\${#COMP_LINE}
      COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
      _facewise
      (( \${#COMPREPLY[@]} )) && printf '%s\\n' "\${COMPREPLY[@]}"
      exit 0`
    return shell('bash', ['--norc', '-c', script]).split('\n').filter(Boolean).sort()
  }

  it.each([
    ['facewise enr', ['enroll']],
    ['facewise be', ['bench']],
    ['facewise detect --w', ['--workers']],
    ['facewise bench --backend ', ['cpu', 'native', 'wasm']],
    ['facewise bench ph', ['photo.jpg']],
    ['facewise store ', ['copy', 'help', 'info']],
    ['facewise detect --max', ['--max-face', '--max-faces', '--max-pixels']],
    ['facewise detect --json --faces ', ['all', 'center', 'largest']],
    ['facewise verify --faces ', ['best', 'center', 'largest', 'only']],
    ['facewise detect --faces=c', ['center']],
    ['facewise enroll ada x --duplicates r', ['refuse', 'report']],
    ['facewise enroll ada x --templates ', ['all', 'best', 'mean']],
    ['facewise represent --embedder ', ['dlib-resnet-128', 'facenet-512']],
    ['facewise represent --embedder ./m', ['./models.d', './my photos']],
    ['facewise detect --backend ', ['cpu', 'native', 'wasm']],
    ['facewise detect --backend native,w', ['native,wasm']],
    ['facewise describe --attributes ', ['age-gender', 'emotion', 'pose', 'quality']],
    ['facewise models pull ', ['facenet-512']],
    ['facewise models pull x --store f', ['float16', 'float32']],
    ['facewise completion ', ['bash', 'fish', 'zsh']],
    ['facewise help st', ['store']],
    ['facewise store help ', ['copy', 'info']],
    ['facewise forget ada --store ', ['file:', 'lancedb:', 'memory:', 'postgres://', 'postgresql://']],
    // Bash has taken `file` and `:` for words of their own: they are not said again.
    ['facewise store info file:fa', ['faces.db']],
    ['facewise identify x --store=file:fa', ['faces.db']],
    ['facewise detect ph', ['photo.jpg']],
    ['facewise detect --faces all -- my', ['my photos']],
    ['facewise evaluate detection my', ['my photos']],
    ['facewise detect --draw ', ['models.d', 'my photos']],
    // The name of a person, a number: nothing to choose from.
    ['facewise enroll ', []],
    ['facewise detect --min-face ', []],
    ['facewise enroll ada ph', ['photo.jpg']],
    ['facewise enroll --metadata door=north ada ph', ['photo.jpg']],
    ['facewise identify --store memory: ph', ['photo.jpg']],
    ['facewise no-such-command --x', []],
  ])('completes "%s"', (line, expected) => {
    expect(replies(line)).toEqual(expected)
  })
})

describe.skipIf(!installed('fish'))('in fish', () => {
  function replies(line: string): string[] {
    const out = shell('fish', ['-c', `source ${quote(scriptOf('fish'))}; complete -C ${quote(line)}`])
    return out
      .split('\n')
      .filter(Boolean)
      .map(row => row.split('\t')[0])
      .sort()
  }

  it.each([
    ['facewise enr', ['enroll']],
    ['facewise be', ['bench']],
    ['facewise detect --w', ['--workers']],
    ['facewise bench --backend ', ['cpu', 'native', 'wasm']],
    ['facewise bench ph', ['photo.jpg']],
    ['facewise store ', ['copy', 'help', 'info']],
    ['facewise detect --max', ['--max-face', '--max-faces', '--max-pixels']],
    ['facewise verify --faces ', ['best', 'center', 'largest', 'only']],
    ['facewise detect --backend native,w', ['native,wasm']],
    ['facewise models pull ', ['facenet-512']],
    ['facewise forget ada --store ', ['file:', 'lancedb:', 'memory:', 'postgres://', 'postgresql://']],
    ['facewise store info file:fa', ['file:faces.db']],
    ['facewise detect ph', ['photo.jpg']],
    ['facewise detect --draw mo', ['models.d/']],
    ['facewise enroll ', []],
    ['facewise enroll ada ph', ['photo.jpg']],
  ])('completes "%s"', (line, expected) => {
    expect(replies(line)).toEqual(expected)
  })
})

describe.skipIf(!installed('zsh'))('in zsh', () => {
  it.each([
    ['facewise enr', 'facewise enroll '],
    ['facewise detect --dra', 'facewise detect --draw '],
    ['facewise verify --faces ce', 'facewise verify --faces center '],
    ['facewise detect --backend native,w', 'facewise detect --backend native,wasm '],
    ['facewise models pull f', 'facewise models pull facenet-512 '],
    ['facewise store info file:fa', 'facewise store info file:faces.db '],
    ['facewise enroll ada --store=file:fa', 'facewise enroll ada --store=file:faces.db '],
    ['facewise enroll ada ph', 'facewise enroll ada photo.jpg '],
  ])('completes "%s"', (line, expected) => {
    // A terminal within the shell, where a Tab is a Tab.
    const script = `
      zmodload zsh/zpty
      zpty inner zsh -f -i
      zpty -w inner "unset zle_bracketed_paste; TERM=dumb PS1= PS2=; autoload -U compinit; compinit -u -D; source ${scriptOf('zsh')}; echo rea''dy"
      zpty -r -m inner seen '*ready*'
      zpty -w -n inner ${quote(line)}$'\\t'
      zpty -r -m inner seen ${quote(`*${expected}*`)}
      zpty -d inner
      print -r -- $seen`
    expect(shell('zsh', ['-f', '-c', script])).toContain(expected)
  })
})

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
