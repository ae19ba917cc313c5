import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EMOTIONS } from '../../src/attributes/index.ts'
import { percent, poseInWords } from '../../src/cli/description.ts'
import { drawDescriptions } from '../../src/cli/draw-description.ts'
import { textAspect } from '../../src/cli/lettering.ts'
import { run } from '../../src/cli/program.ts'
import { developmentData, samplePhoto } from '../data.ts'
import { recordingTerminal } from './terminal.ts'

interface DescribedFace {
  box: { x: number; y: number; width: number; height: number }
  score: number
  landmarks?: number[][]
  emotion?: Record<string, number>
  age?: number
  gender?: { label: string; score: number }
  pose?: { yaw: number; pitch: number; roll: number }
  quality?: number
  qualityReasons?: { code: string; message: string }[]
  liveness?: { score: number }
}

let folder: string
const path = (name: string): string => join(folder, name)

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'facewise-describe-'))
  // Four women, two of them laughing; the size of a picture on a page.
  await sharp(samplePhoto(6)).resize(960).png().toFile(path('group.png'))
  const laughing = { left: 1380, top: 120, width: 400, height: 420 }
  await sharp(samplePhoto(1)).extract(laughing).png().toFile(path('scene.png'))
  await sharp({ create: { width: 200, height: 200, channels: 3, background: '#789' } })
    .png()
    .toFile(path('empty.png'))
  writeFileSync(path('broken.jpg'), 'no picture')
  // The largest face of a photo, as a detector would cut it out.
  const [{ box }] = await facesOf(samplePhoto(6), '--faces', 'largest', '--attributes', 'pose')
  const region = {
    left: Math.round(box.x),
    top: Math.round(box.y),
    width: Math.round(box.width),
    height: Math.round(box.height),
  }
  const crop = sharp(samplePhoto(6)).extract(region)
  await crop.clone().png().toFile(path('crop.png'))
  await crop.clone().blur(12).png().toFile(path('blurred.png'))
  await crop.clone().resize(14).png().toFile(path('tiny.png'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function facewise(argv: string[], options: Parameters<typeof recordingTerminal>[0] = {}) {
  const terminal = recordingTerminal(options)
  const code = await run(['describe', ...argv], terminal)
  const out = terminal.out()
  const lines = () =>
    out
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
  return { code, out, err: terminal.err(), lines }
}

async function facesOf(...argv: string[]): Promise<DescribedFace[]> {
  const { code, err, lines } = await facewise([...argv, '--json'])
  expect([code, err]).toEqual([0, ''])
  return lines().flatMap(line => line.faces)
}

describe('facewise describe --json', () => {
  it('tells all of each face, rounded', async () => {
    const { code, err, lines } = await facewise([path('group.png'), '--json'])
    expect([code, err]).toEqual([0, ''])
    const [line] = lines()
    expect(Object.keys(line)).toEqual(['file', 'width', 'height', 'faces'])
    expect(line).toMatchObject({ file: path('group.png'), width: 960, faces: { length: 4 } })
    for (const face of line.faces as Required<DescribedFace>[]) {
      const keys = ['box', 'score', 'landmarks', 'emotion', 'age', 'gender', 'pose', 'quality']
      expect(Object.keys(face).filter(key => key !== 'qualityReasons')).toEqual(keys)
      expect(Object.keys(face.emotion)).toEqual(EMOTIONS)
      expect(Object.values(face.emotion).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 3)
      expect(face.gender.score).toBeGreaterThanOrEqual(0.5)
      expect(Object.keys(face.pose)).toEqual(['yaw', 'pitch', 'roll'])
      for (const text of JSON.stringify([face.emotion, face.age, face.gender, face.pose, face.quality]).match(
        /[\d.]+/g,
      )!) {
        expect(text.length, text).toBeLessThanOrEqual(6)
      }
    }
  })

  it('sees grown women, some of them laughing, who stand upright', async () => {
    const faces = (await facesOf(path('group.png'))) as Required<DescribedFace>[]
    const strongest = faces.map(({ emotion }) => EMOTIONS.reduce((a, b) => (emotion[b] > emotion[a] ? b : a)))
    expect(strongest.filter(name => name === 'happy').length).toBeGreaterThanOrEqual(2)
    for (const { age, gender, pose, quality } of faces) {
      expect(gender.label).toBe('female')
      expect(age).toBeGreaterThan(12)
      expect(age).toBeLessThan(50)
      expect(Math.abs(pose.yaw)).toBeLessThan(40)
      expect(Math.abs(pose.roll)).toBeLessThan(25)
      expect(quality).toBeGreaterThan(0.5)
    }
  })

  it('tells only what is asked for', async () => {
    const [{ emotion, age, gender, pose, quality }] = await facesOf(
      path('group.png'),
      '--attributes',
      'quality,age-gender',
      '--max-faces',
      '1',
    )
    expect([emotion, pose]).toEqual([undefined, undefined])
    for (const value of [age, gender, quality]) expect(value).toBeDefined()
    const [asked] = await facesOf(path('group.png'), '--attributes', 'emotion', '--faces', 'largest', '--liveness')
    expect(Object.keys(asked)).toEqual(['box', 'score', 'landmarks', 'emotion', 'liveness'])
    expect(asked.liveness!.score).toBeGreaterThan(0)
    expect(asked.liveness!.score).toBeLessThanOrEqual(1)
  })

  it('takes aligned crops whole, without landmarks and pose, and says why quality is bad', async () => {
    const names = ['crop.png', 'blurred.png', 'tiny.png']
    const [crop, blurred, tiny] = await facesOf(...names.map(path), '--aligned')
    const { width, height } = await sharp(path('crop.png')).metadata()
    expect(crop.box).toEqual({ x: 0, y: 0, width, height })
    for (const face of [crop, blurred, tiny]) expect([face.landmarks, face.pose]).toEqual([undefined, undefined])
    expect(crop.gender!.label).toBe('female')
    expect(crop.quality).toBeGreaterThan(blurred.quality!)
    expect(crop).not.toHaveProperty('qualityReasons')
    const small = tiny.qualityReasons!.find(({ code }) => code === 'too-small')
    expect(small!.message).toContain('14 pixels')
    expect(Object.keys(small!)).toEqual(['code', 'message'])
  })

  it('goes on after inputs that fail, and reads standard input', async () => {
    const bytes = await sharp(path('scene.png')).jpeg().toBuffer()
    const { code, err, lines } = await facewise(
      [path('broken.jpg'), path('gone.jpg'), path('empty.png'), '-', '--json'],
      { stdin: bytes },
    )
    expect(code).toBe(1)
    const [broken, gone, empty, stdin] = lines()
    expect(broken).toMatchObject({ file: path('broken.jpg'), error: { code: 'IMAGE_UNREADABLE' } })
    expect(gone.error.code).toBe('IMAGE_NOT_FOUND')
    expect(empty.faces).toEqual([])
    expect(stdin.faces).toHaveLength(1)
    expect(stdin.faces[0].emotion.happy).toBeGreaterThan(0.8)
    expect(err.trim().split('\n')).toHaveLength(2)
  })

  it.skipIf(!developmentData)('sees a laughing man in a portrait of one', async () => {
    const [face] = await facesOf(join(developmentData!, 'data/photos/ag_obama-1080p.jpg'), '--min-face', '100')
    expect(face.gender!.label).toBe('male')
    expect(face.emotion!.happy).toBeGreaterThan(0.8)
    expect(face.age).toBeGreaterThan(30)
    expect(face.age).toBeLessThan(65)
  })
})

describe('for people', () => {
  it('prints a line for each face that fits a terminal', async () => {
    const { code, out } = await facewise([path('group.png'), path('broken.jpg')])
    expect(code).toBe(1)
    expect(out).toContain(`${path('group.png')}  960 x 769  4 faces\n`)
    expect(out).toMatch(/^ +age {2}gender +emotion +quality +looking$/m)
    const faces = out.match(/^ {2}\d +\d+ {2}female \d\d% {2}[a-z]+ +\d\d% [#-]{5} +[01]\.\d\d {2}[a-z].*$/gm)
    expect(faces).toHaveLength(4)
    for (const line of out.split('\n').slice(1)) expect(line.length).toBeLessThanOrEqual(80)
    expect(out).not.toContain('\u001b')
    const coloured = await facewise([path('scene.png'), '--attributes', 'pose'], { tty: true })
    expect(coloured.out).toContain('\u001b[1m')
    expect(coloured.out).not.toContain('gender')
  })

  it('says under the table what is wrong with a face', async () => {
    const { out } = await facewise([path('tiny.png'), '--aligned'])
    expect(out).toMatch(/^ {2}face 1: Come closer: .*14 pixels.*$/m)
    const fine = await facewise([path('crop.png'), '--aligned'])
    expect(fine.out).not.toContain('face 1:')
  })

  it('has words for poses', () => {
    expect(poseInWords({ yaw: 4, pitch: -3, roll: 9 })).toBe('ahead')
    expect(poseInWords({ yaw: -20.4, pitch: 2, roll: 0 })).toBe('left 20°')
    expect(poseInWords({ yaw: 31, pitch: 12.5, roll: -15 })).toBe('right 31°, up 13°, tilt 15°')
    expect(poseInWords({ yaw: 0, pitch: -45, roll: 11 })).toBe('down 45°, tilt 11°')
    expect(poseInWords({ yaw: 0, pitch: 0, roll: 30 })).toBe('ahead, tilt 30°')
    expect([percent(0.999), percent(1), percent(0.057), percent(0)]).toEqual(['99%', '99%', '5%', '0%'])
  })

  it('explains itself', async () => {
    const { code, out } = await facewise(['--help'])
    expect(code).toBe(0)
    expect(out).toContain('Examples:\n  facewise describe photo.jpg')
    expect(out).toMatch(/--liveness[\s\S]*no gate/)
  })
})

describe('wrong calls', () => {
  it.each([
    [['a.jpg', '--attributes', 'mood'], 'Choose among emotion, age-gender, pose, quality'],
    [['a.jpg', '--attributes', ''], 'Choose among'],
    [['a.jpg', '--aligned', '--attributes', 'pose,quality'], 'needs landmarks'],
    [['a.jpg', '--embedder', 'facenet-512'], 'unknown option'],
    [[], "missing required argument 'file'"],
  ])('%j is a wrong call', async (argv, word) => {
    const { code, out, err } = await facewise(argv)
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain(word)
  })

  it('an unknown model, a model for something else and a folder without one say what to do', async () => {
    const unknown = await facewise([path('crop.png'), '--aligned', '--emotion-model', 'no-such-model'])
    expect(unknown.code).not.toBe(0)
    expect(unknown.err).toContain('emotion-mini-xception')
    const other = await facewise([path('crop.png'), '--aligned', '--age-gender-model', 'emotion-mini-xception'])
    expect([other.code, other.err]).toEqual([1, expect.stringContaining('cannot tell age and gender')])
    const place = fileURLToPath(new URL('../../models/emotion-mini-xception', import.meta.url))
    const [face] = await facesOf(path('crop.png'), '--aligned', '--emotion-model', place, '--attributes', 'emotion')
    expect(Object.keys(face.emotion!)).toEqual(EMOTIONS)
    const nowhere = await facewise([path('crop.png'), '--aligned', '--emotion-model', folder])
    expect(nowhere.code).not.toBe(0)
    expect(nowhere.err).toContain('manifest.json')
  })
})

describe('--draw', () => {
  const pixelsOf = async (file: string) => sharp(file).raw().toBuffer({ resolveWithObject: true })

  it('draws panels beside the faces and leaves the faces as they are', async () => {
    const out = path('drawn')
    const { code, err, lines } = await facewise([path('group.png'), '--json', '--draw', out])
    expect(code).toBe(0)
    expect(err).toContain(`drawn as ${join(out, 'group.png')}`)
    const before = await pixelsOf(path('group.png'))
    const after = await pixelsOf(join(out, 'group.png'))
    expect([after.info.width, after.info.channels]).toEqual([960, 3])
    let changed = 0
    for (let i = 0; i < before.data.length; i += 3) if (before.data[i] !== after.data[i]) changed++
    // Four panels of some 150 x 80, and boxes.
    expect(changed).toBeGreaterThan(20_000)
    for (const { box } of lines()[0].faces as DescribedFace[]) {
      const inset = 5
      for (let y = Math.ceil(box.y) + inset; y < box.y + box.height - inset; y++) {
        const start = (y * 960 + Math.ceil(box.x) + inset) * 3
        const length = (Math.floor(box.width) - 2 * inset) * 3
        const row = [before, after].map(({ data }) => data.subarray(start, start + length))
        expect(row[0].equals(row[1])).toBe(true)
      }
    }
  })

  it('explains what has no room in a strip under the picture', async () => {
    const out = path('strip')
    const { code } = await facewise([path('crop.png'), path('empty.png'), '--aligned', '--draw', out])
    expect(code).toBe(0)
    const before = await pixelsOf(path('crop.png'))
    const after = await pixelsOf(join(out, 'crop.png'))
    expect(after.info.height).toBeGreaterThan(before.info.height + 40)
    // An aligned crop is all face: nothing is drawn on it.
    for (let y = 0; y < before.info.height; y++) {
      const [a, b] = [before, after].map(({ data, info }) =>
        data.subarray(y * info.width * 3, (y * info.width + before.info.width) * 3),
      )
      expect(a.equals(b)).toBe(true)
    }
    const strip = after.data.subarray(before.info.height * after.info.width * 3)
    expect(strip.filter(value => value > 200).length).toBeGreaterThan(200)
  })

  it('keeps a picture without faces as it is', async () => {
    const out = path('none')
    expect((await facewise([path('empty.png'), '--draw', out])).out).toContain('no faces')
    const [before, after] = await Promise.all([path('empty.png'), join(out, 'empty.png')].map(pixelsOf))
    expect(after.data.equals(before.data)).toBe(true)
  })

  it('numbers all faces where a crowd leaves no room for words', () => {
    const emotion = { angry: 0, disgust: 0, fear: 0, happy: 0.9, sad: 0, surprise: 0, neutral: 0.1 }
    const faces = Array.from({ length: 60 }, (_, i) => ({
      box: { x: (i % 10) * 40, y: Math.floor(i / 10) * 45, width: 36, height: 42 },
      score: 1,
      emotion,
      age: 30,
      gender: { label: 'male' as const, score: 0.9 },
    }))
    const { width, height, svg } = drawDescriptions({ width: 400, height: 270 }, faces)!
    expect(width).toBe(400)
    expect(height).toBeGreaterThan(270 + 20 * 15)
    expect(svg).not.toContain('<text')
    expect(svg).not.toContain('NaN')
    // A mark on each face, and one in the strip.
    const marks = svg.match(/<rect [^>]*fill="#2ee59d" stroke=/g)
    expect(marks).toHaveLength(120)
  })

  it('can draw every word that it needs', () => {
    const words = ['female, 34', ...EMOTIONS, 'looking ahead, tilt 12°', 'left 3°, up', 'down', 'quality 0.52']
    for (const text of [...words, 'liveness 93%']) expect(textAspect(text)).toBeGreaterThan(1)
  })
})
