import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  installModel,
  modelDirectory,
  namesIn,
  partialFolder,
  readModel,
  removeLeftovers,
  verifyFiles,
} from '../../src/models/directory.node.ts'
import { findModel } from '../../src/models/find.node.ts'
import { listModels, verifyModel } from '../../src/models/list.node.ts'
import { type Manifest, parseManifest } from '../../src/models/manifest.ts'
import { removeModel } from '../../src/models/pull.node.ts'
import { convertTiny, publishedFiles, tinyCatalog } from './tiny-model.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'facewise models ü '))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(directory, { recursive: true, force: true })
})

const catalog = tinyCatalog('http://127.0.0.1:9/')
const { files, manifest: made } = await convertTiny(publishedFiles(), { store: 'float32' })
const manifest = parseManifest(made)
const install = () => installModel(directory, files, manifest, 'float32')
const stateOf = async (name: string) => (await listModels(directory, catalog)).find(model => model.name === name)?.state

describe('the model directory', () => {
  test('is where the environment says, or else in the cache folder of the user', () => {
    vi.stubEnv('FACEWISE_CACHE_DIR', '')
    vi.stubEnv('FACEWISE_MODEL_DIR', '')
    vi.stubEnv('XDG_CACHE_HOME', '')
    if (process.platform === 'linux') expect(modelDirectory()).toBe(join(homedir(), '.cache', 'facewise', 'models'))
    if (process.platform === 'darwin')
      expect(modelDirectory()).toBe(join(homedir(), 'Library', 'Caches', 'facewise', 'models'))
    vi.stubEnv('FACEWISE_CACHE_DIR', '/somewhere')
    expect(modelDirectory()).toBe(join('/somewhere', 'models'))
    vi.stubEnv('FACEWISE_MODEL_DIR', '/elsewhere')
    expect(modelDirectory()).toBe('/elsewhere')
  })

  test.skipIf(process.platform !== 'linux')('heeds XDG_CACHE_HOME', () => {
    vi.stubEnv('FACEWISE_CACHE_DIR', '')
    vi.stubEnv('FACEWISE_MODEL_DIR', '')
    vi.stubEnv('XDG_CACHE_HOME', '/xdg')
    expect(modelDirectory()).toBe('/xdg/facewise/models')
  })

  test('that is not there holds nothing', async () => {
    const none = join(directory, 'none')
    expect(await namesIn(none)).toEqual({ models: [], unfinished: [] })
    expect(await readModel(none, 'tiny')).toBeUndefined()
    expect((await listModels(none, catalog)).map(({ name, state }) => [name, state])).toEqual([
      ['mtcnn', 'packaged'],
      ['dlib-resnet-128', 'packaged'],
      ['emotion-mini-xception', 'packaged'],
      ['age-gender-tiny-xception', 'packaged'],
      ['antispoof', 'packaged'],
      ['livenessnet', 'packaged'],
      ['tiny', 'available'],
    ])
  })
})

describe('installing', () => {
  test('puts files and manifest into a folder, and leaves nothing beside', async () => {
    const { folder } = await install()
    expect(readdirSync(folder).sort()).toEqual(['manifest.json', 'pull.json', 'tiny.graph.json', 'weights'])
    for (const [path, bytes] of files) expect(Buffer.compare(readFileSync(join(folder, path)), bytes)).toBe(0)
    expect(await readModel(directory, 'tiny')).toEqual({ folder, manifest, store: 'float32' })
    expect(readdirSync(join(directory, '.partial'))).toEqual([])
    expect(await namesIn(directory)).toEqual({ models: ['tiny'], unfinished: [] })
  })

  test('over an older one replaces it whole', async () => {
    mkdirSync(join(directory, 'tiny'))
    writeFileSync(join(directory, 'tiny', 'old.bin'), 'old')
    const { folder } = await install()
    expect(existsSync(join(folder, 'old.bin'))).toBe(false)
    expect(readdirSync(join(directory, '.partial'))).toEqual([])
  })

  test('files that the manifest does not mean leaves the old one as it is', async () => {
    await install()
    const altered = new Map([...files, ['weights/tiny.bin', new Uint8Array(5)]])
    const wrong = installModel(directory, altered, manifest, 'float16')
    await expect(wrong).rejects.toMatchObject({ code: 'MODEL_CORRUPT', message: expect.stringContaining('tiny.bin') })
    const missing = installModel(directory, new Map(), manifest, 'float16')
    await expect(missing).rejects.toMatchObject({ code: 'MODEL_INVALID' })
    const model = await readModel(directory, 'tiny')
    expect(model?.store).toBe('float32')
    expect(await verifyFiles(model!)).toEqual([])
    expect(readdirSync(join(directory, '.partial'))).toEqual([])
  })

  test('where nothing can be written says so and what to do', async () => {
    const file = join(directory, 'file')
    writeFileSync(file, '')
    await expect(installModel(file, files, manifest, 'float32')).rejects.toMatchObject({
      code: 'OUTPUT_FAILED',
      message: expect.stringContaining('FACEWISE_MODEL_DIR'),
    })
  })
})

describe('what is there', () => {
  test('pulled, damaged, partial, available', async () => {
    expect(await stateOf('tiny')).toBe('available')
    mkdirSync(partialFolder(directory, 'tiny'), { recursive: true })
    expect(await stateOf('tiny')).toBe('partial')
    // Files without a manifest are no model.
    mkdirSync(join(directory, 'tiny', 'weights'), { recursive: true })
    writeFileSync(join(directory, 'tiny', 'weights', 'tiny.bin'), files.get('weights/tiny.bin')!)
    expect(await stateOf('tiny')).toBe('partial')
    const { folder } = await install()
    expect(await stateOf('tiny')).toBe('pulled')
    writeFileSync(join(folder, 'weights', 'tiny.bin'), 'short')
    expect(await stateOf('tiny')).toBe('damaged')
    await install()
    writeFileSync(join(folder, 'manifest.json'), '{ "schema": 1')
    expect(await stateOf('tiny')).toBe('damaged')
  })

  test('models of others are listed too, linked ones as well', async () => {
    const { folder } = await install()
    const elsewhere = mkdtempSync(join(tmpdir(), 'facewise elsewhere '))
    try {
      const own: Manifest = { ...manifest, name: 'own' }
      mkdirSync(join(elsewhere, 'own'))
      writeFileSync(join(elsewhere, 'own', 'manifest.json'), JSON.stringify(own))
      symlinkSync(join(elsewhere, 'own'), join(directory, 'own'), 'dir')
      const listed = await listModels(directory, catalog)
      expect(listed.map(({ name, state }) => [name, state])).toEqual([
        ['mtcnn', 'packaged'],
        ['dlib-resnet-128', 'packaged'],
        ['emotion-mini-xception', 'packaged'],
        ['age-gender-tiny-xception', 'packaged'],
        ['antispoof', 'packaged'],
        ['livenessnet', 'packaged'],
        ['tiny', 'pulled'],
        ['own', 'damaged'],
      ])
      expect(listed[6]).toEqual({
        name: 'tiny',
        title: 'A convolution for tests',
        task: 'detection',
        state: 'pulled',
        store: 'float32',
        bytes: [...files.values()].reduce((sum, bytes) => sum + bytes.length, 0),
        folder,
      })
    } finally {
      rmSync(elsewhere, { recursive: true })
    }
  })

  test('checked: one error for each wrong file, which is named', async () => {
    const { folder } = await install()
    expect(await verifyModel('tiny', directory)).toMatchObject({ name: 'tiny', files: 2, errors: [] })
    const graph = files.get('tiny.graph.json')!.slice()
    graph[100] ^= 1
    writeFileSync(join(folder, 'tiny.graph.json'), graph)
    rmSync(join(folder, 'weights', 'tiny.bin'))
    const { errors } = (await verifyModel('tiny', directory))!
    expect(errors.map(({ code }) => code)).toEqual(['MODEL_CORRUPT', 'MODEL_NOT_FOUND'])
    expect(errors[0].message).toContain(join(folder, 'tiny.graph.json'))
    expect(errors[1].message).toContain(join(folder, 'weights', 'tiny.bin'))
    writeFileSync(join(folder, 'manifest.json'), '[]')
    expect((await verifyModel('tiny', directory))?.errors).toMatchObject([{ code: 'MODEL_INVALID' }])
    expect(await verifyModel('none', directory)).toBeUndefined()
    expect(await verifyModel('mtcnn', directory)).toMatchObject({ files: 6, errors: [] })
  })
})

describe('removing', () => {
  test('takes the model, and what a pull of it left', async () => {
    const { folder } = await install()
    mkdirSync(partialFolder(directory, 'tiny'), { recursive: true })
    expect(await removeModel('tiny', directory)).toBe(true)
    expect(existsSync(folder)).toBe(false)
    expect(readdirSync(join(directory, '.partial'))).toEqual([])
    expect(await removeModel('tiny', directory)).toBe(false)
  })

  test('not while it is being pulled, not of the package, and nothing outside', async () => {
    await install()
    const lock = join(directory, '.partial', 'tiny.lock')
    writeFileSync(lock, JSON.stringify({ pid: process.ppid, host: 'another-machine' }))
    const refused = { code: 'INVALID_ARGUMENT' }
    await expect(removeModel('tiny', directory)).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining(`process ${process.ppid} on another-machine`),
    })
    rmSync(lock)
    for (const name of ['mtcnn', '..', '../x', '.partial', '', 'a/b']) {
      await expect(removeModel(name, directory)).rejects.toMatchObject(refused)
    }
    expect(await readModel(directory, 'tiny')).toBeDefined()
  })

  test('leftovers of pulls that were killed, of that model alone', async () => {
    const partial = join(directory, '.partial')
    for (const name of ['tiny~1', 'tiny~2', 'tiny-two~1', 'tiny']) mkdirSync(join(partial, name), { recursive: true })
    await removeLeftovers(directory, 'tiny')
    expect(readdirSync(partial).sort()).toEqual(['tiny', 'tiny-two~1'])
    expect((await namesIn(directory)).unfinished).toEqual(['tiny'])
  })
})

describe('finding a model by name', () => {
  beforeEach(() => vi.stubEnv('FACEWISE_MODEL_DIR', directory))

  test('in the package first', async () => {
    mkdirSync(join(directory, 'mtcnn'))
    writeFileSync(join(directory, 'mtcnn', 'manifest.json'), '{}')
    const { manifest: found, source } = await findModel('mtcnn')
    expect(found.name).toBe('mtcnn')
    expect(source.locate('pnet.bin')).not.toContain(directory)
  })

  test('in the model directory', async () => {
    await install()
    const found = await findModel('tiny')
    expect(found.manifest).toEqual(manifest)
    expect(Buffer.compare(await found.source.read('tiny.graph.json'), files.get('tiny.graph.json')!)).toBe(0)
  })

  test('not there: what to do', async () => {
    await expect(findModel('facenet-512')).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: expect.stringMatching(/`npx facewise models pull facenet-512`/),
    })
    await install()
    for (const name of ['facenet-513', '../tiny', '', '.partial']) {
      await expect(findModel(name)).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringMatching(/there is mtcnn.*, facenet-512.*, tiny/),
      })
    }
  })
})
