import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { request as plainRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FRAME_FIELDS, LIMITS, ROUTES } from '../../../examples/web-auth/protocol.ts'
import { parseMultipart } from '../../../examples/web-auth/server/http/multipart.ts'
import { pictureSize } from '../../../examples/web-auth/server/http/picture-size.ts'
import { type Client, challenged, framesForm, signedUp } from './client.ts'
import { type TestServer, testServer } from './server.ts'

let server: TestServer
let client: Client
beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'facewise-web-'))
  const page = join(folder, 'page')
  mkdirSync(join(page, 'assets'), { recursive: true })
  writeFileSync(join(page, 'index.html'), '<!doctype html><title>page</title>')
  writeFileSync(join(page, 'assets', 'main-abcd1234.js'), 'export {}')
  symlinkSync('/etc/passwd', join(page, 'link.txt'))
  server = await testServer({ FACEWISE_WEB_DATA: folder })
  client = await signedUp(server.url, 'ada@example.org')
})
afterAll(() => server.remove())

describe('the page', () => {
  /** As it stands, without the tidying of `fetch`. */
  const raw = (path: string): Promise<{ status: number; body: string }> =>
    new Promise((resolve, reject) => {
      const { port } = new URL(server.url)
      plainRequest({ port, path, agent: false }, response => {
        let body = ''
        response.on('data', chunk => {
          body += chunk
        })
        response.on('end', () => resolve({ status: response.statusCode!, body }))
      })
        .on('error', reject)
        .end()
    })

  it('is served with its types, and nothing beside it is', async () => {
    const script = await fetch(`${server.url}/assets/main-abcd1234.js`)
    expect(script.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
    expect(script.headers.get('cache-control')).toContain('immutable')
    expect(await (await fetch(`${server.url}/account`)).text()).toContain('<title>page')
    const paths = [
      '/../key',
      '/..%2fkey',
      '/%2e%2e/key',
      '/assets/../../key',
      '/assets/..%5c..%5ckey',
      '//etc/passwd.txt',
      '/link.txt',
      '/%00.txt',
      '/accounts.db',
    ]
    for (const path of paths) {
      const { status, body } = await raw(path)
      expect(body, path).not.toMatch(/root:|^[A-Za-z0-9+/]{43}=/)
      if (status === 200) expect(body, path).toContain('<title>page')
    }
    expect((await raw('/link.txt')).status).toBe(404)
    expect((await raw('/accounts.db')).status).toBe(404)
  })
})

describe('a body', () => {
  it('of JSON is small, and JSON', async () => {
    const big = JSON.stringify({ email: 'a@b.c', password: 'x'.repeat(LIMITS.jsonBytes) })
    expect((await client.json('POST', ROUTES.password, big)).error.code).toBe('too-large')
    for (const body of [
      '{',
      '[]',
      'null',
      '{"email":1}',
      '{"__proto__":{"a":1}}',
      '{"email":{"$ne":""},"password":"x"}',
    ]) {
      expect((await client.json('POST', ROUTES.password, body)).error.code, body).toBe('invalid')
    }
    const form = await client.request(ROUTES.password, {
      method: 'POST',
      body: 'email=a',
      headers: { 'content-type': 'text/plain' },
    })
    expect(form.status).toBe(415)
  })

  it('that is too large is refused before it is there, announced or not', async () => {
    const announced = new Uint8Array(LIMITS.bodyBytes + 1)
    const type = { 'content-type': 'multipart/form-data; boundary=x' }
    let sent = 0
    const endless = new ReadableStream({
      pull(controller) {
        sent += 1_000_000
        controller.enqueue(new Uint8Array(1_000_000))
        if (sent > 400_000_000) controller.close()
      },
    })
    const streamed = { method: 'POST', headers: type, body: endless, duplex: 'half' } as RequestInit
    for (const init of [{ method: 'POST', headers: type, body: announced }, streamed]) {
      // The connection may be closed before the answer is read.
      const status = await client.request(ROUTES.face, init).then(
        response => response.status,
        () => 413,
      )
      expect(status).toBe(413)
    }
    expect(sent).toBeLessThan(100_000_000)
    expect((await client.session()).stage).toBe('full')
  })

  it('with parts that are malformed, too many or too large is refused', async () => {
    const send = async (body: string | Uint8Array, type = 'multipart/form-data; boundary=x'): Promise<string> => {
      const init = { method: 'POST', headers: { 'content-type': type }, body: body as BodyInit }
      return (await (await client.request(ROUTES.face, init)).json()).error.code
    }
    const part = (name: string, content: string): string =>
      `--x\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${content}\r\n`
    const bad = [
      '',
      '--x',
      '--x--',
      '--x\r\n\r\n\r\n--x--',
      `${part('photo', 'abc')}`,
      `${part('photo', 'abc')}--x-`,
      `${part('photo', 'no picture at all, but long enough to be read as one')}--x--`,
      `${part('challenge', 'y'.repeat(101))}--x--`,
      `${part('other', 'z')}--x--`,
      `${part('times', '[1]')}${part('times', '[1]')}--x--`,
      `${part('frame', 'a'.repeat(LIMITS.frameBytes + 1))}--x--`,
      `${part('challenge', 'a').repeat(LIMITS.frames + 4)}--x--`,
      `--x\r\n${'a: b\r\n'.repeat(300)}\r\n\r\n--x--`,
      `--y\r\n${part('photo', 'abc')}--x--`,
    ]
    for (const body of bad) expect(await send(body), JSON.stringify(body.slice(0, 60))).toBe('invalid')
    expect(await send('--x--', 'multipart/form-data')).toBe('invalid')
    expect(await send('{}', 'application/json')).toBe('unsupported')
  })

  it('with a picture that would be huge once decoded, or is none, is refused by its header', async () => {
    const jpeg = await sharp({ create: { width: 640, height: 480, channels: 3, background: 'grey' } })
      .jpeg()
      .toBuffer()
    const lying = Buffer.from(jpeg)
    const frame = lying.indexOf(Buffer.from([0xff, 0xc0]))
    lying.writeUInt16BE(65_500, frame + 5)
    lying.writeUInt16BE(65_500, frame + 7)
    const { challenge } = await challenged(client, { purpose: 'enrol' })
    const huge = await client.form(ROUTES.face, framesForm(challenge.id, [{ bytes: lying, time: Date.now() }]))
    expect([huge.error.code, huge.error.fields]).toEqual(['invalid', ['frame']])

    // Hundreds of megapixels in some kilobytes.
    const bomb = new FormData()
    bomb.append(FRAME_FIELDS.photo, new Blob([pngOf(30_000, 30_000)]))
    expect((await client.form(ROUTES.face, bomb)).error.fields).toEqual(['photo'])

    // A header that is right, and nothing behind it: the decoder says no, and the server goes on.
    const cut = new FormData()
    cut.append(FRAME_FIELDS.photo, new Blob([Buffer.from(jpeg).subarray(0, 400)]))
    const answer = await client.form<{ accepted: number }>(ROUTES.face, cut)
    expect([answer.status, answer.error.code]).toEqual([400, 'invalid'])
    expect((await client.session()).stage).toBe('full')
  })
})

describe('parseMultipart', () => {
  it('gives the parts that a browser puts in', async () => {
    const form = new FormData()
    form.append('a', 'text')
    form.append('b', new Blob([Uint8Array.of(13, 10, 45, 45, 0)], { type: 'image/jpeg' }), 'n"ame.jpg')
    const request = new Request('http://x/', { method: 'POST', body: form })
    const type = request.headers.get('content-type')!
    const limits = { parts: 2, bytesOf: () => 10 }
    const parts = parseMultipart(new Uint8Array(await request.arrayBuffer()), type, limits)
    expect(parts.map(({ name, bytes }) => [name, [...bytes]])).toEqual([
      ['a', [...Buffer.from('text')]],
      ['b', [13, 10, 45, 45, 0]],
    ])
    expect(parts[1].type).toBe('image/jpeg')
  })
})

describe('pictureSize', () => {
  it('reads what sharp writes', async () => {
    const image = sharp({ create: { width: 321, height: 123, channels: 3, background: 'red' } })
    const encoded = [
      image.clone().jpeg(),
      image.clone().jpeg({ progressive: true }),
      image.clone().png(),
      image.clone().webp(),
      image.clone().webp({ lossless: true }),
    ]
    for (const each of encoded) expect(pictureSize(await each.toBuffer())).toMatchObject({ width: 321, height: 123 })
    const alpha = sharp({ create: { width: 321, height: 123, channels: 4, background: '#f008' } }).webp()
    expect(pictureSize(await alpha.toBuffer())).toMatchObject({ kind: 'webp', width: 321, height: 123 })
    expect(pictureSize(Buffer.from('GIF89a, which is not taken here at all'))).toBeUndefined()
  })
})

/** A PNG of zeros: its header, and data that compress to nearly nothing. */
function pngOf(width: number, height: number): Uint8Array<ArrayBuffer> {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2], 8)
  const chunk = (type: string, data: Uint8Array): Buffer => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(data.length)
    return Buffer.concat([length, Buffer.from(type), data, Buffer.alloc(4)])
  }
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  const data = deflateSync(Buffer.alloc(1_000_000))
  return new Uint8Array(Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', data)]))
}
