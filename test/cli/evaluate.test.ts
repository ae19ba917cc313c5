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
