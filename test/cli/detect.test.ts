import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { run } from '../../src/cli/program.ts'
import { createMtcnn, type Face } from '../../src/detect/index.ts'
import { FacewiseError } from '../../src/errors.ts'
import { samplePhoto } from '../data.ts'
import { recordingTerminal } from './terminal.ts'

/** Lets a test make the start of the detector fail. */
const broken = vi.hoisted(() => ({ by: undefined as Error | undefined }))

vi.mock('../../src/detect/index.ts', async importOriginal => {
  const original = await importOriginal<typeof import('../../src/detect/index.ts')>()
  return {
    ...original,
    createMtcnn: (options: Parameters<typeof original.createMtcnn>[0]) =>
      broken.by ? Promise.reject(broken.by) : original.createMtcnn(options),
  }
})

interface Line {
  file: string
  width?: number
  height?: number
  faces?: { box: { x: number; y: number; width: number; height: number }; score: number; landmarks: number[][] }[]
  error?: { code: string; message: string }
}

const root = fileURLToPath(new URL('../..', import.meta.url))
let folder: string
let small: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'facewise-cli-'))
  small = join(folder, 'small.jpg')
  // 640 x 427, three faces.
  await sharp(samplePhoto(1)).resize(640).jpeg({ quality: 95 }).toFile(small)
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function facewise(argv: string[], options: Parameters<typeof recordingTerminal>[0] = {}) {
  const terminal = recordingTerminal(options)
  const code = await run(argv, terminal)
  const out = terminal.out()
  return {
    code,
    out,
    err: terminal.err(),
    lines: () =>
      out
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line) as Line),
  }
}

function subfolder(name: string): string {
  const path = join(folder, name)
  mkdirSync(path, { recursive: true })
  return path
}

describe('facewise detect --json', () => {
  it('prints what the detector finds, rounded, one object a line', async () => {
    const { code, err, lines } = await facewise(['detect', small, samplePhoto(1), '--json'])
    expect(code).toBe(0)
    expect(err).toBe('')
    const [first, second] = lines()
    expect(lines()).toHaveLength(2)
    expect(Object.keys(first)).toEqual(['file', 'width', 'height', 'faces'])
    expect(first).toMatchObject({ file: small, width: 640, height: 427 })
    expect(second).toMatchObject({ file: samplePhoto(1), width: 1920, height: 1280 })

    const detector = await createMtcnn()
    const faces: Face[] = await detector.detect(samplePhoto(1))
    detector.dispose()
    expect(faces).toHaveLength(3)
    const hundredth = (value: number): number => Number(value.toFixed(2))
    second.faces!.forEach((face, i) => {
      expect(Object.keys(face)).toEqual(['box', 'score', 'landmarks'])
      for (const key of ['x', 'y', 'width', 'height'] as const) {
        expect(face.box[key]).toBeCloseTo(faces[i].box[key], 2)
        expect(face.box[key]).toBe(hundredth(face.box[key]))
      }
      expect(Math.abs(face.score - faces[i].score)).toBeLessThanOrEqual(0.5e-5 + 1e-12)
      expect(face.landmarks).toHaveLength(5)
      expect(face.landmarks.flat()).toEqual(face.landmarks.flat().map(hundredth))
    })
    const scores = second.faces!.map(({ score }) => score)
    expect(scores).toEqual([...scores].sort((a, b) => b - a))
  })

  it('reads standard input and addresses', async () => {
    const bytes = readFileSync(small)
    const server = createServer((request, response) => {
      response.statusCode = request.url === '/photo.jpg' ? 200 : 404
      response.end(response.statusCode === 200 ? bytes : 'nothing here')
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    try {
      const argv = ['detect', '-', `${address}/photo.jpg`, `${address}/gone.jpg`, '--json']
      const { code, lines } = await facewise(argv, { stdin: bytes })
      const [stdin, fetched, gone] = lines()
      expect(code).toBe(1)
      expect(stdin.file).toBe('-')
      expect(stdin.faces).toHaveLength(3)
      expect(fetched.faces).toEqual(stdin.faces)
      expect(gone.error?.code).toBe('IMAGE_NOT_FOUND')
    } finally {
      server.close()
    }
  })

  it('chooses faces', async () => {
    const all = (await facewise(['detect', small, '--json'])).lines()[0].faces!
    const choose = async (...options: string[]) =>
      (await facewise(['detect', small, '--json', ...options])).lines()[0].faces!
    const area = ({ box }: (typeof all)[0]): number => box.width * box.height
    const offCentre = ({ box }: (typeof all)[0]): number =>
      Math.hypot(box.x + box.width / 2 - 320, box.y + box.height / 2 - 213.5)
    const largest = all.toSorted((a, b) => area(b) - area(a))
    const central = all.toSorted((a, b) => offCentre(a) - offCentre(b))
    expect(all).toHaveLength(3)
    expect(await choose('--faces', 'largest')).toEqual([largest[0]])
    expect(await choose('--faces', 'center')).toEqual([central[0]])
    expect(await choose('--max-faces', '1')).toEqual([all[0]])
    const twoLargest = await choose('--faces', 'largest', '--max-faces', '2')
    expect(twoLargest).toHaveLength(2)
    expect(twoLargest).not.toContainEqual(largest[2])
    expect(await choose('--min-face', '250')).toEqual([])
    expect((await choose('--thresholds', '0.6,0.7,0.99999')).length).toBeLessThan(3)
  })
})

describe('inputs', () => {
  it('finds the pictures of folders and globs, sorted, and takes a name that exists as it is', async () => {
    const photos = subfolder('photos')
    mkdirSync(join(photos, 'inner'))
    const tiny = await sharp({ create: { width: 20, height: 20, channels: 3, background: '#888' } })
      .png()
      .toBuffer()
    for (const name of ['b.PNG', 'a.webp', join('inner', 'c.jpeg'), 'photo[1].png']) {
      writeFileSync(join(photos, name), tiny)
    }
    writeFileSync(join(photos, 'notes.txt'), 'no picture')
    const files = async (...words: string[]) =>
      (await facewise(['detect', ...words, '--json'])).lines().map(l => l.file)
    const all = ['a.webp', 'b.PNG', join('inner', 'c.jpeg'), 'photo[1].png'].map(name => join(photos, name))
    expect(await files(photos)).toEqual(all)
    expect(await files(`${photos}/**/*.{png,jpeg}`)).toEqual([all[2], all[3]])
    expect(await files(join(photos, 'photo[1].png'), join(photos, 'a.webp'))).toEqual([all[3], all[0]])
  })

  it('names a folder and a pattern without pictures', async () => {
    const empty = subfolder('empty')
    writeFileSync(join(empty, 'notes.txt'), 'no picture')
    const { code, err, lines } = await facewise(['detect', empty, join(empty, '*.jpg'), small, '--json'])
    expect(code).toBe(1)
    expect(lines().map(line => line.error?.code)).toEqual(['IMAGE_NOT_FOUND', 'IMAGE_NOT_FOUND', undefined])
    expect(lines()[0].error?.message).toContain('has no pictures, only 1 other file')
    expect(lines()[1].error?.message).toContain('finds no files')
    expect(lines()[2].faces).toHaveLength(3)
    expect(err).toContain(empty)
  })

  it('does every good picture beside every bad one', async () => {
    const bad = subfolder('bad')
    const jpeg = readFileSync(small)
    const file = (name: string, bytes: Uint8Array | string): string => {
      writeFileSync(join(bad, name), bytes)
      return join(bad, name)
    }
    const blank = (width: number, height: number): Promise<Buffer> =>
      sharp({ create: { width, height, channels: 3, background: '#123456' } })
        .png()
        .toBuffer()
    const cases: [file: string, expected: string | number][] = [
      [file('truncated.jpg', jpeg.subarray(0, jpeg.length / 2)), 'IMAGE_UNREADABLE'],
      [small, 3],
      [file('text.jpg', 'This is no picture.'), 'IMAGE_UNREADABLE'],
      [file('empty.jpg', ''), 'IMAGE_UNREADABLE'],
      [file('1x1.png', await blank(1, 1)), 0],
      [file('12x5000.png', await blank(12, 5000)), 0],
      [file('16bit.png', await sharp(small).toColourspace('rgb16').png().toBuffer()), 3],
      [file('cmyk.jpg', await sharp(small).toColourspace('cmyk').jpeg({ quality: 95 }).toBuffer()), 3],
      [file('still.gif', await sharp(small).gif().toBuffer()), 3],
      [join(bad, 'missing.jpg'), 'IMAGE_NOT_FOUND'],
      [subfolder('bad/nothing'), 'IMAGE_NOT_FOUND'],
      [file('large.png', await blank(1001, 1000)), 'IMAGE_TOO_LARGE'],
      [file('last.jpg', jpeg), 3],
    ]
    expect((await sharp(join(bad, '16bit.png')).metadata()).depth).toBe('ushort')
    expect((await sharp(join(bad, 'cmyk.jpg')).metadata()).space).toBe('cmyk')
    const { code, err, lines } = await facewise(['detect', ...cases.map(([f]) => f), '--json', '--max-pixels', '1'])
    expect(lines().map(({ file: name, faces, error }) => [name, error?.code ?? faces?.length])).toEqual(cases)
    expect(code).toBe(1)
    for (const [name, expected] of cases) {
      expect(err.includes(`"${name}"`), name).toBe(typeof expected === 'string')
    }
    const tooLarge = lines().find(line => line.error?.code === 'IMAGE_TOO_LARGE')
    expect(tooLarge?.error?.message).toContain('--max-pixels')
    expect(err).not.toMatch(/\n\s+at /)
  })

  it('refuses a picture over the default limit by its header alone', async () => {
    // The header of a PNG with 60,000 x 60,000 pixels, and nothing after it.
    const png = await sharp({ create: { width: 1, height: 1, channels: 3, background: '#000' } })
      .png()
      .toBuffer()
    png.writeUInt32BE(60_000, 16)
    png.writeUInt32BE(60_000, 20)
    const bomb = join(folder, 'bomb.png')
    writeFileSync(bomb, png)
    const { code, lines } = await facewise(['detect', bomb, '--json'])
    expect(code).toBe(1)
    expect(lines()[0].error?.code).toBe('IMAGE_TOO_LARGE')
  })
})

describe('for people', () => {
  it('prints a table without colours where nobody looks', async () => {
    const { code, out, err } = await facewise(['detect', small, join(folder, 'missing.jpg')])
    expect(code).toBe(1)
    expect(out).toContain(`${small}  640 x 427  3 faces`)
    expect(out.match(/^ {2}\d {2}[01]\.\d{4}( +\d+){4}$/gm)).toHaveLength(3)
    expect(out).toContain('3 faces in 1 picture; 1 failed')
    expect(err).toMatch(/^failed: "[^"]*missing\.jpg" cannot be read.*\n$/)
    expect(out + err).not.toContain('\u001b')
  })

  it('shows a bar and colours on a terminal, unless NO_COLOR says otherwise', async () => {
    const coloured = await facewise(['detect', small, small], { tty: true })
    expect(coloured.err).toContain('[############------------] 1/2')
    expect(coloured.out).toContain('\u001b[1m')
    const plain = await facewise(['detect', small, small], { tty: true, env: { NO_COLOR: '1' } })
    expect(plain.out + plain.err).not.toContain('\u001b')
    const single = await facewise(['detect', small], { tty: true })
    expect(single.err).toBe('')
  })

  it('explains itself', async () => {
    for (const command of [['detect'], ['doctor'], ['evaluate'], ['evaluate', 'detection']]) {
      const { code, out, err } = await facewise([...command, '--help'])
      expect(code).toBe(0)
      expect(err).toBe('')
      expect(out).toContain(`Examples:\n  facewise ${command.join(' ')}`)
    }
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
    expect(await facewise(['--version'])).toMatchObject({ code: 0, out: `${version}\n` })
  })
})

describe('wrong calls', () => {
  it.each([
    [['detect'], "missing required argument 'file'"],
    [['detect', 'a.jpg', '--frobnicate'], "unknown option '--frobnicate'"],
    [['detect', 'a.jpg', '--min-face', '0'], 'whole number, 1 or more'],
    [['detect', 'a.jpg', '--min-face', 'ten'], 'whole number, 1 or more'],
    [['detect', 'a.jpg', '--max-face', '20'], 'under the smallest face'],
    [['detect', 'a.jpg', '--max-pixels', '-1'], 'number over 0'],
    [['detect', 'a.jpg', '--thresholds', '0.6,0.7'], 'three numbers between 0 and 1'],
    [['detect', 'a.jpg', '--thresholds', '0.6,0.7,1.5'], 'three numbers between 0 and 1'],
    [['detect', 'a.jpg', '--thresholds', '0.6,,0.7'], 'three numbers between 0 and 1'],
    [['detect', 'a.jpg', '--faces', 'smallest'], 'Allowed choices are all, largest, center'],
    [['detect', 'a.jpg', '--backend', 'wasm,cuda'], 'Choose among native, wasm, cpu'],
  ])('%j ends with code 2, one line and a pointer', async (argv, reason) => {
    const { code, out, err } = await facewise(argv)
    expect(code).toBe(2)
    expect(out).toBe('')
    const lines = err.trimEnd().split('\n')
    expect(lines).toHaveLength(2)
    expect(lines[0]).toContain(reason)
    expect(lines[1]).toContain('facewise detect --help')
  })

  it('knows no other commands, and says which there are', async () => {
    expect(await facewise(['paint'])).toMatchObject({ code: 2, out: '', err: expect.stringContaining("'paint'") })
    expect(await facewise([])).toMatchObject({ code: 2, out: '', err: expect.stringContaining('detect') })
  })

  it('takes a folder for drawings that cannot be made as a wrong call', async () => {
    const { code, err } = await facewise(['detect', small, '--draw', join(small, 'inside-a-file')])
    expect(code).toBe(2)
    expect(err).toContain('cannot be made')
  })
})

describe('--draw', () => {
  it('writes upright copies with the box drawn, each with its own name', async () => {
    const out = join(folder, 'drawn', 'deep')
    const other = join(subfolder('other'), 'small.jpg')
    // Stored on its side; the EXIF tag turns it upright.
    await sharp(small).rotate(270).withMetadata({ orientation: 6 }).jpeg({ quality: 95 }).toFile(other)
    const png = join(folder, 'lossless.png')
    await sharp(small).png().toFile(png)
    const { code, err, lines } = await facewise(['detect', small, other, png, '--json', '--draw', out])
    expect(code).toBe(0)
    for (const [i, name] of ['small.jpg', 'small-2.jpg', 'lossless.png'].entries()) {
      const path = join(out, name)
      expect(err).toContain(`drawn as ${path}`)
      const { data, info } = await sharp(path).raw().toBuffer({ resolveWithObject: true })
      expect([info.width, info.height, info.channels]).toEqual([640, 427, 3])
      const { faces } = lines()[i]
      expect(faces).toHaveLength(3)
      for (const { box } of faces!) {
        // On the lower edge, between the corners: the green of the boxes.
        const at = (Math.round(box.y + box.height - 0.5) * 640 + Math.round(box.x + box.width / 2)) * 3
        const [red, green, blue] = data.subarray(at, at + 3)
        expect(green - red).toBeGreaterThan(60)
        expect(green - blue).toBeGreaterThan(20)
      }
    }
    expect((await sharp(join(out, 'lossless.png')).metadata()).format).toBe('png')
  })

  it('never writes over an input', async () => {
    const own = subfolder('own')
    const photo = join(own, 'photo.jpg')
    const bytes = readFileSync(small)
    writeFileSync(photo, bytes)
    const { code, out } = await facewise(['detect', photo, '--draw', own])
    expect(code).toBe(0)
    expect(readFileSync(photo).equals(bytes)).toBe(true)
    expect(existsSync(join(own, 'photo-2.jpg'))).toBe(true)
    expect(out).toContain('photo-2.jpg')
  })
})

describe('failures that affect everything', () => {
  it('end with code 1, the message and a pointer to doctor, without a stack', async () => {
    broken.by = new FacewiseError('BACKEND_UNAVAILABLE', 'No backend could be started.')
    try {
      const { code, out, err } = await facewise(['detect', small, small, '--json'])
      expect(code).toBe(1)
      expect(out).toBe('')
      expect(err).toBe(
        'facewise: No backend could be started.\n`facewise doctor` shows what is missing on this machine.\n',
      )
    } finally {
      broken.by = undefined
    }
  })

  it('are not awaited by inputs that cannot be read anyway', async () => {
    broken.by = new FacewiseError('MODEL_NOT_FOUND', 'No model.')
    try {
      const { code, lines } = await facewise(['detect', join(folder, 'missing.jpg'), '--json'])
      expect(code).toBe(1)
      expect(lines()[0].error?.code).toBe('IMAGE_NOT_FOUND')
    } finally {
      broken.by = undefined
    }
  })
})

describe('the executable', () => {
  const start = (...argv: string[]) =>
    spawn(process.execPath, ['--import', 'tsx', join(root, 'src/cli/main.ts'), ...argv], { cwd: root })

  it('writes to the real outputs and sets the exit code', async () => {
    const child = start('detect', '-', join(folder, 'missing.jpg'), '--json')
    child.stdin.end(readFileSync(small))
    const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
    const [first, second] = out
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as Line)
    expect(code).toBe(1)
    expect(first.faces).toHaveLength(3)
    expect(second.error?.code).toBe('IMAGE_NOT_FOUND')
    // One line for the failure: nothing else, no warnings, has a place there.
    expect(err.trimEnd().split('\n')).toHaveLength(1)
  })

  it('ends quietly when its reader goes away', async () => {
    const child = start('detect', ...Array.from({ length: 50 }, () => samplePhoto(1)))
    const ended = once(child, 'exit')
    const err = text(child.stderr)
    await once(child.stdout, 'data')
    child.stdout.destroy()
    expect((await ended)[0]).toBe(0)
    expect(await err).toBe('')
  })
})
