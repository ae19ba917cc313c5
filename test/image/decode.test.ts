import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { crc32, deflateSync } from 'node:zlib'
import sharp, { type Sharp } from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decode } from '../../src/image/decode.ts'
import type { ImageInput } from '../../src/image/input.ts'
import type { Picture } from '../../src/image/picture.ts'
import { samplePhoto } from '../data.ts'
import { noise } from '../random.ts'

type Rgb = readonly [number, number, number]

const RED: Rgb = [220, 30, 40]
const GREEN: Rgb = [40, 200, 60]
const BLUE: Rgb = [30, 60, 210]
const GREY: Rgb = [128, 128, 128]
const WHITE: Rgb = [255, 255, 255]
const BLACK: Rgb = [0, 0, 0]

/** Flat squares of `side` pixels, so that lossy formats keep the colour in their middle. */
function blocks(rows: readonly (readonly Rgb[])[], side = 16): Sharp {
  const columns = rows[0].length
  const data = Buffer.alloc(rows.length * columns * side * side * 3)
  for (let y = 0, at = 0; y < rows.length * side; y++) {
    for (let x = 0; x < columns * side; x++, at += 3) data.set(rows[Math.floor(y / side)][Math.floor(x / side)], at)
  }
  return sharp(data, { raw: { width: columns * side, height: rows.length * side, channels: 3 } })
}

/** The colours in the middle of each square. */
function middles({ data, width, height }: Picture, side = 16): Rgb[][] {
  return Array.from({ length: height / side }, (_, row) =>
    Array.from({ length: width / side }, (_, column): Rgb => {
      const at = ((row * side + side / 2) * width + column * side + side / 2) * 3
      return [data[at], data[at + 1], data[at + 2]]
    }),
  )
}

function expectColours(
  actual: readonly (readonly Rgb[])[],
  expected: readonly (readonly Rgb[])[],
  tolerance: number,
): void {
  expect(actual.map(row => row.length)).toEqual(expected.map(row => row.length))
  const largest = Math.max(...actual.flat().flatMap((rgb, i) => rgb.map((v, k) => Math.abs(v - expected.flat()[i][k]))))
  expect(largest, JSON.stringify({ actual, expected })).toBeLessThanOrEqual(tolerance)
}

const failsWith = (code: string, message = /./): unknown =>
  expect.objectContaining({ name: 'FacewiseError', code, message: expect.stringMatching(message) })

describe('formats', () => {
  const squares = [
    [RED, GREEN, BLUE],
    [WHITE, BLACK, GREY],
  ]
  test.each([
    ['JPEG', blocks(squares).jpeg({ quality: 95 }), 6],
    ['progressive JPEG', blocks(squares).jpeg({ quality: 95, progressive: true }), 6],
    ['PNG', blocks(squares).png(), 0],
    ['PNG with a palette', blocks(squares).png({ palette: true }), 4],
    ['16-bit PNG', blocks(squares).toColourspace('rgb16').png(), 0],
    ['WebP', blocks(squares).webp({ quality: 95 }), 8],
    ['AVIF', blocks(squares).avif({ quality: 90, effort: 0 }), 10],
    ['GIF', blocks(squares).gif(), 6],
    [
      'CMYK JPEG',
      blocks([[WHITE, GREY, BLACK]])
        .toColourspace('cmyk')
        .jpeg({ quality: 95 }),
      40,
    ],
  ])('%s', async (name, image, tolerance) => {
    const expected = name.startsWith('CMYK') ? [[WHITE, GREY, BLACK]] : squares
    const picture = await decode(await image.toBuffer())
    expect(picture.data).toHaveLength(picture.width * picture.height * 3)
    expectColours(middles(picture), expected, tolerance)
  })

  test('grey, 8 and 16 bits, is repeated', async () => {
    const grey = Uint8Array.from([0, 77, 200, 255])
    const raw = { width: 2, height: 2, channels: 1 } as const
    const repeated = [...grey].flatMap(v => [v, v, v])
    expect([...(await decode(await sharp(grey, { raw }).toColourspace('b-w').png().toBuffer())).data]).toEqual(repeated)
    const wide = await sharp(grey, { raw }).toColourspace('grey16').png().toBuffer()
    expect(await sharp(wide).metadata()).toMatchObject({ depth: 'ushort', channels: 1 })
    expect([...(await decode(wide)).data]).toEqual(repeated)
    const jpeg = await decode(
      await sharp(Buffer.alloc(64, 90), { raw: { width: 8, height: 8, channels: 1 } })
        .jpeg()
        .toBuffer(),
    )
    expect(new Set(jpeg.data)).toEqual(new Set([90]))
  })

  test('alpha is composed over white: RGBA, 16-bit RGBA, grey with alpha', async () => {
    const raw = { width: 3, height: 1, channels: 4 } as const
    const rgba = Uint8Array.from([255, 0, 0, 255, 0, 0, 0, 0, 0, 0, 0, 128])
    const image = sharp(rgba, { raw })
    const expected = [255, 0, 0, 255, 255, 255, 127, 127, 127]
    const near = ({ data }: Picture): number => Math.max(...expected.map((v, i) => Math.abs(v - data[i])))
    expect(near(await decode(await image.clone().png().toBuffer()))).toBeLessThanOrEqual(1)
    expect(near(await decode(await image.clone().toColourspace('rgb16').png().toBuffer()))).toBeLessThanOrEqual(1)
    expect(near(await decode(await image.clone().webp({ lossless: true }).toBuffer()))).toBeLessThanOrEqual(1)
    const greyAlpha = png(3, 1, { depth: 8, colour: 4 }, [0, 100, 255, 0, 0, 0, 128])
    expect([...(await decode(greyAlpha)).data].map(v => Math.round(v / 2) * 2)).toEqual([
      100, 100, 100, 256, 256, 256, 128, 128, 128,
    ])
  })

  test('of an animation, the first frame', async () => {
    const frames = await Promise.all([[[RED]], [[BLUE]]].map(frame => blocks(frame).raw().toBuffer()))
    const raw = { width: 16, height: 32, channels: 3, pageHeight: 16 } as const
    for (const format of ['gif', 'webp'] as const) {
      const animated = await sharp(Buffer.concat(frames), { raw }).toFormat(format).toBuffer()
      expect(await sharp(animated).metadata()).toMatchObject({ pages: 2 })
      expectColours(middles(await decode(animated)), [[RED]], 8)
    }
  })

  test('a colour profile is converted to sRGB', async () => {
    const colour: Rgb = [230, 90, 60]
    const wide = await blocks([[colour]])
      .withIccProfile('p3')
      .png()
      .toBuffer()
    const stored = await sharp(wide, { ignoreIcc: true }).raw().toBuffer()
    // The same colour has other numbers in Display P3; taking them as they are would show here.
    expect(Math.abs(stored[0] - colour[0])).toBeGreaterThan(8)
    expectColours(middles(await decode(wide)), [[colour]], 2)
  })

  test('pixels of the usual sRGB profile stay as they are; a conversion would change one value in a hundred, by one', async () => {
    const { icc } = await sharp(samplePhoto(1)).metadata()
    const folder = mkdtempSync(join(tmpdir(), 'facewise profile '))
    const file = join(folder, 'srgb.icc')
    writeFileSync(file, icc!)
    const { data, width, height } = noise(64, 64, 5)
    const png = await sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .withIccProfile(file, { attach: true })
      .toBuffer()
    rmSync(folder, { recursive: true })
    expect((await sharp(png).metadata()).icc).toEqual(icc)
    const converted = await sharp(png).toColourspace('srgb').raw().toBuffer()
    const stored = await sharp(png, { ignoreIcc: true }).raw().toBuffer()
    const decoded = await decode(png)
    expect(stored.equals(decoded.data as Uint8Array)).toBe(true)
    const changes = converted.map((value, i) => Math.abs(value - stored[i]))
    expect(Math.max(...changes)).toBeLessThanOrEqual(1)
    expect(changes.filter(change => change > 0).length).toBeLessThan(stored.length / 100)
  })

  test('one pixel', async () => {
    const picture = await decode(
      await blocks([[RED]], 1)
        .png()
        .toBuffer(),
    )
    expect(picture).toEqual({ data: Uint8Array.from(RED), width: 1, height: 1 })
  })
})

describe('EXIF orientation', () => {
  const upright = [
    [RED, GREEN, BLUE],
    [WHITE, BLACK, GREY],
  ]
  // By the EXIF standard: which side of the upright picture the stored picture's first row and first column are.
  test.each([
    [1, 'top', 'left'],
    [2, 'top', 'right'],
    [3, 'bottom', 'right'],
    [4, 'bottom', 'left'],
    [5, 'left', 'top'],
    [6, 'right', 'top'],
    [7, 'right', 'bottom'],
    [8, 'left', 'bottom'],
  ])('%i: the first row is the %s, the first column the %s', async (orientation, firstRow, firstColumn) => {
    const turned = firstRow === 'left' || firstRow === 'right'
    const stored = Array.from({ length: turned ? 3 : 2 }, (_, row) =>
      Array.from({ length: turned ? 2 : 3 }, (_, column) => {
        const y = turned ? column : row
        const x = turned ? row : column
        const sides = [firstRow, firstColumn]
        return upright[sides.includes('bottom') ? 1 - y : y][sides.includes('right') ? 2 - x : x]
      }),
    )
    const jpeg = await blocks(stored).withMetadata({ orientation }).jpeg({ quality: 95 }).toBuffer()
    const picture = await decode(jpeg)
    expect([picture.width, picture.height]).toEqual([48, 32])
    expectColours(middles(picture), upright, 6)
  })
})

describe('kinds of input', () => {
  const source = noise(9, 7, 1)
  let bytes: Buffer
  let folder: string
  let path: string
  let server: Server
  let address: string

  beforeAll(async () => {
    bytes = await sharp(source.data, { raw: { width: 9, height: 7, channels: 3 } })
      .png()
      .toBuffer()
    folder = mkdtempSync(join(tmpdir(), 'facewise decode ü-'))
    path = join(folder, 'a picture.png')
    writeFileSync(path, bytes)
    server = createServer((request, response) => {
      if (request.url === '/picture.png') response.end(bytes)
      else if (request.url === '/page') response.end('<html>')
      else if (request.url === '/half-then-silence') {
        response.writeHead(200, { 'content-length': bytes.length })
        response.write(bytes.subarray(0, 20))
      } else if (request.url === '/half-then-broken') {
        response.writeHead(200, { 'content-length': bytes.length })
        response.write(bytes.subarray(0, 20), () => setTimeout(() => response.destroy(), 20))
      } else {
        response.writeHead(404).end('no')
      }
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })

  afterAll(() => {
    server.closeAllConnections()
    server.close()
    rmSync(folder, { recursive: true })
  })

  const kinds: [string, () => ImageInput][] = [
    ['a path', () => path],
    ['a file: URL', () => pathToFileURL(path)],
    ['a file: address', () => pathToFileURL(path).href],
    ['a Buffer', () => bytes],
    ['a Uint8Array inside a larger buffer', () => new Uint8Array([9, ...bytes, 9]).subarray(1, bytes.length + 1)],
    ['an ArrayBuffer', () => new Uint8Array(bytes).buffer],
    ['a Blob', () => new Blob([new Uint8Array(bytes)])],
    ['a File', () => new File([new Uint8Array(bytes)], 'a.png')],
    ['a data: address', () => `data:image/png;base64,${bytes.toString('base64')}`],
    ['a data: URL', () => new URL(`data:image/png;base64,${bytes.toString('base64')}`)],
    ['an http address', () => `${address}/picture.png`],
    ['an http URL', () => new URL(`${address}/picture.png`)],
    ['a picture', () => source],
  ]
  test.each(kinds)('%s', async (_, input) => {
    const picture = await decode(input())
    expect([picture.width, picture.height]).toEqual([9, 7])
    expect([...picture.data]).toEqual([...source.data])
  })

  const failures: [string, () => ImageInput, string, RegExp][] = [
    ['a missing file', () => join(folder, 'none.jpg'), 'IMAGE_NOT_FOUND', /none\.jpg.*ENOENT/],
    ['a folder', () => folder, 'IMAGE_UNREADABLE', /is a folder/],
    ['an empty path', () => '', 'IMAGE_NOT_FOUND', /ENOENT/],
    ['a path with a zero byte', () => 'a\0b.jpg', 'IMAGE_NOT_FOUND', /./],
    ['a file: address on another host', () => 'file://elsewhere/a.jpg', 'IMAGE_NOT_FOUND', /./],
    ['status 404', () => `${address}/none`, 'IMAGE_NOT_FOUND', /404/],
    ['a page instead of a picture', () => `${address}/page`, 'IMAGE_UNREADABLE', /page/],
    ['a server that does not answer', () => 'http://127.0.0.1:9/a.jpg', 'IMAGE_NOT_FOUND', /127\.0\.0\.1:9/],
    ['a connection that breaks', () => `${address}/half-then-broken`, 'IMAGE_NOT_FOUND', /half-then-broken/],
    ['a data: address that is none', () => 'data:image/png', 'IMAGE_NOT_FOUND', /data:/],
    ['text', () => Buffer.from('This is no picture.'), 'IMAGE_UNREADABLE', /JPEG, PNG/],
    ['no bytes', () => new Uint8Array(0), 'IMAGE_UNREADABLE', /empty \(0 bytes\)/],
    ['an empty File', () => new File([], 'void.png'), 'IMAGE_UNREADABLE', /"void\.png" is empty/],
    [
      'pixels without enough bytes',
      () => ({ data: new Uint8Array(5), width: 2, height: 1 }),
      'INVALID_ARGUMENT',
      /2 x 1/,
    ],
    ...[null, undefined, 7, {}, [1, 2], new Date()].map((value): [string, () => ImageInput, string, RegExp] => [
      `the value ${JSON.stringify(value)}`,
      () => value as unknown as ImageInput,
      'IMAGE_UNSUPPORTED',
      /path/,
    ]),
  ]
  test.each(failures)('refuses %s', async (_, input, code, message) => {
    await expect(decode(input())).rejects.toEqual(failsWith(code, message))
  })

  test('a cut-off JPEG is an error, not a picture with a grey half', async () => {
    const jpeg = await sharp(samplePhoto(1)).resize(400).jpeg().toBuffer()
    await expect(decode(jpeg.subarray(0, jpeg.length / 2))).rejects.toEqual(failsWith('IMAGE_UNREADABLE'))
    await expect(decode(bytes.subarray(0, bytes.length - 30))).rejects.toEqual(failsWith('IMAGE_UNREADABLE'))
  })

  test('the limit is checked on the header, before the pixels', async () => {
    // Nothing but the head of a picture of 2.5 gigapixels: decoding it would fail in another way, or take very long.
    const bomb = png(50_000, 50_000, { depth: 8, colour: 2 }, [])
    await expect(decode(bomb)).rejects.toEqual(failsWith('IMAGE_TOO_LARGE', /50000 x 50000 = 2500 megapixels.*is 100/))
    await expect(decode(bytes, { maxPixels: 62 })).rejects.toEqual(failsWith('IMAGE_TOO_LARGE'))
    await expect(decode(source, { maxPixels: 62 })).rejects.toEqual(failsWith('IMAGE_TOO_LARGE'))
    expect((await decode(bytes, { maxPixels: 63 })).width).toBe(9)
  })

  test('a signal that has fired: nothing is done', async () => {
    const reason = new Error('enough')
    const signal = AbortSignal.abort(reason)
    for (const [, input] of kinds) {
      await expect(decode(input(), { signal })).rejects.toMatchObject({ code: 'ABORTED', cause: reason })
    }
  })

  test('a signal that fires while a server is silent', async () => {
    const controller = new AbortController()
    const pending = decode(`${address}/half-then-silence`, { signal: controller.signal })
    setTimeout(() => controller.abort(), 50)
    await expect(pending).rejects.toMatchObject({ name: 'FacewiseError', code: 'ABORTED' })
  })
})

/** A PNG by hand, for kinds that sharp does not write and for heads without a body. */
function png(width: number, height: number, kind: { depth: number; colour: number }, rows: readonly number[]): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
    const out = Buffer.alloc(body.length + 8)
    out.writeUInt32BE(data.length, 0)
    body.copy(out, 4)
    out.writeUInt32BE(crc32(body), body.length + 4)
    return out
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header[8] = kind.depth
  header[9] = kind.colour
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.from(rows))),
    chunk('IEND', Buffer.alloc(0)),
  ])
}
