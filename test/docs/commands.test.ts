import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Command, CommanderError } from 'commander'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createProgram, run } from '../../src/cli/program.ts'
import { parseManifest } from '../../src/models/index.ts'
import { recordingTerminal } from '../cli/terminal.ts'
import { samplePhoto } from '../data.ts'
import { allBlocks, type Block, placeOf } from './blocks.ts'
import { makePhotos } from './photos.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const work = join(root, 'output', 'docs-commands')
const blocks = allBlocks()
const shells = blocks.filter(({ check }) => check === 'commands')
/** Those that show what the command prints. */
const sessions = shells.filter(({ text }) => text.startsWith('$ '))
const jsons = blocks.filter(({ check }) => check === 'json')
const named = (list: readonly Block[]) => list.map(block => ({ place: placeOf(block), block }))

const before = process.cwd()
beforeAll(async () => {
  rmSync(work, { recursive: true, force: true })
  await makePhotos(work)
  mkdirSync(join(work, 'broken'), { recursive: true })
  writeFileSync(join(work, 'broken', 'broken.jpg'), 'no picture')
  process.chdir(work)
})
afterAll(() => {
  process.chdir(before)
  rmSync(work, { recursive: true, force: true })
})

describe('the commands of the documentation', () => {
  it.each(named(shells))('are read by the programs that they call: $place', ({ block }) => {
    const commands = commandsOf(block.text)
    expect(commands.length).toBeGreaterThan(0)
    expect(commands.flatMap(problemsOf)).toEqual([])
  })

  it.each(named(sessions))('print what is shown: $place', async ({ block }) => {
    const [first, ...shown] = block.text.trimEnd().split('\n')
    const text = shown.join('\n')
    // Which of the sample photos was meant, its size says.
    const height = /^photo\.jpg {2}1920 x (\d+)/m.exec(text)?.[1]
    if (height) await samplePhotoOfHeight(Number(height), join(work, 'photo.jpg'))
    const argv = argvOf(first.slice(2))
    if (argv[0] === 'identify') await enrolAll(argv)
    const terminal = recordingTerminal({ env: process.env })
    await run(argv, terminal)
    expect(wordsOf(terminal.out())).toBe(wordsOf(text))
    // Other photos have other numbers.
    if (height) expectNear(numbersOf(terminal.out()), numbersOf(text))
  })
})

describe('the JSON of the documentation', () => {
  it.each(named(jsons.filter(({ text }) => text.includes('"schema"'))))('is a manifest: $place', ({ block }) => {
    const whole = block.text.replaceAll(/"sha256": "\.\.\."/g, `"sha256": "${'0'.repeat(64)}"`)
    expect(parseManifest(JSON.parse(whole)).name).not.toBe('')
  })

  it('has the keys that the commands print', async () => {
    const printed = await everyPrintedShape()
    const documented = jsons.filter(({ page }) => page === 'docs/cli.md').flatMap(({ text }) => text.trim().split('\n'))
    expect(documented.length).toBeGreaterThanOrEqual(6)
    for (const line of documented) {
      const shape = shapeOf(JSON.parse(completed(line)))
      expect(
        [...printed].some(other => isWithin(shape, other)),
        `${line}\nis like none of\n${[...printed].join('\n')}`,
      ).toBe(true)
    }
  })
})

/** The commands of a block, without prompts, output, comments and what stands in quotes. */
function commandsOf(text: string): string[] {
  const lines = text.startsWith('$ ') ? text.split('\n').filter(line => line.startsWith('$ ')) : text.split('\n')
  return lines
    .map(line => line.replace(/^\$ /, '').replace(/(^|\s)#.*$/, ''))
    .flatMap(line => line.replaceAll(/'[^']*'/g, "''").split(/ && | \| /))
    .map(line => line.trim())
    .filter(Boolean)
}

const argvOf = (command: string): string[] => command.replace(/^(npx )?facewise /, '').split(/\s+/)

/** Programs that are not ours, and that the documentation may call as they are. */
const FOREIGN = ['cd', 'mkdir', 'jq', 'wget', 'ffmpeg', 'curl', 'docker', 'source']

/** What is wrong with a command; nothing, if the program would take it. */
function problemsOf(command: string): string[] {
  const { scripts, peerDependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const [program, verb, ...rest] = command.split(/\s+/)
  const packages = { ...peerDependencies, ...devDependencies, facewise: '' }
  if (/^(npx )?facewise\b/.test(command)) return usageProblems(argvOf(command))
  if (program === 'npm' && verb === 'run') return rest[0] in scripts ? [] : [`There is no script ${rest[0]}.`]
  if (program === 'npm' && (verb === 'install' || verb === 'i')) {
    const unknown = rest.filter(name => !name.startsWith('-') && !(name.replace(/(?<=.)@[^@/]*$/, '') in packages))
    return unknown.map(name => `${name} is no package that this project knows.`)
  }
  if (program === 'npm') return ['init', 'ci', 'test'].includes(verb) ? [] : [`npm ${verb} is not known here.`]
  if (program === 'npx') return verb in packages ? [] : [`npx ${verb} would fetch something unknown.`]
  if (program === 'node' || program === 'tsx') {
    const file = [verb, ...rest].find(word => /\.m?[jt]s$/.test(word)) ?? ''
    const path = file.replace(/^node_modules\/facewise\//, '')
    return existsSync(join(root, path)) || blocks.some(block => block.file === path) ? [] : [`There is no ${file}.`]
  }
  return FOREIGN.includes(program) ? [] : [`${program} is not known here: ${command}`]
}

/** What the real command line says against these words; nothing is carried out. */
function usageProblems(argv: string[]): string[] {
  const program = createProgram({ terminal: recordingTerminal(), version: '0', fail() {} })
  const silence = (command: Command): void => {
    command.action(() => {}).configureOutput({ writeErr() {}, writeOut() {} })
    command.commands.forEach(silence)
  }
  program.commands.forEach(silence)
  try {
    program.parse(argv, { from: 'user' })
    return []
  } catch (error) {
    const harmless = error instanceof CommanderError && /^commander\.(help|version)/.test(error.code)
    return harmless ? [] : [`facewise ${argv.join(' ')}: ${error}`]
  }
}

async function samplePhotoOfHeight(height: number, target: string): Promise<void> {
  for (const number of [1, 2, 3, 4, 5, 6] as const) {
    if ((await sharp(samplePhoto(number)).metadata()).height !== height) continue
    rmSync(target, { force: true })
    writeFileSync(target, readFileSync(samplePhoto(number)))
    return
  }
  throw new Error(`No sample photo is ${height} pixels high.`)
}

/** `identify` of the guide knows two people. */
async function enrolAll(argv: readonly string[]): Promise<void> {
  const url = argv[argv.indexOf('--store') + 1]
  for (const name of ['ada', 'bea']) {
    const terminal = recordingTerminal({ env: process.env })
    await run(['enroll', name, `${name}-1.jpg`, '--store', url, '--replace'], terminal)
    expect(terminal.err()).toBe('')
  }
}

const NUMBER = /\d+(?:\.\d+)?(?:e-?\d+)?/g
/** Text without its numbers, which differ between photos, and without the gauge of quality. */
const wordsOf = (text: string): string =>
  text
    .replaceAll(NUMBER, 'N')
    .replaceAll(/[#-]{3,}/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
const numbersOf = (text: string): number[] => (text.match(NUMBER) ?? []).map(Number)

/** Within what two processors or two versions of a library may differ by. */
function expectNear(printed: readonly number[], shown: readonly number[]): void {
  expect(printed).toHaveLength(shown.length)
  for (const [i, value] of shown.entries()) expect(Math.abs(printed[i] - value)).toBeLessThanOrEqual(1 + value * 0.01)
}

/** A line of JSON in which `...` stands for more of the same. */
function completed(line: string): string {
  return line.replaceAll(/,\s*\.\.\.(?=\s*[\]}])/g, '').replaceAll(/([[{])\s*\.\.\.\s*(?=[\]}])/g, '$1')
}

/** The paths of all keys; of a list, those of its first element. What is left out of the documentation has no keys. */
function shapeOf(value: unknown, path = ''): string {
  if (Array.isArray(value)) return value.length > 0 ? shapeOf(value[0], `${path}[]`) : ''
  if (value === null || typeof value !== 'object') return path
  return Object.entries(value)
    .flatMap(([key, inner]) => [`${path}.${key}`, ...shapeOf(inner, `${path}.${key}`).split(' ')])
    .filter(Boolean)
    .join(' ')
}

/** Whether all keys occur in what was printed, and at the top no fewer: `...` may leave out inner ones. */
function isWithin(documented: string, printed: string): boolean {
  const [few, all] = [documented.split(' '), new Set(printed.split(' '))]
  const top = (keys: Iterable<string>): string => [...new Set([...keys].map(key => key.split(/[.[]/)[1]))].sort().join()
  return few.every(key => all.has(key)) && top(few) === top(all)
}

/** The shape of every line that the commands print with `--json`. */
async function everyPrintedShape(): Promise<Set<string>> {
  const shapes = new Set<string>()
  const store = ['--store', 'file:shapes.db']
  for (const argv of [
    ['detect', 'photo.jpg', 'broken'],
    ['describe', 'photo.jpg'],
    ['represent', 'photo.jpg'],
    ['verify', 'passport.jpg', 'selfie.jpg'],
    ['cluster', 'ada-1.jpg', 'ada-2.jpg', 'bea-1.jpg'],
    ['enroll', 'ada', 'photos/ada', 'broken', ...store],
    ['enroll', 'eve', 'ada-2.jpg', ...store, '--duplicates', 'report'],
    ['identify', 'door.jpg', ...store],
    ['store', 'info', 'file:shapes.db'],
    ['store', 'copy', 'file:shapes.db', 'file:copy.db'],
    ['forget', 'ada', ...store],
    // The native backend is not installed here, which is an error of its own.
    ['bench', 'photo.jpg', '--backend', 'native,wasm', '--runs', '1'],
  ]) {
    const terminal = recordingTerminal({ env: process.env })
    await run([...argv, '--json'], terminal)
    for (const line of terminal.out().split('\n').filter(Boolean)) shapes.add(shapeOf(JSON.parse(line)))
  }
  return shapes
}
