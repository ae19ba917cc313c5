import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { startBackend } from '../../src/backends/index.ts'
import type { Convert, PulledDtype } from '../../src/models/catalog.ts'
import { readModel, verifyFiles } from '../../src/models/directory.node.ts'
import { listModels } from '../../src/models/list.node.ts'
import { loadModel } from '../../src/models/load.ts'
import { parseManifest } from '../../src/models/manifest.ts'
import { pullFrom } from '../../src/models/pull.node.ts'
import type { PullOptions, PullProgress } from '../../src/models/pull.ts'
import { random } from '../random.ts'
import { type MirrorServer, startMirror } from './mirror-server.ts'
import { convertTiny, kernel, publishedFiles, SIDE, tinyCatalog } from './tiny-model.ts'

const files = publishedFiles()

let server: MirrorServer
let directory: string
let children: ChildProcess[]

beforeEach(async () => {
  server = await startMirror(files)
  directory = mkdtempSync(join(tmpdir(), 'facewise pull ü '))
  children = []
})
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const child of children) child.kill('SIGKILL')
  await server.close()
  rmSync(directory, { recursive: true, force: true })
})

const pull = (options: PullOptions = {}, convert?: Convert) =>
  pullFrom(tinyCatalog(server.base, convert), 'tiny', { directory, ...options }, { backoffMs: 1, maxWaitMs: 20 })

async function expectWhole(store: PulledDtype = 'float16'): Promise<void> {
  const model = await readModel(directory, 'tiny')
  expect(model?.store).toBe(store)
  expect(await verifyFiles(model!)).toEqual([])
  // Nothing of the work is left.
  expect(readdirSync(join(directory, '.partial'))).toEqual([])
}

describe('a pull', () => {
  test.each(['float32', 'float16'] as const)(
    'stored as %s gives a model that loads by name and computes',
    async store => {
      const phases: PullProgress[] = []
      const { pulled, folder } = await pull({ store, onProgress: progress => phases.push(progress) })
      expect([pulled, folder]).toEqual([true, join(directory, 'tiny')])
      expect([...new Set(phases.map(({ phase }) => phase))]).toEqual(['download', 'convert', 'write'])
      await expectWhole(store)

      vi.stubEnv('FACEWISE_MODEL_DIR', directory)
      const engine = await startBackend({ prefer: 'wasm' })
      const model = await loadModel('tiny', { engine })
      const { float } = random(3)
      const data = Float32Array.from({ length: SIDE * SIDE * 3 }, () => float(-1, 1))
      const [output] = await model.network('tiny').run([{ data, shape: [1, SIDE, SIDE, 3] }])
      model.dispose()
      expect(output).toHaveLength(32)
      output.forEach((value, channel) => {
        const wanted = data.reduce((sum, x, i) => sum + x * kernel[i * 32 + channel], 0)
        expect(value).toBeCloseTo(wanted, 3)
      })
    },
  )

  test('of a model that is there fetches nothing', async () => {
    await pull()
    server.requests.length = 0
    expect(await pull()).toMatchObject({ pulled: false, store: 'float16', folder: join(directory, 'tiny') })
    expect(await pull({ store: 'float16' })).toMatchObject({ pulled: false })
    expect(server.requests).toEqual([])
  })

  test('of a model that is there, stored otherwise or damaged, makes it anew', async () => {
    await pull()
    expect(await pull({ store: 'float32' })).toMatchObject({ pulled: true })
    await expectWhole('float32')
    const path = join(directory, 'tiny', 'weights', 'tiny.bin')
    const bytes = readFileSync(path)
    bytes[1000] ^= 4
    writeFileSync(path, bytes)
    expect(await pull()).toMatchObject({ pulled: true })
    await expectWhole()
    writeFileSync(join(directory, 'tiny', 'manifest.json'), 'half a manif')
    expect(await pull()).toMatchObject({ pulled: true })
    await expectWhole()
  })

  test('from a mirror: an address, a folder, a file address', async () => {
    const half = publishedFiles('float16')
    const mirror = await startMirror(half)
    const folder = join(directory, 'a mirror')
    mkdirSync(folder)
    for (const [name, bytes] of half) writeFileSync(join(folder, name), bytes)
    try {
      for (const from of [mirror.base, mirror.base.slice(0, -1), folder, new URL(`file://${encodeURI(folder)}`)]) {
        rmSync(join(directory, 'tiny'), { recursive: true, force: true })
        expect(await pull({ from, store: 'float32' })).toMatchObject({ pulled: true })
        await expectWhole('float32')
      }
      expect(mirror.requests).toHaveLength(2 * half.size)
      expect(server.requests).toEqual([])
    } finally {
      await mirror.close()
    }
  })

  test('that fails leaves no model, and what has come for the next', async () => {
    const bad = { body: new Uint8Array(files.get('kernel-7.raw')!.length) }
    server.misbehave.set('kernel-7.raw', [bad, bad])
    const failing = pull()
    await expect(failing).rejects.toMatchObject({
      code: 'MODEL_CORRUPT',
      message: expect.stringContaining(`kernel-7.raw from ${server.base}kernel-7.raw`),
    })
    expect(await readModel(directory, 'tiny')).toBeUndefined()
    expect(await listModels(directory, tinyCatalog(server.base))).toContainEqual(
      expect.objectContaining({ name: 'tiny', state: 'partial' }),
    )
    expect(readdirSync(join(directory, '.partial'))).toEqual(['tiny'])
    const kept = readdirSync(join(directory, '.partial', 'tiny'))
    server.requests.length = 0
    await pull()
    const asked = server.requests.map(({ name }) => name)
    for (const name of kept.filter(entry => entry.endsWith('.raw'))) expect(asked).not.toContain(name)
    await expectWhole()
  })

  test('whose conversion is wrong leaves no model', async () => {
    const throws: Convert = async () => {
      throw new Error('not today')
    }
    await expect(pull({}, throws)).rejects.toThrow('not today')
    const invalid: Convert = async () => ({ files: new Map(), manifest: { schema: 1 } })
    await expect(pull({}, invalid)).rejects.toMatchObject({ code: 'MODEL_INVALID' })
    const renamed: Convert = async (contents, options) => {
      const made = await convertTiny(contents, options)
      return { ...made, manifest: { ...parseManifest(made.manifest), name: 'other' } }
    }
    await expect(pull({}, renamed)).rejects.toMatchObject({ code: 'MODEL_INVALID' })
    const altered: Convert = async (contents, options) => {
      const made = await convertTiny(contents, options)
      return { ...made, files: new Map([...made.files].map(([path, bytes]) => [path, bytes.slice(1)])) }
    }
    await expect(pull({}, altered)).rejects.toMatchObject({ code: 'MODEL_CORRUPT' })
    expect(await readModel(directory, 'tiny')).toBeUndefined()
    // The download was right: only the conversion is done again.
    server.requests.length = 0
    await pull()
    expect(server.requests).toEqual([])
    await expectWhole()
  })

  test('can be stopped at any time', async () => {
    await expect(pull({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
    expect(server.requests).toEqual([])
    for (const at of ['download', 'convert', 'write'] as const) {
      const controller = new AbortController()
      const onProgress = ({ phase }: PullProgress): void => {
        if (phase === at) controller.abort()
      }
      const stopped = pull({ signal: controller.signal, onProgress })
      // What is written already is put into place.
      if (at === 'write') expect(await stopped).toMatchObject({ pulled: true })
      else await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' })
      expect((await readModel(directory, 'tiny')) !== undefined).toBe(at === 'write')
    }
    await expectWhole()
  })

  test('of an unknown name, of the package, from no address', async () => {
    const refused = (message: RegExp) => ({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) })
    const catalog = tinyCatalog(server.base)
    await expect(pullFrom(catalog, 'small', { directory })).rejects.toMatchObject(refused(/"small".*there is tiny/))
    await expect(pullFrom(catalog, 'mtcnn', { directory })).rejects.toMatchObject(refused(/comes with the package/))
    await expect(pull({ from: 'http://' })).rejects.toMatchObject(refused(/http:\/\//))
    expect(existsSync(join(directory, '.partial'))).toBe(false)
  })

  test('into a place that cannot be written', async () => {
    const file = join(directory, 'file')
    writeFileSync(file, '')
    await expect(pull({ directory: file })).rejects.toMatchObject({ code: 'OUTPUT_FAILED' })
    expect(server.requests).toEqual([])
  })
})

describe('two pulls at once', () => {
  test('in one program: every file is fetched once', async () => {
    server.delay = 20
    const phases = new Set<string>()
    const onProgress = ({ phase }: PullProgress): void => void phases.add(phase)
    const results = await Promise.all([pull({ onProgress }), pull({ onProgress }), pull({ onProgress })])
    expect(results.map(({ pulled }) => pulled).sort()).toEqual([false, false, true])
    expect(phases).toContain('wait')
    for (const name of files.keys()) expect(server.count(name)).toBe(1)
    await expectWhole()
  })

  test('in two programs: the second waits and finds it there', async () => {
    server.misbehave.set('kernel-3.raw', [{ stallAfter: 100 }])
    const child = startChild()
    await expect.poll(() => server.requests.length, { timeout: 30_000 }).toBeGreaterThan(0)
    let waits = 0
    const second = pull({
      onProgress: ({ phase }) => {
        // Only now may the first go on: its connection breaks, and it asks again.
        if (phase === 'wait' && waits++ === 0) server.dropConnections()
      },
    })
    expect(await second).toMatchObject({ pulled: false })
    expect(waits).toBe(1)
    expect((await child.ended).lines).toEqual(['download', 'convert', 'write', 'pulled'])
    await expectWhole()
  })
})

describe('a pull that is killed', () => {
  test('leaves nothing that looks like a model, and is continued by the next', async () => {
    // One file comes in part, the others whole.
    server.misbehave.set('kernel-7.raw', [{ stallAfter: 5000 }])
    const partial = join(directory, '.partial', 'tiny')
    const child = startChild()
    const kept = () => (existsSync(partial) ? readdirSync(partial) : [])
    await expect
      .poll(() => kept().filter(name => name.endsWith('.raw')).length, { timeout: 30_000 })
      .toBe(files.size - 1)
    await expect.poll(() => sizeOf(join(partial, 'kernel-7.raw.part'))).toBe(5000)
    child.process.kill('SIGKILL')
    expect(await child.ended).toMatchObject({ signal: 'SIGKILL' })

    expect(existsSync(join(directory, '.partial', 'tiny.lock'))).toBe(true)
    expect(await readModel(directory, 'tiny')).toBeUndefined()
    expect(await listModels(directory, tinyCatalog(server.base))).toContainEqual(
      expect.objectContaining({ name: 'tiny', state: 'partial' }),
    )

    server.requests.length = 0
    const phases = new Set<string>()
    expect(await pull({ onProgress: ({ phase }) => void phases.add(phase) })).toMatchObject({ pulled: true })
    // The lock of a dead process holds nobody up, and only the rest of one file was missing.
    expect(phases).not.toContain('wait')
    expect(server.requests.map(({ name, headers }) => [name, headers.range])).toEqual([['kernel-7.raw', 'bytes=5000-']])
    await expectWhole()
  })

  test('while it writes the model leaves none either, and what it wrote is tidied up', async () => {
    const child = startChild('die')
    expect(await child.ended).toMatchObject({ signal: 'SIGKILL', lines: ['download', 'convert', 'write'] })
    const [, draft] = readdirSync(join(directory, '.partial')).filter(
      name => name.startsWith('tiny') && name !== 'tiny',
    )
    expect(readdirSync(join(directory, '.partial', draft))).toEqual(['tiny.graph.json'])
    expect(existsSync(join(directory, 'tiny'))).toBe(false)

    server.requests.length = 0
    expect(await pull()).toMatchObject({ pulled: true })
    expect(server.requests).toEqual([])
    await expectWhole()
  })
})

function sizeOf(path: string): number {
  return existsSync(path) ? readFileSync(path).length : 0
}

/** A real process that pulls into the same directory. */
function startChild(...words: string[]): {
  process: ChildProcess
  ended: Promise<{ signal: string | null; lines: string[] }>
} {
  const script = fileURLToPath(new URL('pull-child.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', script, server.base, directory, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  let text = ''
  child.stdout.setEncoding('utf8').on('data', chunk => {
    text += chunk
  })
  const ended = once(child, 'close').then(([, signal]) => ({
    signal: signal as string | null,
    lines: text.split('\n').filter(Boolean),
  }))
  return { process: child, ended }
}
