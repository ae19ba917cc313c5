import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'

const CHILD = fileURLToPath(new URL('run-child.ts', import.meta.url))

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'facewise-train-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Runs until it ends, or kills it after so many epochs of this process. */
async function run(name: string, killAfter?: number): Promise<{ first: number; last: number; signal: string | null }> {
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, folder, name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const epochs: number[] = []
  for await (const line of createInterface(child.stdout)) {
    epochs.push(Number(line))
    if (epochs.length === killAfter) child.kill('SIGKILL')
  }
  const [, signal] = await ended
  return { first: epochs[0], last: epochs[epochs.length - 1], signal }
}

it('a run whose process is killed twice ends as one that nobody touched, to the last bit', async () => {
  const [whole] = await Promise.all([
    run('whole'),
    (async () => {
      const once = await run('killed', 7)
      expect([once.first, once.signal]).toEqual([1, 'SIGKILL'])
      const twice = await run('killed', 11)
      expect(twice.signal).toBe('SIGKILL')
      // The kill falls anywhere in an epoch: what was printed was kept, and the next one may have been too.
      expect(twice.first - once.last).toBeOneOf([1, 2])
      const rest = await run('killed')
      expect(rest.first - twice.last).toBeOneOf([1, 2])
      expect([rest.last, rest.signal]).toEqual([60, null])
    })(),
  ])
  expect(whole).toEqual({ first: 1, last: 60, signal: null })
  const resultOf = (name: string): unknown => JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'))
  expect(resultOf('killed')).toEqual(resultOf('whole'))
}, 120_000)
