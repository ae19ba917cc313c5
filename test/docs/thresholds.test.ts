import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { confidence, convertDistance, createEmbedder } from '../../src/embed/index.ts'
import { fmrForGallery, fpirOfGallery, galleryLimit } from '../../src/index.ts'

/** `docs/thresholds.md` says what the manifests and the formulas say. */
const root = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(new URL('../../docs/thresholds.md', import.meta.url), 'utf8')

it('has the tables of measure-thresholds as they are', () => {
  const printed = execFileSync(process.execPath, ['--import', 'tsx', 'scripts/measure-thresholds.ts'], {
    cwd: root,
    encoding: 'utf8',
  })
  const tables = printed.trim().split('\n\n')
  expect(tables).toHaveLength(4)
  expect(tables.filter(table => !page.includes(table))).toEqual([])
})

it('says what its examples print', async () => {
  using embedder = await createEmbedder()
  const { manifest } = embedder
  const says = (text: string): void => expect(page.replaceAll(/\s+/g, ' ')).toContain(text)
  const limit = galleryLimit(manifest, 1 / 400, 60)
  says(`It prints ${Math.round(1 / fmrForGallery(1 / 400, 60)).toLocaleString('en')}:`)
  says(`${(200 * limit.fpir!).toFixed(1)} strangers a month instead of 0.5`)
  says(`(and ${(200 * fpirOfGallery(1e-3, 60)).toFixed(1)} at the threshold of FMR 1e-3)`)
  const { slope, intercept } = manifest.embedding.calibration!
  const at = (strangers: number): string =>
    confidence(0.06, { slope, intercept: intercept - Math.log(strangers) }).toFixed(4)
  says(`One distance, three answers: ${at(1)}, ${at(99)}, ${at(9999)}.`)
  says(`Euclidean one of ${convertDistance(0.402, 'cosine', 'euclidean').toFixed(3)}`)
})
