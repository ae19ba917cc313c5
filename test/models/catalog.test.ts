import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { describe, expect, test } from 'vitest'
import { packagedCatalog } from '../../src/models/catalog.node.ts'
import { type DownloadRecipe, downloadBytes, parseRecipe } from '../../src/models/catalog.ts'
import { conversions } from '../../src/models/conversions.ts'
import { readModel, verifyFiles } from '../../src/models/directory.node.ts'
import { downloadableNames } from '../../src/models/downloadable.ts'
import { pullModel } from '../../src/models/pull.node.ts'
import { developmentData } from '../data.ts'
import { tinyRecipe } from './tiny-model.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const published = developmentData && join(developmentData, 'models', 'facenet-512')

describe('the catalog', () => {
  test('has a valid recipe of each name, and no other', async () => {
    const folders = readdirSync(join(root, 'models')).filter(name =>
      existsSync(join(root, 'models', name, 'download.json')),
    )
    expect(folders.sort()).toEqual([...downloadableNames].sort())
    for (const name of downloadableNames) expect((await packagedCatalog.recipe(name)).name).toBe(name)
  })

  test('facenet-512: 266 files in two forms, a pinned address, licence and source', async () => {
    const { files, bases, licence, source } = await packagedCatalog.recipe('facenet-512')
    expect(files).toHaveLength(266)
    expect(downloadBytes({ files })).toBe(93_905_344)
    expect(files.every(({ forms }) => forms.map(form => form.dtype).join() === 'float32,float16')).toBe(true)
    expect(bases[0]).toMatch(/^https:\/\/raw\.githubusercontent\.com\/.*\/[0-9a-f]{40}\//)
    expect(licence.spdx).toBe('MIT AND Apache-2.0')
    for (const word of ['David Sandberg', 'Apache License 2.0', 'VGGFace2', 'research'])
      expect(licence.notice).toContain(word)
    expect(source.weights).toContain('20180402-114759')
  })

  test.skipIf(!published)('facenet-512: names, sizes and sums are those that were published', async () => {
    const { files } = await packagedCatalog.recipe('facenet-512')
    const list = JSON.parse(readFileSync(join(published!, 'manifest.json'), 'utf8')) as {
      files: { name: string; bytes: number; sha256: string; fp16: { bytes: number; sha256: string } }[]
    }
    const wanted = list.files.map(({ name, bytes, sha256, fp16 }) => ({
      name,
      forms: [
        { dtype: 'float32', bytes, sha256 },
        { dtype: 'float16', ...fp16 },
      ],
    }))
    expect(files).toEqual(wanted)
  })

  test.skipIf(!published || !conversions['facenet-512'])(
    'facenet-512: pulled from a mirror with half-precision copies, it is a whole model',
    async () => {
      const directory = mkdtempSync(join(tmpdir(), 'facewise facenet '))
      try {
        const { manifest, pulled } = await pullModel('facenet-512', { from: published!, directory })
        expect([manifest.name, pulled]).toEqual(['facenet-512', true])
        const model = await readModel(directory, 'facenet-512')
        expect(await verifyFiles(model!)).toEqual([])
        expect(readdirSync(join(directory, '.partial'))).toEqual([])
      } finally {
        rmSync(directory, { recursive: true })
      }
    },
  )
})

describe('a recipe', () => {
  const changed = (change: (recipe: DownloadRecipe) => void): unknown => {
    const recipe = structuredClone(tinyRecipe('https://example.com/weights/'))
    change(recipe)
    return recipe
  }

  test('that is valid comes back as it is', () => {
    expect(parseRecipe(changed(() => undefined))).toEqual(tinyRecipe('https://example.com/weights/'))
  })

  test.each<[string, (recipe: DownloadRecipe) => void]>([
    ['name', recipe => Object.assign(recipe, { name: '../tiny' })],
    ['bases', recipe => Object.assign(recipe, { bases: [] })],
    ['bases.0', recipe => Object.assign(recipe, { bases: ['https://example.com/weights'] })],
    ['bases.0', recipe => Object.assign(recipe, { bases: ['ftp://example.com/'] })],
    ['files', recipe => Object.assign(recipe, { files: [] })],
    ['files', recipe => recipe.files.push(recipe.files[0])],
    ['files.0.name', recipe => Object.assign(recipe.files[0], { name: '../kernel.raw' })],
    ['files.0.name', recipe => Object.assign(recipe.files[0], { name: 'a/b' })],
    ['files.0.name', recipe => Object.assign(recipe.files[0], { name: '.hidden' })],
    ['files.1.forms', recipe => Object.assign(recipe.files[1], { forms: [] })],
    ['files.1.forms.0.sha256', recipe => Object.assign(recipe.files[1].forms[0], { sha256: 'abc' })],
    ['files.1.forms.0.bytes', recipe => Object.assign(recipe.files[1].forms[0], { bytes: 0 })],
  ])('with a wrong %s is refused by its name', (path, change) => {
    expect(() => parseRecipe(changed(change))).toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringContaining(path) }),
    )
  })

  test('that cannot be read', async () => {
    await expect(packagedCatalog.recipe('none')).rejects.toMatchObject({ code: 'MODEL_INVALID' })
  })
})

describe('a browser', () => {
  const inputsOf = async (platform: 'browser' | 'node'): Promise<string[]> => {
    const { metafile } = await build({
      stdin: { contents: "export * from './src/models/index.ts'", resolveDir: root },
      bundle: true,
      write: false,
      metafile: true,
      format: 'esm',
      platform,
      packages: 'external',
      conditions: platform === 'browser' ? ['browser'] : [],
    })
    return Object.keys(metafile.inputs)
  }

  test('loads nothing of what a pull needs', async () => {
    const browser = await inputsOf('browser')
    expect(browser).toContain('src/models/find.browser.ts')
    expect(browser.filter(path => /\.node\.ts$|download\.json|models\/(catalog|conversions)\.ts$/.test(path))).toEqual(
      [],
    )
    // What was looked for is there where it belongs.
    expect(await inputsOf('node')).toContain('src/models/download.node.ts')
  })
})
