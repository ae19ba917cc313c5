import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../../src/cli/program.ts'
import { samplePhoto } from '../data.ts'
import { recordingTerminal } from './terminal.ts'

let folder: string
const path = (name: string): string => join(folder, name)

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'facewise-recognition-'))
  mkdirSync(path('album'))
  // Sample 1 is 1920 x 1280 with three people side by side; each in two crops of different quality.
  const people = [
    { left: 300, top: 260, width: 400, height: 420 },
    { left: 720, top: 320, width: 400, height: 420 },
    { left: 1380, top: 120, width: 400, height: 420 },
  ]
  for (const [i, region] of people.entries()) {
    const person = sharp(samplePhoto(1)).extract(region)
    await person
      .clone()
      .png()
      .toFile(path(`album/${i}-sharp.png`))
    await person
      .clone()
      .resize(250)
      .modulate({ brightness: 0.8 })
      .jpeg({ quality: 60 })
      .toFile(path(`album/${i}-soft.jpg`))
  }
  await sharp(samplePhoto(1)).resize(960).jpeg().toFile(path('three.jpg'))
  await sharp({ create: { width: 200, height: 200, channels: 3, background: '#789' } })
    .png()
    .toFile(path('empty.png'))
  writeFileSync(path('broken.jpg'), 'no picture')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function facewise(...argv: string[]) {
  const terminal = recordingTerminal()
  const code = await run(argv, terminal)
  const out = terminal.out()
  const lines = () =>
    out
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
  return { code, out, err: terminal.err(), lines }
}

describe('facewise verify', () => {
  it('says that two pictures show one person, with the rates of its threshold', async () => {
    const { code, err, lines } = await facewise('verify', path('album/0-sharp.png'), path('album/0-soft.jpg'), '--json')
    expect([code, err]).toEqual([0, ''])
    const [answer] = lines()
    expect(answer).toMatchObject({ same: true, metric: 'cosine', fmr: 1e-3, model: 'dlib-resnet-128' })
    expect(answer.distance).toBeLessThanOrEqual(answer.threshold)
    expect(answer.confidence).toBeGreaterThan(0.9)
    expect(answer.fnmr).toBeGreaterThan(0)
  })

  it('says that two pictures show two people, which is an answer too', async () => {
    const argv = [path('album/0-sharp.png'), path('album/1-sharp.png')]
    const { code, out } = await facewise('verify', ...argv, '--fmr', '1e-2')
    expect(code).toBe(0)
    expect(out).toMatch(/^Different people: cosine distance 0\.\d+, over 0\.\d+\n/)
    expect(out).toContain('1 % of strangers pass')
    const own = await facewise('verify', ...argv, '--threshold', '1.9', '--json')
    expect(own.lines()[0]).toMatchObject({ same: true, threshold: 1.9 })
    expect(own.lines()[0].fmr).toBeUndefined()
  })

  it('takes the largest face of several, or refuses as it was told', async () => {
    const largest = await facewise('verify', path('three.jpg'), path('three.jpg'), '--json')
    expect(largest.lines()[0]).toMatchObject({ same: true })
    const only = await facewise('verify', path('three.jpg'), path('album/0-sharp.png'), '--faces', 'only', '--json')
    expect(only.code).toBe(1)
    expect(only.lines()).toMatchObject([{ file: path('three.jpg'), error: { code: 'FACE_AMBIGUOUS' } }])
  })

  it('names each picture that has no face or cannot be read', async () => {
    const { code, err, lines } = await facewise('verify', path('empty.png'), path('broken.jpg'), '--json')
    expect(code).toBe(1)
    expect(lines().map(({ error }) => error.code)).toEqual(['FACE_NOT_FOUND', 'IMAGE_UNREADABLE'])
    expect(err).toContain('empty.png')
  })

  it.each([
    [['verify', 'a.jpg'], 'b'],
    [['verify', 'a.jpg', 'b.jpg', '--fmr', '2'], '1e-3'],
    [['verify', '-', '-'], 'standard input'],
  ])('%j is a wrong call', async (argv, word) => {
    const { code, err } = await facewise(...argv)
    expect(code).toBe(2)
    expect(err).toContain(word)
  })

  it('a rate that was not measured, an unknown model and one that is not there say what to do', async () => {
    const pair = [path('album/0-sharp.png'), path('album/0-soft.jpg')]
    const rate = await facewise('verify', ...pair, '--fmr', '1e-9')
    expect([rate.code, rate.err]).toEqual([2, expect.stringContaining('was measured at')])
    const unknown = await facewise('verify', ...pair, '--embedder', 'no-such-model')
    expect([unknown.code, unknown.err]).toEqual([2, expect.stringContaining('dlib-resnet-128')])
    const place = fileURLToPath(new URL('../../models/dlib-resnet-128', import.meta.url))
    const placed = await facewise('verify', ...pair, '--embedder', place, '--json')
    expect([placed.code, placed.lines()[0].model]).toEqual([0, 'dlib-resnet-128'])
    const nowhere = await facewise('verify', ...pair, '--embedder', path('album'))
    expect(nowhere.code).not.toBe(0)
    expect(nowhere.err).toContain('manifest.json')
  })
})

describe('facewise represent', () => {
  it('prints boxes and vectors that can be compared', async () => {
    const files = [path('album/0-sharp.png'), path('broken.jpg'), path('album/0-soft.jpg')]
    const { code, lines } = await facewise('represent', ...files, '--faces', 'largest', '--json')
    expect(code).toBe(1)
    const [first, broken, second] = lines()
    expect(broken).toMatchObject({ file: path('broken.jpg'), error: { code: 'IMAGE_UNREADABLE' } })
    expect(first).toMatchObject({ width: 400, height: 420, faces: [{ model: 'dlib-resnet-128' }] })
    const [a, b] = [first, second].map(line => line.faces[0].vector as number[])
    expect(a).toHaveLength(128)
    expect(a.reduce((sum, value, i) => sum + value * b[i], 0)).toBeGreaterThan(0.9)
  })

  it('takes aligned crops as they are, and prints for people', async () => {
    const { code, out } = await facewise('represent', path('empty.png'), '--aligned')
    expect(code).toBe(0)
    expect(out).toContain('200 x 200')
    expect(out).toContain('128 numbers a face')
  })
})

describe('facewise cluster', () => {
  it('groups the pictures of an album by person', async () => {
    const { code, lines } = await facewise('cluster', path('album'), '--json', '--min-face', '60')
    expect(code).toBe(0)
    const groups = lines().map(({ faces }) => faces.map(({ file }: { file: string }) => file.slice(-11)[0]).sort())
    expect(groups).toHaveLength(3)
    for (const { faces } of lines()) {
      const people = new Set(faces.map(({ file }: { file: string }) => /(\d)-\w+\.\w+$/.exec(file)![1]))
      expect(people.size).toBe(1)
      expect(faces).toHaveLength(2)
    }
  })

  it('says so for people, with what failed', async () => {
    const { code, out, err } = await facewise('cluster', path('album'), path('broken.jpg'), '--min-face', '60')
    expect(code).toBe(1)
    expect(out).toMatch(/3 people in 6 faces of 7 pictures; 1 failed\n$/)
    expect(err).toContain('broken.jpg')
  })
})

describe('facewise evaluate pairs', () => {
  it('counts every pair, a picture without a face as an error', async () => {
    const rows = [
      ['0-sharp.png', '0-soft.jpg', 1],
      ['1-sharp.png', '1-soft.jpg', 1],
      ['2-sharp.png', '2-soft.jpg', 1],
      ['2-sharp.png', '../empty.png', 1],
      ['0-sharp.png', '1-soft.jpg', 0],
      ['1-sharp.png', '2-soft.jpg', 0],
      ['0-soft.jpg', '2-sharp.png', 0],
    ]
    writeFileSync(path('album/pairs.csv'), ['path_a,path_b,same', ...rows.map(row => row.join(','))].join('\n'))
    const { code, err, lines } = await facewise(
      'evaluate',
      'pairs',
      path('album/pairs.csv'),
      '--min-face',
      '60',
      '--json',
    )
    expect([code, err]).toEqual([0, ''])
    expect(lines()[0]).toMatchObject({
      model: 'dlib-resnet-128',
      pictures: 7,
      missed: 1,
      genuine: 4,
      impostor: 3,
      missedGenuine: 1,
      accuracy: { count: 6, total: 7 },
      bestAccuracy: { count: 6, total: 7 },
    })
    const table = await facewise(
      'evaluate',
      'pairs',
      path('album/pairs.csv'),
      '--train',
      path('album/pairs.csv'),
      '--min-face',
      '60',
    )
    expect(table.out).toMatch(/accuracy +0\.8571 .*the training pairs/)
    expect(table.out).toContain('TAR at FAR 0.01')
  })

  it('says which line of a list is wrong', async () => {
    writeFileSync(path('wrong.csv'), 'path_a,path_b,same\na.jpg,b.jpg,2\n')
    const { code, err } = await facewise('evaluate', 'pairs', path('wrong.csv'))
    expect([code, err]).toEqual([2, expect.stringContaining('Line 2')])
    expect((await facewise('evaluate', 'pairs', path('gone.csv'))).err).toContain('gone.csv')
  })
})

describe('facewise evaluate crops', () => {
  it('compares crops on all pairs, plain, mirrored and centred', async () => {
    mkdirSync(path('people'))
    const rows: string[] = []
    for (const person of [0, 1, 2]) {
      mkdirSync(path(`people/${person}`))
      await sharp(path(`album/${person}-sharp.png`)).toFile(path(`people/${person}/a.png`))
      await sharp(path(`album/${person}-soft.jpg`)).toFile(path(`people/${person}/b.png`))
      rows.push(`${person}/a.png,${person}/b.png,1`)
    }
    writeFileSync(path('people/pairs.csv'), ['path_a,path_b,same', ...rows].join('\n'))
    const argv = ['evaluate', 'crops', path('people/pairs.csv'), '--min-face', '60', '--crop']
    const { code, err, lines } = await facewise(
      ...argv,
      'own',
      'box:5%x5%',
      'box:9px',
      'arcface:0.9',
      'facenet',
      '--json',
    )
    expect([code, err]).toEqual([0, ''])
    const [result] = lines()
    expect(result).toMatchObject({
      model: 'dlib-resnet-128',
      pictures: 6,
      missed: 0,
      people: 3,
      fmrs: [0.01, 0.001, 1e-4],
    })
    expect(result.rows.map((row: { crop: string }) => row.crop)).toEqual([
      'own',
      'box:5%x5%',
      'box:9px',
      'arcface:0.9',
      'facenet',
    ])
    expect(result.rows[0]).toMatchObject({ genuine: 3, impostor: 12, plain: [0, 0, 0], mirrored: [0, 0, 0] })
    const people = await facewise(...argv, 'own')
    expect(people.out).toContain('own   0.000 / 0.000 / 0.000')
    const wrong = await facewise(...argv, 'square')
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining('no crop "square"')])
  })
})
