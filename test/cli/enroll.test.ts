import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { drawIdentities, writtenName } from '../../src/cli/draw-identities.ts'
import { run } from '../../src/cli/program.ts'
import { encrypted, type FaceRecord, generateKey, openStore } from '../../src/store/index.ts'
import { samplePhoto } from '../data.ts'
import { recordingTerminal } from './terminal.ts'

/** Three people of a photo, each in a sharp crop and a softer, darker one. */
const PEOPLE = { ann: [300, 260], bea: [720, 320], cat: [1380, 120] } as const

let folder: string
let url: string
let stores = 0
const path = (name: string): string => join(folder, name)

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'facewise-enroll-'))
  for (const [name, [left, top]] of Object.entries(PEOPLE)) {
    mkdirSync(path(name))
    const person = sharp(samplePhoto(1)).extract({ left, top, width: 400, height: 420 })
    await person
      .clone()
      .png()
      .toFile(path(`${name}/1.png`))
    await person
      .clone()
      .resize(300)
      .modulate({ brightness: 0.85 })
      .toFile(path(`${name}/2.png`))
  }
  await sharp(samplePhoto(1)).resize(960).jpeg().toFile(path('three.jpg'))
  await sharp({ create: { width: 300, height: 300, channels: 3, background: '#678' } })
    .png()
    .toFile(path('empty.png'))
  await sharp(path('ann/1.png')).resize(80).blur(2).modulate({ brightness: 0.35 }).toFile(path('poor.png'))
  writeFileSync(path('broken.jpg'), 'no picture')
  writeFileSync(path('ann/notes.txt'), 'no picture')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))
beforeEach(() => {
  url = `file:${path(`faces-${stores++}.db`)}`
})

async function call(argv: readonly string[], stdin?: Uint8Array) {
  const terminal = recordingTerminal({ stdin })
  const code = await run(argv, terminal)
  const out = terminal.out()
  const lines = () =>
    out
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
  return { code, out, err: terminal.err(), lines }
}
const facewise = (...argv: string[]) => call([...argv, '--store', url])

async function records(): Promise<FaceRecord[]> {
  await using store = await openStore(url)
  const found: FaceRecord[] = []
  for await (const record of store.list()) found.push(record)
  return found
}

describe('facewise enroll', () => {
  it('takes a folder as one person, for the next command', async () => {
    const { code, out, err } = await facewise('enroll', 'ann', path('ann'), '--metadata', 'door=north')
    expect([code, err]).toEqual([0, ''])
    expect(out).toMatch(/^.*ann\/1\.png {2}taken {2}quality [01]\.\d\d$/m)
    expect(out).toMatch(/^.*ann\/2\.png {2}taken {2}quality [01]\.\d\d$/m)
    expect(out).toContain(`ann: 1 template from 2 of 2 pictures stored in ${url}\n`)
    expect(await records()).toMatchObject([
      { subject: 'ann', model: 'dlib-resnet-128', metadata: { door: 'north' }, vector: { length: 128 } },
    ])
    const known = await facewise('identify', path('ann/2.png'), path('bea/1.png'), '--json')
    expect([known.code, known.err]).toEqual([0, ''])
    expect(known.lines().map(({ faces }) => faces[0].match?.subject ?? null)).toEqual(['ann', null])
  })

  it('says of each picture what is wrong with it, and stores the rest', async () => {
    const pictures = [path('ann/1.png'), path('empty.png'), path('broken.jpg'), path('three.jpg'), path('ann/2.png')]
    const { code, err, lines } = await facewise('enroll', 'ann', ...pictures, '--json', '--templates', 'all')
    expect(code).toBe(1)
    expect(err).toContain('broken.jpg')
    const told = lines()
    expect(told).toMatchObject([
      { file: path('broken.jpg'), error: { code: 'IMAGE_UNREADABLE' } },
      { file: path('ann/1.png'), accepted: true, reasons: [] },
      { file: path('empty.png'), accepted: false, reasons: [{ code: 'no-face' }] },
      { file: path('three.jpg'), accepted: false, reasons: [{ code: 'several-faces' }] },
      { file: path('ann/2.png'), accepted: true, reasons: [] },
      { subject: 'ann', duplicates: [] },
    ])
    expect(told[1].quality).toBeGreaterThan(0.8)
    expect(told[2]).not.toHaveProperty('quality')
    // A store lists by ids, which are random.
    expect(told[5].templates.sort()).toEqual((await records()).map(({ id }) => id))
    expect(told[5].templates).toHaveLength(2)
    const people = await facewise('enroll', 'bea', path('bea/1.png'), path('empty.png'))
    expect(people.code).toBe(1)
    expect(people.out).toMatch(/empty\.png {2}not taken +No face was found: look into the camera/)
    expect(people.out).toContain('1 template from 1 of 2 pictures')
  })

  it('stores nothing where no picture can be used', async () => {
    const poor = await facewise('enroll', 'ann', path('empty.png'), '--json')
    expect(poor.code).toBe(1)
    expect(poor.lines()).toMatchObject([
      { file: path('empty.png'), accepted: false },
      { subject: 'ann', templates: [], error: { code: 'ENROLMENT_REFUSED' } },
    ])
    expect(poor.err).toMatch(/^refused: "ann" was not enrolled/)
    const unread = await facewise('enroll', 'ann', path('broken.jpg'), path('gone.jpg'))
    expect([unread.code, unread.out]).toEqual([1, ''])
    expect(unread.err).toContain('gone.jpg')
    expect(unread.err).toContain('no picture could be read')
    const strict = await facewise('enroll', 'ann', path('poor.png'), '--min-face', '20')
    expect(strict.code).toBe(1)
    expect(strict.out).toContain('not taken')
    expect(await records()).toEqual([])
  })

  it('refuses who is enrolled under another name, or reports it', async () => {
    await facewise('enroll', 'ann', path('ann'))
    const { code, err, lines } = await facewise('enroll', 'eve', path('ann/1.png'), '--json')
    expect(code).toBe(1)
    expect(err).toContain('enrolled as "ann" already')
    expect(err).toContain('--duplicates report')
    expect(lines().at(-1)).toMatchObject({ duplicates: [{ subject: 'ann' }], error: { code: 'ENROLMENT_REFUSED' } })
    expect(await records()).toHaveLength(1)
    const reported = await facewise('enroll', 'eve', path('ann/1.png'), '--duplicates', 'report')
    expect(reported.code).toBe(0)
    expect(reported.out).toMatch(/The same person seems to be enrolled as "ann" \(distance 0\.0\d\d\)/)
    const ignored = await facewise('enroll', 'eva', path('ann/1.png'), '--duplicates', 'ignore', '--json')
    expect(ignored.lines().at(-1)).toMatchObject({ subject: 'eva', duplicates: [] })
    expect(await records()).toHaveLength(3)
  })

  it('replaces earlier templates, and keeps as many as it is told', async () => {
    await facewise('enroll', 'ann', path('ann'), '--templates', '2')
    expect(await records()).toHaveLength(2)
    const { out } = await facewise('enroll', 'ann', path('ann/1.png'), '--replace', '--templates', 'best')
    expect(out).toContain('in place of 2\n')
    expect(await records()).toHaveLength(1)
  })

  it('stores and makes nothing in a dry run', async () => {
    const first = await facewise('enroll', 'ann', path('ann'), '--dry-run')
    expect(first.code).toBe(0)
    expect(first.out).toContain('ann: 2 of 2 pictures would be taken; nothing was stored')
    expect(first.err).toContain('There is no store')
    expect(existsSync(url.slice('file:'.length))).toBe(false)
    await facewise('enroll', 'ann', path('ann'))
    const second = await facewise('enroll', 'eve', path('ann/1.png'), path('empty.png'), '--dry-run', '--json')
    expect([second.code, second.err]).toEqual([1, ''])
    expect(second.lines().at(-1)).toMatchObject({ subject: 'eve', templates: [], duplicates: [{ subject: 'ann' }] })
    expect(await records()).toHaveLength(1)
  })

  it('reads metadata as numbers, truths and text', async () => {
    const values = ['n=3', 'x=-0.5', 'code=007', 'on=true', 'off=false', 'text=a=b', 'empty=', 'quoted="12"', 'n=4']
    const argv = values.flatMap(value => ['--metadata', value])
    await facewise('enroll', ...argv, 'ann', path('ann/1.png'))
    expect((await records())[0].metadata).toEqual({
      n: 4,
      x: -0.5,
      code: '007',
      on: true,
      off: false,
      text: 'a=b',
      empty: '',
      quoted: '12',
    })
  })

  it('takes a picture from standard input', async () => {
    const argv = ['enroll', 'ann', '-', '--store', url, '--json']
    const { code, lines } = await call(argv, readFileSync(path('ann/1.png')))
    expect(code).toBe(0)
    expect(lines()[0]).toMatchObject({ file: '-', accepted: true })
  })

  it('warns of a store that is gone at once', async () => {
    const { code, err } = await call(['enroll', 'ann', path('ann/1.png'), '--store', 'memory:'])
    expect(code).toBe(0)
    expect(err).toContain('gone when this command ends')
  })

  it.each([
    [['enroll', 'ann', 'a.jpg'], '--store'],
    [['enroll', 'ann', '--store', 'file:x.db'], 'file'],
    [['enroll', 'ann', 'a.jpg', '--store', 'mysql://x'], 'file:faces.db'],
    [['enroll', 'ann', 'a.jpg', '--store', 'file:x.db', '--templates', '0'], 'mean, all, best'],
    [['enroll', 'ann', 'a.jpg', '--store', 'file:x.db', '--min-quality', '2'], 'from 0 to 1'],
    [['enroll', 'ann', 'a.jpg', '--store', 'file:x.db', '--metadata', 'door'], 'door=north'],
    [['enroll', 'ann', 'a.jpg', '--store', 'file:x.db', '--duplicates', 'allow'], 'refuse, report, ignore'],
  ])('%j is a wrong call', async (argv, word) => {
    const { code, err } = await call(argv)
    expect(code).toBe(2)
    expect(err).toContain(word)
    expect(existsSync('x.db')).toBe(false)
  })

  it('takes no picture for a name', async () => {
    const { code, err } = await facewise('enroll', path('ann/1.png'), path('ann/2.png'))
    expect([code, err]).toEqual([2, expect.stringContaining("the person's name comes first")])
  })
})

describe('facewise identify', () => {
  it('names those who are enrolled, in a table and in drawings', async () => {
    await facewise('enroll', 'Ann', path('ann'))
    await facewise('enroll', 'Béa', path('bea'))
    const { code, out, err } = await facewise('identify', path('three.jpg'), '--draw', path('out'))
    expect([code, err]).toEqual([0, ''])
    expect(out).toMatch(/^ +\d +Ann +0\.0\d{3}( +\d+){4}$/m)
    expect(out).toMatch(/^ +\d +Béa +0\.0\d{3}( +\d+){4}$/m)
    expect(out).toMatch(/^ +\d +unknown( +\d+){4}$/m)
    expect(out).toContain('2 of 3 faces in 1 picture recognised, at a distance of at most 0.0706: among 2 templates')
    const { data, info } = await sharp(path('out/three.jpg')).raw().toBuffer({ resolveWithObject: true })
    expect([info.width, info.height]).toEqual([960, 640])
    // The green of the boxes of the two who are known.
    let green = 0
    for (let i = 0; i < data.length; i += 3) {
      if (data[i] < 90 && data[i + 1] > 190 && data[i + 2] > 110 && data[i + 2] < 200) green++
    }
    expect(green).toBeGreaterThan(500)
  })

  it('has the faces of detect with their match in JSON', async () => {
    await facewise('enroll', 'cat', path('cat/1.png'))
    const files = [path('three.jpg'), path('broken.jpg'), path('empty.png')]
    const { code, lines } = await facewise('identify', ...files, '--json')
    expect(code).toBe(1)
    const detected = await call(['detect', ...files, '--json'])
    const told = lines()
    expect(
      told.map(({ faces, ...rest }) => [rest, faces?.map(({ match, ...face }: { match: unknown }) => face)]),
    ).toEqual(detected.lines().map(({ faces, ...rest }) => [rest, faces]))
    const matches = told[0].faces.map(({ match }: { match: unknown }) => match).filter(Boolean)
    expect(matches).toEqual([{ subject: 'cat', distance: expect.any(Number) }])
    expect(told[0].faces).toHaveLength(3)
  })

  it('looks at the faces that were asked for, by limits of one’s own', async () => {
    await facewise('enroll', 'bea', path('bea/1.png'))
    await facewise('enroll', 'ann', path('ann/1.png'))
    const faces = async (...argv: string[]) =>
      (await facewise('identify', path('three.jpg'), '--json', '--min-face', '60', ...argv)).lines()[0].faces
    type Told = { box: { width: number; height: number }; match: { subject: string } | null }
    const known = (told: readonly Told[]): number => told.filter(({ match }) => match).length
    const area = ({ box }: Told): number => box.width * box.height
    const all: Told[] = await faces()
    expect(known(all)).toBe(2)
    const largest: Told[] = await faces('--faces', 'largest')
    expect(largest.map(area)).toEqual([Math.max(...all.map(area))])
    const [centre] = await faces('--faces', 'center')
    expect(centre.match.subject).toBe('bea')
    const two = await faces('--max-faces', '2', '--threshold', '1.9')
    expect([two.length, known(two)]).toEqual([2, 2])
    expect(known(await faces('--threshold', '1e-9'))).toBe(0)
    expect(known(await faces('--margin', '1.5'))).toBe(0)
  })

  it('says where the store is too large for what was asked', async () => {
    await facewise('enroll', 'ann', path('ann/1.png'))
    const { code, err, out } = await facewise('identify', path('ann/2.png'), '--fpir', '1e-6')
    expect(code).toBe(0)
    expect(err).toContain('warning: among 1 template about 0.01 % of strangers')
    expect(out).toContain('about 0.01 % of strangers would pass')
  })

  it('is an error where there is no store, and warns of an empty one', async () => {
    const gone = await facewise('identify', path('ann/1.png'))
    expect(gone.code).toBe(1)
    expect(gone.err).toContain('There is no store at')
    expect(existsSync(url.slice('file:'.length))).toBe(false)
    await (await openStore(url)).close()
    const empty = await facewise('identify', path('ann/1.png'))
    expect(empty.code).toBe(0)
    expect(empty.err).toContain('nobody is enrolled in')
    expect(empty.out).toContain('unknown')
  })

  it('compares with embeddings of its own model alone', async () => {
    const store = await openStore(url)
    const vector = Float32Array.from({ length: 128 }, () => 1)
    await store.upsert([{ id: 'x', subject: 'x', vector, model: 'another-128' }])
    await store.close()
    for (const argv of [
      ['identify', path('ann/1.png')],
      ['enroll', 'ann', path('ann/1.png')],
    ]) {
      const { code, err } = await facewise(...argv)
      expect([code, err]).toEqual([1, expect.stringContaining('give --embedder another-128')])
    }
    const sealed = path('sealed.db')
    const inner = encrypted(await openStore(`file:${sealed}`), { key: generateKey() })
    await inner.upsert([{ id: 'x', subject: 'x', vector, model: 'dlib-resnet-128' }])
    await inner.close()
    const { code, err } = await call(['identify', path('ann/1.png'), '--store', `file:${sealed}`])
    expect([code, err]).toEqual([1, expect.stringContaining('is encrypted')])
  })

  it('takes a model by its folder', async () => {
    const model = fileURLToPath(new URL('../../models/dlib-resnet-128', import.meta.url))
    expect((await facewise('enroll', 'ann', path('ann/1.png'), '--embedder', model)).code).toBe(0)
    const { lines } = await facewise('identify', path('ann/2.png'), '--json', '--embedder', model)
    expect(lines()[0].faces[0].match.subject).toBe('ann')
    const unknown = await facewise('identify', path('ann/2.png'), '--embedder', 'no-such-model')
    expect([unknown.code, unknown.err]).toEqual([2, expect.stringContaining('dlib-resnet-128')])
  })

  it.each([
    [['identify', '--store', 'file:x.db'], 'file'],
    [['identify', 'a.jpg'], '--store'],
    [['identify', 'a.jpg', '--store', 'file:x.db', '--fpir', '1'], '1e-3'],
    [['identify', 'a.jpg', '--store', 'file:x.db', '--margin', '-1'], '0 or more'],
  ])('%j is a wrong call', async (argv, word) => {
    const { code, err } = await call(argv)
    expect([code, err]).toEqual([2, expect.stringContaining(word)])
  })
})

describe('facewise forget', () => {
  it('removes all templates of one person, and says when there are none', async () => {
    await facewise('enroll', 'ann', path('ann'), '--templates', 'all')
    await facewise('enroll', 'bea', path('bea/1.png'))
    const first = await facewise('forget', 'ann')
    expect([first.code, first.out, first.err]).toEqual([0, `ann: 2 templates removed from ${url}\n`, ''])
    expect((await records()).map(({ subject }) => subject)).toEqual(['bea'])
    const second = await facewise('forget', 'ann')
    expect([second.code, second.out]).toEqual([0, expect.stringContaining('Nobody is enrolled as "ann"')])
    expect((await facewise('forget', 'bea', '--json')).lines()).toEqual([{ subject: 'bea', removed: 1 }])
    expect((await facewise('forget', 'bea', '--json')).lines()).toEqual([{ subject: 'bea', removed: 0 }])
  })

  it('does not make a store', async () => {
    const { code, err, lines } = await facewise('forget', 'ann', '--json')
    expect([code, err]).toEqual([1, expect.stringContaining('There is no store')])
    expect(lines()).toMatchObject([{ subject: 'ann', error: { code: 'STORE_UNAVAILABLE' } }])
    expect(existsSync(url.slice('file:'.length))).toBe(false)
  })
})

describe('names in pictures', () => {
  it('are written in the signs that there are strokes for', () => {
    expect(writtenName('Ada', 1)).toBe('ada')
    expect(writtenName('Béa Łukasiewicz-Groß', 1)).toBe('bea lukasiewicz-gross')
    expect(writtenName('badge_4711/b', 1)).toBe('badge 4711 b')
    expect(writtenName('小林', 3)).toBe('face 3')
    expect(writtenName('😀', 2)).toBe('face 2')
    expect(writtenName('a'.repeat(40), 1)).toBe(`${'a'.repeat(22)}..`)
  })

  it('can be drawn whatever they are, with no box for nobody', () => {
    const face = { box: { x: 40, y: 60, width: 100, height: 120 }, score: 0.9 }
    const size = { width: 300, height: 300 }
    for (const subject of ['Ada', 'ʘ‿ʘ', '"<&>\'', '\u0000', 'İstanbul', 'ﬁn', undefined]) {
      const svg = drawIdentities(size, [{ face, subject }])
      expect(svg.match(/<path/g)!.length).toBeGreaterThan(2)
      expect(svg).not.toContain('NaN')
    }
    expect(drawIdentities(size, [])).not.toContain('<rect')
  })
})
