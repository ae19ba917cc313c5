import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { modelsOf } from '../../src/cli/commands/models/index.ts'
import { run } from '../../src/cli/program.ts'
import { createByteProgress } from '../../src/cli/progress.ts'
import { type MirrorServer, startMirror } from '../models/mirror-server.ts'
import { publishedFiles, tinyCatalog } from '../models/tiny-model.ts'
import { type RecordingTerminal, recordingTerminal } from './terminal.ts'

let server: MirrorServer
let directory: string

beforeEach(async () => {
  server = await startMirror(publishedFiles())
  directory = mkdtempSync(join(tmpdir(), 'facewise models '))
  vi.stubEnv('FACEWISE_MODEL_DIR', directory)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await server.close()
  rmSync(directory, { recursive: true, force: true })
})

/** Runs `facewise models ...` with a catalog of one small model. */
async function models(
  words: readonly string[],
  terminal: RecordingTerminal = recordingTerminal(),
): Promise<{ code: number; out: string; err: string }> {
  const code = await run(['models', ...words], terminal, [modelsOf(tinyCatalog(server.base))])
  return { code, out: terminal.out(), err: terminal.err() }
}
const jsonLines = (text: string): Record<string, unknown>[] =>
  text
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as Record<string, unknown>)

describe('facewise models', () => {
  it('lists, pulls, verifies and removes', async () => {
    const before = await models(['list'])
    expect(before.code).toBe(0)
    expect(before.out).toMatch(/^model +task +state +MB +where$/m)
    expect(before.out).toMatch(/^mtcnn +detection +packaged +1\.26 +\S+mtcnn$/m)
    expect(before.out).toMatch(/^tiny +testing +available +0\.10 +get it: facewise models pull tiny$/m)

    const pulled = await models(['pull', 'tiny'])
    expect(pulled.err).toBe('')
    expect(pulled.code).toBe(0)
    expect(pulled.out).toMatch(/^tiny {2}pulled: 0\.05 MB as float16, in .*tiny\nMIT\. /)
    expect((await models(['pull', 'tiny'])).out).toMatch(/^tiny {2}is there already, whole: /)

    expect((await models(['list'])).out).toMatch(/^tiny +detection +pulled +0\.05 +\S.*tiny$/m)
    const verified = await models(['verify'])
    expect([verified.code, verified.err]).toEqual([0, ''])
    expect(verified.out).toMatch(
      /^mtcnn {2}all there and unaltered: 6 files, 1\.26 MB\ndlib-resnet-128 {2}.*: 3 files, 5\.95 MB\n(.*: 2 files, \d\.\d+ MB\n){4}tiny {2}.*: 2 files, 0\.05 MB\n$/,
    )

    expect((await models(['remove', 'tiny'])).out).toBe(`tiny  removed from ${directory}\n`)
    const again = await models(['remove', 'tiny'])
    expect([again.code, again.out]).toEqual([0, `tiny  was not in ${directory}\n`])
    expect(readdirSync(directory)).toEqual(['.partial'])
  })

  it('does the same as JSON lines', async () => {
    const folder = join(directory, 'tiny')
    expect(jsonLines((await models(['list', '--json'])).out)).toEqual([
      expect.objectContaining({ name: 'mtcnn', state: 'packaged', task: 'detection' }),
      expect.objectContaining({ name: 'dlib-resnet-128', state: 'packaged', task: 'embedding' }),
      expect.objectContaining({ name: 'emotion-mini-xception', state: 'packaged', task: 'classification' }),
      expect.objectContaining({ name: 'age-gender-tiny-xception', state: 'packaged', task: 'classification' }),
      expect.objectContaining({ name: 'antispoof', state: 'packaged', task: 'classification' }),
      expect.objectContaining({ name: 'livenessnet', state: 'packaged', task: 'classification' }),
      { name: 'tiny', title: 'A convolution for tests', task: 'testing', state: 'available', bytes: 98_304 },
    ])
    const { out } = await models(['pull', 'tiny', '--store', 'float32', '--json'])
    const [pulled] = jsonLines(out)
    expect(pulled).toEqual({ model: 'tiny', pulled: true, bytes: expect.any(Number), store: 'float32', folder })
    const listed = jsonLines((await models(['list', '--json'])).out)
    expect(listed.at(-1)).toMatchObject({
      name: 'tiny',
      state: 'pulled',
      store: 'float32',
      folder,
      bytes: pulled.bytes,
    })
    expect(jsonLines((await models(['verify', 'tiny', '--json'])).out)).toEqual([
      { model: 'tiny', ok: true, files: 2, errors: [] },
    ])
    expect(jsonLines((await models(['remove', 'tiny', '--json'])).out)).toEqual([{ model: 'tiny', removed: true }])
  })

  it('uses another folder where told, and a mirror', async () => {
    const mirror = join(directory, 'mirror')
    const other = join(directory, 'site')
    mkdirSync(mirror)
    for (const [name, bytes] of publishedFiles('float16')) writeFileSync(join(mirror, name), bytes)
    expect((await models(['pull', 'tiny', '--from', mirror, '--dir', other])).code).toBe(0)
    expect(server.requests).toEqual([])
    expect(JSON.parse(readFileSync(join(other, 'tiny', 'manifest.json'), 'utf8'))).toMatchObject({ name: 'tiny' })
    expect((await models(['list', '--dir', other])).out).toMatch(/^tiny .* pulled /m)
    expect((await models(['list'])).out).toMatch(/^tiny .* available /m)
  })

  it('names what is damaged, checks the others, and ends with 1', async () => {
    await models(['pull', 'tiny'])
    const path = join(directory, 'tiny', 'weights', 'tiny.bin')
    writeFileSync(path, readFileSync(path).subarray(1))
    const { code, out, err } = await models(['verify'])
    expect(code).toBe(1)
    expect(out).toMatch(/^mtcnn {2}all there/)
    expect(err).toContain(`failed: ${path} has`)
    expect(err).toContain('Get it again: facewise models pull tiny')
    expect((await models(['list'])).out).toMatch(/^tiny .* damaged .*facewise models verify tiny\)$/m)
    const line = jsonLines((await models(['verify', '--json'])).out).at(-1)
    expect(line).toMatchObject({ model: 'tiny', ok: false, errors: [{ code: 'MODEL_CORRUPT' }] })
    expect((await models(['pull', 'tiny'])).code).toBe(0)
    expect((await models(['verify', 'tiny'])).code).toBe(0)
  })

  it('names the file and the address of a download that is wrong, and ends with 1', async () => {
    const bad = { body: new Uint8Array(5) }
    server.misbehave.set('kernel-2.raw', [bad, bad])
    const { code, out, err } = await models(['pull', 'tiny', '--json'])
    expect(code).toBe(1)
    const message = expect.stringContaining(`kernel-2.raw from ${server.base}kernel-2.raw`)
    expect(jsonLines(out)).toEqual([{ model: 'tiny', error: { code: 'MODEL_CORRUPT', message } }])
    expect(err).toMatch(/^failed: kernel-2\.raw from/)
    expect((await models(['list'])).out).toMatch(/^tiny .* partial .*continue: facewise models pull tiny$/m)
    const verified = await models(['verify', 'tiny'])
    expect([verified.code, verified.err]).toEqual([1, expect.stringContaining(`is not in ${directory}`)])
  })

  it('shows people a bar, and takes it away', async () => {
    const { code, out, err } = await models(['pull', 'tiny'], recordingTerminal({ tty: true }))
    expect(code).toBe(0)
    expect(err).toMatch(/\[#{24}\] 0\.10 of 0\.10 MB {2}converting/)
    expect(err).toMatch(/\r +\r$/)
    expect(out).toMatch(/^tiny {2}pulled/)
  })

  it.each([
    [['pull', 'tinny'], /no model "tinny" to pull; there is tiny/],
    [['pull', 'mtcnn'], /comes with the package/],
    [['pull'], /missing required argument/],
    [['pull', 'tiny', '--store', 'int4'], /float32, float16, uint8/],
    [['verify', 'tinny'], /no model "tinny"; there is mtcnn, dlib-resnet-128, .*tiny/],
    [['remove', 'tinny'], /no model "tinny"; there is mtcnn, dlib-resnet-128, .*tiny/],
    [['remove', 'mtcnn'], /comes with the package/],
    [['fetch'], /fetch|Usage/],
  ])('%j is a wrong call', async (words, message) => {
    const { code, out, err } = await models(words)
    expect(code).toBe(2)
    expect(out).toBe('')
    expect(err).toMatch(message)
    expect(server.requests).toEqual([])
  })

  it('explains itself, with examples', async () => {
    for (const command of ['list', 'pull', 'verify', 'remove']) {
      const { code, out } = await models([command, '--help'])
      expect(code).toBe(0)
      expect(out).toMatch(/Examples?:\n {2}facewise models/)
    }
  })
})

describe('a bar of bytes', () => {
  it('is drawn when something new is said, or a while has passed, or all is there', () => {
    const terminal = recordingTerminal({ tty: true })
    let time = 0
    const bar = createByteProgress(terminal.stderr, () => time)
    const drawn = (): number => terminal.err().split('\r').length - 1
    bar.show(0, 100e6, '0 of 2 files')
    bar.show(1e6, 100e6, '0 of 2 files')
    expect(drawn()).toBe(1)
    bar.show(2e6, 100e6, '1 of 2 files')
    expect(drawn()).toBe(2)
    time = 150
    bar.show(50e6, 100e6, '1 of 2 files')
    expect(terminal.err()).toContain('[############------------] 50.0 of 100.0 MB  1 of 2 files')
    bar.show(100e6, 100e6, '1 of 2 files')
    expect(drawn()).toBe(4)
  })

  it('is silent where nobody looks', () => {
    const terminal = recordingTerminal()
    createByteProgress(terminal.stderr).show(1, 2, 'x')
    expect(terminal.err()).toBe('')
  })
})
