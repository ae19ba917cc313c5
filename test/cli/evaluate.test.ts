import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../../src/cli/program.ts'
import { developmentData, samplePhoto } from '../data.ts'
import { recordingTerminal } from './terminal.ts'

interface Result {
  minFace: number
  firstThresholds: number[]
  backend: string
  scenes: number
  curve: Record<string, number>[]
}

let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'facewise-evaluate-'))
  mkdirSync(join(folder, 'labelled', 'images'), { recursive: true })
  mkdirSync(join(folder, 'scenes'))
  await sharp(samplePhoto(1))
    .resize(640)
    .toFile(join(folder, 'labelled', 'images', 'three.jpg'))
  // A scene that is none: what is found there has to show up.
  copyFileSync(join(folder, 'labelled', 'images', 'three.jpg'), join(folder, 'scenes', 'crowd.jpg'))
  const empty = sharp({ create: { width: 200, height: 200, channels: 3, background: '#789' } })
  await empty.png().toFile(join(folder, 'labelled', 'images', 'empty.png'))
  // Two of the three faces, by hand from the picture of a third of the size; one more where nothing is; one to be ignored.
  writeLabels('labelled', {
    'three.jpg': {
      faces: [
        { x: 138, y: 119, w: 61, h: 78 },
        { x: 276, y: 141, w: 68, h: 79 },
        { x: 494, y: 71, w: 67, h: 71, ignore: true },
      ],
    },
    'empty.png': { faces: [{ x: 50, y: 50, w: 30, h: 30 }] },
  })
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

function writeLabels(name: string, labels: unknown): void {
  mkdirSync(join(folder, name), { recursive: true })
  writeFileSync(join(folder, name, 'labels.json'), JSON.stringify(labels))
}

async function evaluate(...argv: string[]) {
  const terminal = recordingTerminal()
  const code = await run(['evaluate', 'detection', ...argv], terminal)
  return { code, out: terminal.out(), err: terminal.err(), json: () => JSON.parse(terminal.out()) as Result }
}

describe('facewise evaluate detection', () => {
  it('scores the whole curve in one run', async () => {
    const argv = [join(folder, 'labelled'), '--scenes', join(folder, 'scenes'), '--json']
    const { code, err, json } = await evaluate(...argv)
    expect([code, err]).toEqual([0, ''])
    const { minFace, firstThresholds, scenes, curve } = json()
    expect({ minFace, firstThresholds, scenes }).toEqual({ minFace: 20, firstThresholds: [0.6, 0.7], scenes: 1 })
    expect(curve.map(({ threshold }) => threshold)).toEqual([0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99])
    const at = curve.find(({ threshold }) => threshold === 0.9)
    expect(at).toMatchObject({
      pictures: 2,
      counted: 3,
      matched: 2,
      recall: 0.66667,
      countedLarge: 2,
      recallLarge: 1,
      falsePositives: 0,
      precision: 1,
      sceneDetections: 3,
    })
  })

  it('prints a table, from the third threshold on, without the faces under --min-face', async () => {
    const { code, out } = await evaluate(join(folder, 'labelled'), '--thresholds', '0.6,0.7,0.85', '--min-face', '35')
    expect(code).toBe(0)
    expect(out).toContain('2 faces of 35 px and more in 2 pictures; 2 of 40 px and more')
    const rows = out.split('\n').filter(line => /^ +0\.\d/.test(line))
    expect(rows.map(row => row.trim().split(/ +/)[0])).toEqual(['0.85', '0.9', '0.95', '0.99'])
    expect(rows[0].trim().split(/ +/).slice(1)).toEqual(['1.000', '1.000', '0', '0.000', '1.000', '-'])
    expect(out).not.toContain('scenes')
  })

  it('names what it cannot read, leaves it out and ends with code 1', async () => {
    const [three] = Object.entries(JSON.parse(readFileSync(join(folder, 'labelled', 'labels.json'), 'utf8')) as object)
    writeLabels('beside', { [three[0]]: three[1], 'gone.jpg': { faces: [{ x: 0, y: 0, w: 50, h: 50 }] } })
    copyFileSync(join(folder, 'labelled', 'images', 'three.jpg'), join(folder, 'beside', 'three.jpg'))
    const { code, err, json } = await evaluate(join(folder, 'beside'), '--json')
    expect(code).toBe(1)
    expect(err).toContain('gone.jpg')
    expect(json().curve[0]).toMatchObject({ pictures: 1, counted: 2, matched: 2 })
  })

  it('says what is wrong with a folder', async () => {
    mkdirSync(join(folder, 'bare'))
    const bare = await evaluate(join(folder, 'bare'))
    expect(bare.code).toBe(2)
    expect(bare.err).toContain('labels.json')
    expect(bare.err).toContain('facewise evaluate detection --help')
    writeLabels('malformed', { 'a.jpg': { faces: [{ x: 1, y: 2, w: 3 }] } })
    const malformed = await evaluate(join(folder, 'malformed'))
    expect(malformed.code).toBe(2)
    expect(malformed.err).toContain('a.jpg.faces.0.h')
    const scenes = await evaluate(join(folder, 'labelled'), '--scenes', join(folder, 'bare'))
    expect(scenes.code).toBe(2)
    expect(scenes.err).toContain('The folder')
  })
})

describe.skipIf(!developmentData)('on the development data', () => {
  it('counts the right faces, and finds them on the pictures with landmarks as well as the reference', async () => {
    const source = join(developmentData!, 'data', 'detect-dev')
    const labels = JSON.parse(readFileSync(join(source, 'labels.json'), 'utf8')) as Record<string, object>
    mkdirSync(join(folder, 'net', 'images'), { recursive: true })
    const net = Object.entries(labels).filter(([file]) => file.startsWith('net_'))
    expect(net).toHaveLength(60)
    writeLabels('net', Object.fromEntries(net))
    for (const [file] of net) copyFileSync(join(source, 'images', file), join(folder, 'net', 'images', file))
    const { code, json } = await evaluate(join(folder, 'net'), '--json')
    expect(code).toBe(0)
    const at = json().curve.find(({ threshold }) => threshold === 0.7)!
    expect(at.counted).toBe(60)
    expect(at.matched).toBe(60)
    // An independent implementation with the same weights: 0.0535.
    expect(at.landmarkError).toBeGreaterThan(0.0525)
    expect(at.landmarkError).toBeLessThan(0.0545)
  })
})

describe('facewise evaluate attributes', () => {
  async function attributes(...argv: string[]) {
    const terminal = recordingTerminal()
    const code = await run(['evaluate', 'attributes', ...argv], terminal)
    return { code, out: terminal.out(), err: terminal.err() }
  }
  let faces: string
  beforeAll(async () => {
    faces = join(folder, 'faces')
    mkdirSync(join(faces, 'images'), { recursive: true })
    // The three faces of a photo, by hand; what is said of them is made up, so that right and wrong are known.
    const crops = [
      { left: 440, top: 390, width: 330, height: 370 },
      { left: 870, top: 400, width: 330, height: 370 },
      { left: 1500, top: 210, width: 330, height: 370 },
    ]
    for (const [i, region] of crops.entries()) {
      await sharp(samplePhoto(1))
        .extract(region)
        .toFile(join(faces, 'images', `${i}.jpg`))
    }
    writeLabels('faces', [
      { file: '0.jpg', age: 25, gender: 'female', emotion: 'happy', camera: 1 },
      { file: '1.jpg', age: 65, gender: 'male', emotion: 'happy', camera: 2 },
      { file: '2.jpg', age: 25, gender: 'female', camera: 2 },
    ])
  })

  it('tells errors of all and of every group', async () => {
    const { code, out, err } = await attributes(faces, '--json')
    expect([code, err]).toEqual([0, ''])
    const result = JSON.parse(out)
    expect(result).toMatchObject({ pictures: 3, faces: 3, missed: 0, backend: 'wasm' })
    expect(result.models).toEqual(['emotion-mini-xception', 'age-gender-tiny-xception'])
    expect(result.emotion.total).toBe(2)
    const split = (by: string, value: string) =>
      result.splits.find((row: { by: string; value: string }) => row.by === by && row.value === value)
    expect(split('all', '').age.count).toBe(3)
    expect(split('age', '60+').age.count).toBe(1)
    expect(split('camera', '2').gender.total).toBe(2)
    // The three are women: who is called a man is counted wrong.
    expect(split('gender', 'male').gender).toEqual({ correct: 0, total: 1 })
    expect(split('gender', 'female').gender.correct).toBeGreaterThan(0)
  })

  it('prints the confusion matrix and the groups for people, with detection too', async () => {
    const { code, out } = await attributes(faces, '--detect')
    expect(code).toBe(0)
    expect(out).toMatch(/^emotion-mini-xception, age-gender-tiny-xception on wasm: 3 faces of 3 pictures/)
    expect(out).toMatch(/^ +angry +disgust +fear +happy +sad +surprise +neutral +recall +precision$/m)
    expect(out).toMatch(/^camera +2 +2 /m)
  })

  it('names a picture that is not there, and goes on', async () => {
    writeLabels('gap', [
      { file: 'none.jpg', age: 25 },
      { file: 'empty.png', age: 30 },
    ])
    copyFileSync(join(folder, 'labelled', 'images', 'empty.png'), join(folder, 'gap', 'empty.png'))
    const { code, out, err } = await attributes(join(folder, 'gap'), '--json')
    expect(code).toBe(1)
    expect(err).toMatch(/none\.jpg/)
    expect(JSON.parse(out)).toMatchObject({ pictures: 2, faces: 1, missed: 1 })
  })

  it.each([
    ['nothing', undefined, /labels\.json" cannot be read/],
    ['strange', [{ file: 'a.jpg', emotion: 'bored' }], /"bored" is none of the emotions/],
    ['unlabelled', [{ file: 'a.jpg', camera: 1 }], /names no emotion, age or gender/],
    ['wrong', [{ file: 'a.jpg', gender: 'x' }], /0\.gender/],
    [
      'short',
      { label_names: ['happy'], width: 48, height: 48, channels: 1, labels: [0, 0] },
      /images\.bin" cannot be read/,
    ],
  ])('refuses a set that it cannot read: %s', async (name, labels, message) => {
    if (labels) writeLabels(name, labels)
    const { code, err } = await attributes(join(folder, name))
    expect(code).toBe(2)
    expect(err).toMatch(message)
  })

  it.skipIf(!developmentData)('reads a set of raw bytes', async () => {
    const set = join(folder, 'raw')
    mkdirSync(set)
    const from = join(developmentData!, 'data', 'fer-dev')
    const labels = JSON.parse(readFileSync(join(from, 'labels.json'), 'utf8'))
    const count = 200
    writeFileSync(join(set, 'labels.json'), JSON.stringify({ ...labels, count, labels: labels.labels.slice(0, count) }))
    writeFileSync(join(set, 'images.bin'), readFileSync(join(from, 'images.bin')).subarray(0, count * 48 * 48))
    const { code, out } = await attributes(set, '--json')
    expect(code).toBe(0)
    const { emotion } = JSON.parse(out)
    expect(emotion.total).toBe(count)
    expect(emotion.accuracy).toBeGreaterThan(0.58)
    expect(emotion.accuracy).toBeLessThan(0.74)
  })
})

describe('facewise evaluate liveness', () => {
  async function liveness(...argv: string[]) {
    const terminal = recordingTerminal()
    const code = await run(['evaluate', 'liveness', ...argv], terminal)
    return { code, out: terminal.out(), err: terminal.err() }
  }
  let set: string
  beforeAll(async () => {
    set = join(folder, 'presentations')
    for (const kind of ['live', 'print', 'replay/a']) mkdirSync(join(set, kind), { recursive: true })
    // No attack was photographed for this: blurred and darkened copies stand for two species, to see that each is counted.
    const photo = () => sharp(samplePhoto(3)).resize(960)
    await photo().toFile(join(set, 'live', '1.jpg'))
    await photo()
      .flop()
      .toFile(join(set, 'live', '2.jpg'))
    await photo()
      .blur(2)
      .toFile(join(set, 'print', '1.jpg'))
    await photo()
      .modulate({ brightness: 0.6 })
      .toFile(join(set, 'replay', 'a', '1.jpg'))
    copyFileSync(join(folder, 'labelled', 'images', 'empty.png'), join(set, 'print', 'empty.png'))
  })

  it('gives APCER a species, BPCER, and what got no answer', async () => {
    const { code, out, err } = await liveness(set, '--json', '--threshold', '0.01')
    expect([code, err]).toEqual([0, ''])
    const rates = JSON.parse(out)
    // At this threshold everything passes for living.
    expect(rates.attacks).toEqual([
      { species: 'print', count: 1, errors: 1, rate: 1, unanswered: 1 },
      { species: 'replay', count: 1, errors: 1, rate: 1, unanswered: 0 },
    ])
    expect(rates.bonaFide).toEqual({ species: 'live', count: 2, errors: 0, rate: 0, unanswered: 0 })
    expect(rates.worstApcer).toBe(1)
    expect(rates.atApcer.map(({ limit, worstApcer }: Record<string, number>) => [limit, worstApcer])).toEqual([
      [0.05, 0],
      [0.1, 0],
    ])
  })

  it('prints a table for each threshold, with the other model too', async () => {
    const { code, out } = await liveness(set, '--model', 'livenessnet')
    expect(code).toBe(0)
    expect(out.match(/^APCER +print /gm)).toHaveLength(3)
    expect(out.match(/^BPCER +live /gm)).toHaveLength(3)
  })

  it.each([
    ['labelled', /needs a folder "live"/],
    ['no-such-folder', /cannot be read/],
  ])('says how the folder should look: %s', async (name, message) => {
    const { code, err } = await liveness(join(folder, name))
    expect(code).toBe(2)
    expect(err).toMatch(message)
  })
})
