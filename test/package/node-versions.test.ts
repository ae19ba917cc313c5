import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type NodeVersion, nodeVersions } from '../../scripts/node-versions.ts'
import { npmEnvironment, pack } from '../../scripts/pack.ts'
import { samplePhoto } from '../data.ts'

const nodes = await nodeVersions()
if (typeof nodes === 'string') console.log(`\nSKIPPED: the README's program on every supported Node: ${nodes}.\n`)

/** The first program of the README, as it stands there. */
const readme = readFileSync(fileURLToPath(new URL('../../README.md', import.meta.url)), 'utf8')
const program = /^```ts\n([\s\S]*?)^```$/m.exec(readme)![1]

/** The same for those who have not come to ES modules. */
const commonJs = `async function main() {
${program.replace(/^import (\{.*\}) from ('.*')$/gm, 'const $1 = require($2)')}
}
main()
`

let project: string
/** What each program printed, by the version of Node. */
const printed = new Map<string, string>()

beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), 'facewise-newcomer-'))
  const npm = (...args: string[]): void => {
    const { status, stderr } = spawnSync('npm', args, { cwd: project, encoding: 'utf8', env: npmEnvironment() })
    expect(stderr).toBe('')
    expect(status).toBe(0)
  }
  npm('init', '--yes')
  npm('install', '--prefer-offline', await pack())
  copyFileSync(samplePhoto(6), join(project, 'photo.jpg'))
  writeFileSync(join(project, 'faces.mjs'), program)
  writeFileSync(join(project, 'faces.cjs'), commonJs)
}, 600_000)
afterAll(() => rmSync(project, { recursive: true, force: true }))

/** Runs it with nothing else on the machine: no path, and an empty home. */
function run(node: NodeVersion, file: string): string {
  const home = join(project, 'home', node.version, file)
  mkdirSync(home, { recursive: true })
  const { status, stdout, stderr } = spawnSync(node.path, [file], {
    cwd: project,
    encoding: 'utf8',
    env: { PATH: '', HOME: home },
  })
  expect(stderr).toBe('')
  expect(status).toBe(0)
  return stdout
}

describe("the README's first program, from an empty folder", () => {
  it('is the three lines that it is said to be', () => {
    expect(program.trim().split('\n').filter(Boolean)).toHaveLength(3)
    expect(commonJs).toContain("= require('facewise')")
    expect(commonJs).not.toContain('import ')
  })

  it
    .skipIf(typeof nodes === 'string')
    .each((typeof nodes === 'string' ? [] : nodes).map(node => [node.version, node] as const))(
    'runs on Node %s, as an ES module and as CommonJS',
    (version, node) => {
      const esm = run(node, 'faces.mjs')
      const lines = esm.trim().split('\n')
      expect(lines).toHaveLength(4)
      // Where the face is, its age, and how happy it looks.
      for (const line of lines) expect(line).toMatch(/^(\d+\.\d+ ){3}\d/)
      expect(run(node, 'faces.cjs')).toBe(esm)
      printed.set(version, esm)
    },
  )

  it.skipIf(typeof nodes === 'string')('finds the same on all of them', () => {
    expect(printed.size).toBe(3)
    expect(new Set(printed.values()).size).toBe(1)
  })
})
