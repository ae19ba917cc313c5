import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { sqliteStore } from '../../src/store/sqlite.ts'

const folder = mkdtempSync(join(tmpdir(), 'facewise-sqlite-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const WRITER = fileURLToPath(new URL('./sqlite-writer.ts', import.meta.url))
const COUNT = 300

interface Writer {
  readonly process: ChildProcess
  /** Its last line. */
  readonly outcome: Promise<string>
}

async function startWriter(url: string, name: string): Promise<Writer> {
  const child = spawn(process.execPath, ['--import', 'tsx', WRITER, url, name, String(COUNT)])
  let output = ''
  child.stdout.on('data', chunk => {
    output += chunk
  })
  child.stderr.on('data', chunk => {
    output += chunk
  })
  const outcome = once(child, 'close').then(
    ([code]) => `${output.trim().split('\n').slice(1).join('\n')}, exit ${code}`,
  )
  await once(child.stdout, 'data')
  return { process: child, outcome }
}

describe('one SQLite file of several processes', () => {
  it('loses no record, and is whole at every moment', async () => {
    const url = `file:${join(folder, 'shared.db')}`
    const writers = await Promise.all(['a', 'b'].map(name => startWriter(url, name)))
    // All make the file, and claim it, at once.
    for (const writer of writers) writer.process.stdin?.write('go\n')
    let running = true
    const outcomes = Promise.all(writers.map(({ outcome }) => outcome)).finally(() => {
      running = false
    })
    const store = await sqliteStore({ url })
    let seen = 0
    for (let i = 0; running; i++) {
      await store.upsert([{ id: `c${i}`, subject: 'c', vector: Float32Array.of(1, i, 2, 3), model: 'shared' }])
      const counts = await Promise.all(['a', 'b'].map(subject => store.count({ subject })))
      // Five at a time, or none of them.
      expect(counts.map(count => count % 5)).toEqual([0, 0])
      expect(counts[0] + counts[1]).toBeGreaterThanOrEqual(seen)
      seen = counts[0] + counts[1]
      expect(await store.count({ subject: 'c' })).toBe(i + 1)
      await new Promise(resolve => setTimeout(resolve, 5))
    }
    expect(await outcomes).toEqual(['missed 0, exit 0', 'missed 0, exit 0'])
    const ids = new Set<string>()
    for await (const record of store.list()) {
      ids.add(record.id)
      if (record.subject === 'a') expect(record.metadata).toEqual({ i: Number(record.id.slice(1)) })
    }
    for (const name of ['a', 'b']) for (let i = 0; i < COUNT; i++) expect(ids).toContain(`${name}${i}`)
    expect(await store.count()).toBe(ids.size)
    await store.close()
  })

  // Windows has other permissions. Root may write everything, so the program becomes somebody else first.
  it.skipIf(process.platform === 'win32')('that may only be read is read, and says so when written', async () => {
    const shared = mkdtempSync(join(tmpdir(), 'facewise-readonly-'))
    const file = join(shared, 'faces.db')
    const store = await sqliteStore({ url: `file:${file}` })
    await store.upsert([{ id: 'a', subject: 's', vector: Float32Array.of(1, 0), model: 'shared' }])
    await store.close()
    chmodSync(file, 0o444)
    chmodSync(shared, 0o555)
    const source = fileURLToPath(new URL('../../src/store/sqlite.ts', import.meta.url))
    const program = `
      const { sqliteStore } = await import(${JSON.stringify(source)})
      if (process.getuid() === 0) process.setuid(65534)
      const outcome = []
      try {
        const store = await sqliteStore({ url: ${JSON.stringify(`file:${file}`)} })
        outcome.push((await store.get('a'))?.subject)
        await store.upsert([{ id: 'b', subject: 's', vector: Float32Array.of(1, 0), model: 'shared' }])
      } catch (error) { outcome.push(error.code, error.message) }
      console.log(JSON.stringify(outcome))`
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program])
    let output = ''
    child.stdout.on('data', chunk => {
      output += chunk
    })
    child.stderr.on('data', chunk => {
      output += chunk
    })
    await once(child, 'close')
    chmodSync(shared, 0o755)
    rmSync(shared, { recursive: true, force: true })
    expect(JSON.parse(output)).toEqual(['s', 'STORE_FAILED', expect.stringContaining('may not be written')])
  })
})
