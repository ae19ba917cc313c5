import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openStore } from '../../src/store/index.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'facewise-examples-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function example(name: string, ...argv: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', join(root, 'examples', name, 'main.ts'), ...argv],
    // What it leaves behind can be seen there.
    { cwd: root, encoding: 'utf8', timeout: 60_000, env: { ...process.env, TMPDIR: folder, TEMP: folder } },
  )
  return { status, stderr, lines: stdout.trimEnd().split('\n') }
}

describe('examples/node-quickstart', () => {
  it('recognises one of two people in another photo, and takes nobody else for them', () => {
    const { status, stderr, lines } = example('node-quickstart')
    expect([status, stderr]).toEqual([0, ''])
    expect(lines).toHaveLength(3)
    expect(lines.filter(line => / is ada, distance 0\.0\d\d$/.test(line))).toHaveLength(1)
    expect(lines.filter(line => line.endsWith('is a stranger'))).toHaveLength(2)
  })
})

describe('examples/store-adapters', () => {
  it('does the same with a store in memory, in a file and in a folder, and goes on after a store of another model', async () => {
    const url = `file:${join(folder, 'mine.db')}`
    const mine = await openStore(url)
    const vector = Float32Array.from({ length: 128 }, (_, i) => Math.sin(i))
    await mine.upsert([{ id: 'mine', subject: 'me', vector, model: 'dlib-resnet-128' }])
    await mine.close()
    const strange = `file:${join(folder, 'other.db')}`
    const other = await openStore(strange)
    await other.upsert([{ id: 'a', subject: 'a', vector: Float32Array.of(1, 2), model: 'another-2' }])
    await other.close()
    const urls = ['memory:', url, strange, `lancedb:${join(folder, 'lance')}`]
    const { status, stderr, lines } = example('store-adapters', ...urls)
    expect(status).toBe(1)
    expect(stderr).toMatch(/^file:.*other\.db: .*another-2.*\n$/)
    const starts = lines.flatMap((line, i) => (line.startsWith(' ') ? [] : [i]))
    expect(starts.map(start => lines[start])).toEqual([
      'memory:: memory, exact',
      `${url}: sqlite, durable, shared, exact`,
      `${urls[3]}: lancedb, durable, shared, exact`,
    ])
    const [memory, file, lance] = starts.map((start, i) => lines.slice(start + 1, starts[i + 1]))
    expect(memory).toHaveLength(8)
    expect(memory[0]).toBe('  stored    3 faces')
    expect(memory.filter(line => /guest \d, distance 0\.0\d+$/.test(line))).toHaveLength(1)
    expect(memory.at(-1)).toBe('  forgot    3 faces')
    expect(file).toEqual(memory)
    expect(lance).toEqual(memory)
    // Its own faces are gone, others are not.
    const after = await openStore(url)
    expect(await after.count()).toBe(1)
    await after.close()
  })

  it('without an address takes memory and a file, which it clears away', () => {
    const { status, stderr, lines } = example('store-adapters')
    expect([status, stderr]).toEqual([0, ''])
    expect(lines.filter(line => !line.startsWith(' ')).map(line => line.split(':')[0])).toEqual(['memory', 'file'])
    expect(readdirSync(folder).filter(name => name.startsWith('facewise-stores-'))).toEqual([])
  })
})
