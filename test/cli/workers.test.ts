import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inOrder } from '../../src/cli/pictures.ts'
import { run } from '../../src/cli/program.ts'
import { samplePhoto } from '../data.ts'
import { sourceWorker } from '../worker/threads.ts'
import { recordingTerminal } from './terminal.ts'

let folder: string
/** Photos of people with what cannot be read between them. */
let inputs: string[]
const path = (name: string): string => join(folder, name)

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'facewise-workers-'))
  for (const number of [1, 2, 6] as const) {
    await sharp(samplePhoto(number))
      .resize(640)
      .jpeg({ quality: 92 })
      .toFile(path(`${number}.jpg`))
  }
  const person = { left: 300, top: 260, width: 400, height: 420 }
  await sharp(samplePhoto(1)).extract(person).png().toFile(path('ada.png'))
  writeFileSync(path('text.jpg'), 'no picture')
  inputs = ['1.jpg', 'missing.jpg', '2.jpg', 'text.jpg', '6.jpg'].map(path)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function facewise(argv: readonly string[], options: Parameters<typeof recordingTerminal>[0] = {}) {
  const terminal = recordingTerminal(options)
  const code = await run(argv, terminal)
  return { code, out: terminal.out(), err: terminal.err() }
}

/** Counts the threads that are started. */
function countingStart() {
  const started = { count: 0 }
  const startWorker = () => {
    started.count++
    return sourceWorker()
  }
  return { started, startWorker }
}

describe('--workers', () => {
  it.each([
    ['detect', 3, []],
    ['describe', 2, ['--liveness']],
    ['represent', 2, ['--faces', 'center']],
    ['represent', 2, ['--aligned']],
  ] as const)('changes no bit of what %s prints, with %i', async (command, workers, options) => {
    const argv = [command, ...inputs, ...options, '--json']
    const here = await facewise(argv)
    const { started, startWorker } = countingStart()
    const there = await facewise([...argv, '--workers', String(workers)], { startWorker })
    expect(there).toEqual(here)
    expect(here.code).toBe(1)
    expect(here.out.split('\n').length).toBeGreaterThan(inputs.length / 2)
    // They are started as they are needed: a quick one may leave nothing to the last.
    expect(started.count).toBeGreaterThan(0)
    expect(started.count).toBeLessThanOrEqual(workers)
  })

  it('identifies by a store in this thread, and draws the same copies', async () => {
    const store = `file:${path('faces.db')}`
    expect((await facewise(['enroll', 'ada', path('ada.png'), '--store', store])).code).toBe(0)
    const photos = [path('1.jpg'), path('2.jpg'), path('6.jpg')]
    const argv = ['identify', ...photos, '--store', store, '--json', '--draw']
    const here = await facewise([...argv, path('here')])
    const there = await facewise([...argv, path('there'), '--workers', '2'])
    expect(there.out).toBe(here.out)
    expect(there.out).toContain('"subject":"ada"')
    for (const name of ['1.jpg', '2.jpg', '6.jpg']) {
      expect(readFileSync(path(`there/${name}`)).equals(readFileSync(path(`here/${name}`))), name).toBe(true)
    }
  })

  it('shows one bar over all pictures', async () => {
    const { err } = await facewise(['detect', path('1.jpg'), path('2.jpg'), '--workers', '2'], { tty: true })
    expect(err).toContain('] 0/2')
    expect(err).toContain('] 1/2')
  })

  it('starts no thread for one picture, nor for 1', async () => {
    const { started, startWorker } = countingStart()
    expect((await facewise(['detect', path('1.jpg'), '--workers', '4'], { startWorker })).code).toBe(0)
    expect((await facewise(['detect', path('1.jpg'), path('2.jpg'), '--workers', '1'], { startWorker })).code).toBe(0)
    expect(started.count).toBe(0)
  })

  it('names the pictures of a worker that is lost, and does the rest', async () => {
    let threads = 0
    const startWorker = () => {
      const thread = sourceWorker()
      if (threads++ > 0) return thread
      const post = thread.postMessage.bind(thread)
      thread.postMessage = (message: { type: string }, ...rest: never[]) => {
        post(message, ...rest)
        if (message.type === 'call') void thread.terminate()
      }
      return thread
    }
    const photos = [1, 2, 6, 1, 2].map(number => path(`${number}.jpg`))
    const { code, out, err } = await facewise(['detect', ...photos, '--workers', '2', '--json'], { startWorker })
    const lines = out
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as { file: string; error?: { code: string } })
    expect(code).toBe(1)
    expect(lines.map(({ file }) => file)).toEqual(photos)
    const lost = lines.filter(({ error }) => error)
    expect(lost.length).toBeGreaterThan(0)
    expect(lost.length).toBeLessThanOrEqual(2)
    for (const { file, error } of lost) {
      expect(error?.code).toBe('WORKER_LOST')
      expect(err).toContain(`"${file}"`)
    }
    expect(err).toContain('Give this picture again')
  })

  it('ends where no worker can be started, and says why', async () => {
    const startWorker = () => {
      throw new Error('no threads today')
    }
    const { code, out, err } = await facewise(['detect', ...inputs, '--workers', '2', '--json'], { startWorker })
    expect(code).toBe(1)
    expect(out).not.toContain('"faces"')
    expect(err).toContain('no threads today')
    expect(err.match(/no threads today/g)).toHaveLength(1)
  })

  it.each(['0', '65', '1.5', 'many'])('%s is a wrong call', async workers => {
    const { code, out, err } = await facewise(['detect', path('1.jpg'), '--workers', workers])
    expect([code, out]).toEqual([2, ''])
    expect(err.trimEnd().split('\n')).toHaveLength(2)
  })
})

describe('inOrder', () => {
  it('gives results in the order of the items, with no more of them at a time than it may', async () => {
    let running = 0
    let most = 0
    const items = Array.from({ length: 40 }, (_, i) => i)
    const found: number[] = []
    const start = async (item: number): Promise<number> => {
      most = Math.max(most, ++running)
      await new Promise(resolve => setTimeout(resolve, (item * 7) % 5))
      running--
      return item * item
    }
    for await (const value of inOrder(items, 4, start)) found.push(value)
    expect(found).toEqual(items.map(item => item * item))
    expect(most).toBe(4)
  })

  it('waits for what it has begun when it is left', async () => {
    let open = 0
    let begun = 0
    const start = async (): Promise<void> => {
      begun++
      open++
      await new Promise(resolve => setTimeout(resolve, 5))
      open--
    }
    for await (const _ of inOrder(Array(20).fill(0), 3, start)) break
    expect([open, begun]).toEqual([0, 3])
  })
})
