import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../../src/cli/program.ts'
import { random } from '../random.ts'
import { recordingTerminal } from './terminal.ts'

const PEOPLE = 16
const PICTURES = 3

let folder: string
const path = (name: string): string => join(folder, name)
const models = process.env.FACEWISE_MODEL_DIR

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'facewise-finetune-'))
  process.env.FACEWISE_MODEL_DIR = path('models')
  for (let person = 0; person < PEOPLE; person++) {
    mkdirSync(path(`people/person-${person}`), { recursive: true })
    for (let picture = 0; picture < PICTURES; picture++) {
      await sharp(crop(person, picture), { raw: { width: SIDE, height: SIDE, channels: 3 } })
        .resize(150, 150)
        .png()
        .toFile(path(`people/person-${person}/${picture}.png`))
    }
  }
}, 60_000)
afterAll(() => {
  if (models === undefined) delete process.env.FACEWISE_MODEL_DIR
  else process.env.FACEWISE_MODEL_DIR = models
  rmSync(folder, { recursive: true })
})

const SIDE = 10

/** "Faces" for an embedder that has never seen such: blotches, one colouring a person, half of it behind a "mask" of another colour in each picture. */
function crop(person: number, picture: number): Uint8Array {
  const own = random(1000 + person)
  const here = random(person * 97 + picture)
  const pixels = Uint8Array.from({ length: SIDE * SIDE * 3 }, () => own.integer(0, 255))
  const mask = Array.from({ length: 3 }, () => here.integer(0, 255))
  for (let i = 0; i < SIDE * (SIDE / 2) * 3; i++) pixels[i] = mask[i % 3]
  return pixels
}

async function facewise(...argv: string[]) {
  const terminal = recordingTerminal()
  const code = await run(argv, terminal)
  return { code, out: terminal.out(), err: terminal.err() }
}

describe('facewise finetune', () => {
  it('learns, measures on people it has not seen, and writes a model that loads by its name', async () => {
    const argv = ['finetune', path('people'), '--aligned', '--name', 'blotches', '--epochs', '12', '--backend', 'wasm']
    const { code, out, err } = await facewise(
      ...argv,
      '--json',
      '--plot',
      path('log.svg'),
      '--checkpoint',
      path('run.ckpt'),
    )
    expect([code, err]).toEqual([0, ''])
    const report = JSON.parse(out)
    expect(report.model).toBe('dlib-resnet-128+blotches')
    const { learned, chosen, measured } = report.people
    expect([learned.length, chosen.length, measured.length]).toEqual([8, 4, 4])
    expect(new Set([...learned, ...chosen, ...measured]).size).toBe(PEOPLE)
    expect(report.pictures).toEqual({ learned: 24, chosen: 12, measured: 12 })
    expect([report.before.genuine, report.before.impostor]).toEqual([12, 54])
    expect(report.start).toEqual({ whitening: expect.any(Number) })
    expect(readFileSync(path('log.svg'), 'utf8')).toMatch(/^<svg [\s\S]*triplets in the right order[\s\S]*<\/svg>\n$/)

    const manifest = JSON.parse(readFileSync(join(report.folder, 'manifest.json'), 'utf8'))
    expect(manifest.embedding.calibration.slope).toBeLessThan(0)
    expect(manifest.title).toContain(
      `linear, from a whitening of shrinkage ${report.start.whitening}, triplets semi-hard`,
    )
    const [a, b] = [path('people/person-0/0.png'), path('people/person-0/1.png')]
    const represented = await facewise('represent', a, b, '--aligned', '--embedder', report.model, '--json')
    expect([represented.code, represented.err]).toEqual([0, ''])
    expect(represented.out).toContain(`"model":"${report.model}"`)

    // The finished run is in the checkpoint: nothing is left to learn, and all comes out the same.
    const again = await facewise(...argv, '--json', '--checkpoint', path('run.ckpt'))
    expect(JSON.parse(again.out)).toEqual(report)
  })

  it('says in words what came of it', async () => {
    const { code, out } = await facewise(
      'finetune',
      path('people'),
      '--aligned',
      '--name',
      'words',
      '--epochs',
      '12',
      '--start',
      'identity',
      '--backend',
      'wasm',
    )
    expect(code).toBe(0)
    expect(out).toMatch(
      /Learned from 8 people \(24 pictures\), chosen on 4 people \(12 pictures\), measured on 4 people/,
    )
    expect(out).toMatch(/began with the identity; epoch \d+ of 12 was kept/)
    expect(out).toMatch(/TAR at FAR 0.01 +[\d.]+ % +[\d.]+ %/)
    expect(out).toContain('Too few pairs of strangers for a table of thresholds')
    expect(out).toMatch(/written: dlib-resnet-128\+words, in .*models/)
  })

  it('refuses too few people before it loads anything, and counts them', async () => {
    for (let i = 0; i < 3; i++) mkdirSync(path(`few/person-${i}`), { recursive: true })
    writeFileSync(path('few/person-0/a.png'), '')
    writeFileSync(path('few/person-0/b.png'), '')
    writeFileSync(path('few/person-1/a.png'), '')
    const { code, err } = await facewise('finetune', path('few'))
    expect(code).toBe(2)
    expect(err).toMatch(/1 of 2 people have two pictures or more; learning needs 12/)
    expect((await facewise('finetune', path('nowhere'))).err).toMatch(/cannot be read/)
    expect((await facewise('finetune', path('few/person-0'))).err).toMatch(/no folders in it/)
  })

  it('refuses a name that no model can have, and writes nothing', async () => {
    const { code, err } = await facewise('finetune', path('people'), '--name', '../x')
    expect(code).toBe(2)
    expect(err).toMatch(/--name takes lower-case letters/)
    expect(existsSync(path('models/x'))).toBe(false)
  })

  it('teaches by its help', async () => {
    const { code, out } = await facewise('finetune', '--help')
    expect(code).toBe(0)
    for (const word of [
      '--head',
      '--start',
      '--selection',
      'semi-hard',
      '--epochs',
      '--seed',
      '--plot',
      'enroll everybody anew',
    ]) {
      expect(out).toContain(word)
    }
  })
})
