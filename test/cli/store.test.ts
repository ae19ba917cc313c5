import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { store as storeCommand } from '../../src/cli/commands/store/index.ts'
import { run } from '../../src/cli/program.ts'
import { encrypted, generateKey, type NewFaceRecord, openStore } from '../../src/store/index.ts'
import { recordingTerminal } from './terminal.ts'

let folder: string
let url: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facewise stores '))
  url = `file:${join(folder, 'faces.db')}`
})
afterEach(() => rmSync(folder, { recursive: true }))

const records = (count: number): NewFaceRecord[] =>
  Array.from({ length: count }, (_, i) => ({
    id: `r${i}`,
    subject: `s${i % 3}`,
    vector: Float32Array.of(1, i, -1),
    model: 'facenet-512',
    metadata: { i },
  }))

async function fill(at: string, count: number): Promise<void> {
  const store = await openStore(at)
  await store.upsert(records(count))
  await store.close()
}

async function idsAt(at: string): Promise<string[]> {
  const store = await openStore(at)
  const ids: string[] = []
  for await (const { id } of store.list()) ids.push(id)
  await store.close()
  return ids
}

async function call(words: readonly string[], tty = false): Promise<{ code: number; out: string; err: string }> {
  const terminal = recordingTerminal({ tty, env: { NO_COLOR: '1' } })
  const code = await run(['store', ...words], terminal, [storeCommand])
  return { code, out: terminal.out(), err: terminal.err() }
}

describe('facewise store info', () => {
  it('says what a store is and holds', async () => {
    await fill(url, 7)
    const { code, out, err } = await call(['info', url])
    expect([code, err]).toEqual([0, ''])
    expect(out).toMatch(/^store +sqlite, file:.*faces\.db$/m)
    expect(out).toMatch(/^model +facenet-512, 3 numbers$/m)
    expect(out).toMatch(/^records +7$/m)
    expect(out).toMatch(/^subjects +3$/m)
    expect(out).toMatch(
      /^can do +outlives the process; several processes at once; all or nothing of a write; exact search$/m,
    )
    expect(out).not.toContain('encrypted')
  })

  it('is one line of JSON', async () => {
    await fill(url, 4)
    const { out } = await call(['info', url, '--json'])
    expect(out.endsWith('}\n') && out.trimEnd().includes('\n')).toBe(false)
    expect(JSON.parse(out)).toEqual({
      url,
      store: 'sqlite',
      encrypted: false,
      model: 'facenet-512',
      dimension: 3,
      records: 4,
      subjects: 3,
      capabilities: { durable: true, shared: true, atomicUpsert: true, exact: true },
    })
  })

  it('knows an encrypted store and an empty one', async () => {
    const store = encrypted(await openStore(url), { key: generateKey() })
    await store.upsert(records(2))
    await store.close()
    expect((await call(['info', url])).out).toMatch(/^model +facenet-512, 3 numbers\nencrypted +yes/m)
    expect(JSON.parse((await call(['info', url, '--json'])).out)).toMatchObject({ encrypted: true, dimension: 3 })
    const empty = await call(['info', 'memory:'])
    expect(empty.out).toMatch(/^model +none yet/m)
    expect(empty.out).toMatch(/^can do +gone with the process; one process at a time/m)
  })

  it('does not make a store that is not there', async () => {
    for (const at of [
      url,
      pathToFileURL(join(folder, 'faces.db')).href,
      `${url}?mode=rw`,
      `lancedb:${join(folder, 'x')}`,
    ]) {
      const { code, out, err } = await call(['info', at])
      expect([code, out]).toEqual([1, ''])
      expect(err).toMatch(/^failed: There is no store at "/)
    }
    const { code, out } = await call(['info', url, '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(out)).toEqual({
      url,
      error: { code: 'STORE_UNAVAILABLE', message: expect.stringContaining('There is no store') },
    })
    expect(readdirSync(folder)).toEqual([])
  })

  it('says why a store cannot be read, and what is no store', async () => {
    writeFileSync(join(folder, 'faces.db'), 'no database, but long enough to be looked at '.repeat(100))
    const broken = await call(['info', url, '--json'])
    expect(broken.code).toBe(1)
    expect(JSON.parse(broken.out).error.code).toBe('STORE_CORRUPT')
    const wrong = await call(['info', 'faces.db'])
    expect([wrong.code, wrong.out]).toEqual([2, ''])
    expect(wrong.err).toMatch(/file:faces\.db.*\nRun `facewise store info --help`/s)
    expect((await call(['info'])).code).toBe(2)
  })

  it('keeps passwords to itself', async () => {
    const { code, out, err } = await call(['info', 'postgres://ada:sesame@127.0.0.1:9/faces', '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(out).url).toBe('postgres://ada:***@127.0.0.1:9/faces')
    expect(out + err).not.toContain('sesame')
    expect(err).not.toContain('doctor')
  })

  it('shows a bar to a person', async () => {
    await fill(url, 4)
    expect((await call(['info', url], true)).err).toMatch(/\[-+\] 0\/4 {2}counting subjects\r *\r$/)
  })
})

describe('facewise store copy', () => {
  const other = (): string => `file:${join(folder, 'other.db')}`

  it('copies, and copies again', async () => {
    await fill(url, 30)
    const { code, out, err } = await call(['copy', url, other()])
    expect([code, err]).toEqual([0, ''])
    expect(out).toBe(`30 records copied from ${url} to ${other()}\n`)
    expect(await idsAt(other())).toEqual(await idsAt(url))
    const again = await call(['copy', url, other(), '--json', '--batch', '7'])
    expect(JSON.parse(again.out)).toEqual({ from: url, to: other(), copied: 30, last: 'r9' })
    expect(await idsAt(other())).toHaveLength(30)
  })

  it('goes on after an id, and shows a bar', async () => {
    await fill(url, 9)
    const { err, out } = await call(['copy', url, other(), '--after', 'r4', '--batch', '2'], true)
    expect(out).toMatch(/^4 records copied/)
    expect(err).toMatch(/\[#+-+\] 2\/9 {2}r6.*\[#+-+\] 4\/9 {2}r8\r *\r$/s)
    expect(await idsAt(other())).toEqual(['r5', 'r6', 'r7', 'r8'])
  })

  it('copies into a LanceDB folder', async () => {
    await fill(url, 5)
    const to = `lancedb:${join(folder, 'lance')}`
    expect((await call(['copy', url, to])).code).toBe(0)
    expect(await idsAt(to)).toEqual(await idsAt(url))
  })

  it('makes nothing of what is not there, and refuses another model', async () => {
    const missing = await call(['copy', url, other(), '--json'])
    expect(missing.code).toBe(1)
    expect(JSON.parse(missing.out)).toMatchObject({ from: url, to: other(), error: { code: 'STORE_UNAVAILABLE' } })
    expect(existsSync(join(folder, 'other.db'))).toBe(false)

    await fill(url, 3)
    const store = await openStore(other())
    await store.upsert([{ id: 'x', subject: 's', vector: Float32Array.of(1, 0, 0), model: 'dlib-resnet-128' }])
    await store.close()
    const mismatch = await call(['copy', url, other()])
    expect([mismatch.code, mismatch.out]).toEqual([1, ''])
    expect(mismatch.err).toMatch(/^failed: .*dlib-resnet-128, not of facenet-512/)
    expect(await idsAt(other())).toEqual(['x'])
  })

  it('refuses wrong calls', async () => {
    await fill(url, 1)
    expect((await call(['copy', url])).code).toBe(2)
    expect((await call(['copy', url, url])).err).toContain('into itself')
    expect((await call(['copy', url, other(), '--batch', '0'])).code).toBe(2)
    expect((await call(['copy', url, other(), '--batch', '20000'])).code).toBe(2)
    expect((await call(['copy', url, 'nowhere'])).code).toBe(2)
  })

  it('explains itself', async () => {
    for (const words of [['--help'], ['info', '--help'], ['copy', '--help']]) {
      const { code, out } = await call(words)
      expect(code).toBe(0)
      expect(out).toMatch(/Examples:\n {2}facewise store /)
    }
  })
})
