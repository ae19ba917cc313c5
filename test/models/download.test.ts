import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  addressOf,
  type DownloadOptions,
  type DownloadPolicy,
  type DownloadProgress,
  downloadFiles,
  readMirror,
  waitFor,
} from '../../src/models/download.node.ts'
import { Interrupted } from '../../src/models/transfer.node.ts'
import { type MirrorServer, type Misbehaviour, startMirror } from './mirror-server.ts'
import { publishedFiles, downloadFiles as wanted } from './tiny-model.ts'

const files = publishedFiles()
const [first, second] = wanted
const size = first.forms[0].bytes
/** As the real one, without the waiting. */
const policy: Partial<DownloadPolicy> = { backoffMs: 1, maxWaitMs: 50, stallMs: 5000 }

let server: MirrorServer
let folder: string

beforeEach(async () => {
  server = await startMirror(files)
  server.landed = onDisk
  folder = mkdtempSync(join(tmpdir(), 'facewise download ü '))
})
afterEach(async () => {
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Until a part has so many bytes. */
async function onDisk(name: string, bytes: number): Promise<void> {
  const landed = () => statSync(join(folder, `${name}.part`), { throwIfNoEntry: false })?.size ?? 0
  for (let i = 0; landed() < bytes && i < 1000; i++) await sleep(5)
}

const misbehave = (...how: Misbehaviour[]): void => void server.misbehave.set(first.name, how)
const get = (options: DownloadOptions = {}, bases = [server.base]) =>
  downloadFiles(wanted, bases, folder, { ...options, policy: { ...policy, ...options.policy } })
/** The requests for the file that misbehaves. */
const asked = () => server.requests.filter(({ name }) => name === first.name)

/** All files came, are on the disk under their names, and nothing else is there. */
async function expectWhole(download: ReturnType<typeof get>): Promise<void> {
  const result = await download
  for (const [name, bytes] of files) {
    expect(Buffer.compare(result.get(name)!.bytes, bytes), name).toBe(0)
    expect(Buffer.compare(readFileSync(join(folder, name)), bytes), name).toBe(0)
  }
  expect(readdirSync(folder).sort()).toEqual([...files.keys()].sort())
}

describe('a good server', () => {
  test('gives all files, several at a time and no more than wanted', async () => {
    server.delay = 30
    await expectWhole(get({ policy: { concurrency: 3 } }))
    expect(server.requests).toHaveLength(files.size)
    expect(server.mostAtOnce()).toBe(3)
  })

  test('progress grows to what there is', async () => {
    const seen: DownloadProgress[] = []
    await get({ onProgress: progress => seen.push(progress) })
    const bytes = seen.map(({ loadedBytes }) => loadedBytes)
    expect(bytes).toEqual([...bytes].sort((a, b) => a - b))
    const total = size * files.size
    expect(seen[0].totalBytes).toBe(total)
    expect(seen.at(-1)).toEqual({ loadedBytes: total, totalBytes: total, loadedFiles: 8, totalFiles: 8 })
  })

  test('a mirror with half-precision copies is as good, and the total says so', async () => {
    const half = publishedFiles('float16')
    const mirror = await startMirror(half)
    try {
      const seen: DownloadProgress[] = []
      const result = await get({ onProgress: progress => seen.push(progress) }, [mirror.base])
      expect([...result.values()].map(({ form }) => form.dtype)).toEqual(Array(8).fill('float16'))
      expect(Buffer.compare(result.get(first.name)!.bytes, half.get(first.name)!)).toBe(0)
      expect(seen.at(-1)).toMatchObject({ loadedBytes: (size / 2) * 8, totalBytes: (size / 2) * 8 })
    } finally {
      await mirror.close()
    }
  })

  test('what an earlier call left is not fetched again; what was damaged since is', async () => {
    await get()
    server.requests.length = 0
    const damaged = Uint8Array.from(files.get(first.name)!)
    damaged[7] ^= 1
    writeFileSync(join(folder, first.name), damaged)
    await expectWhole(get())
    expect(server.requests.map(({ name }) => name)).toEqual([first.name])
  })

  test('a password and a query of the address reach it', async () => {
    const base = server.base.replace('http://', 'http://me%40work:s3cret@')
    await get({}, [`${base}?token=1`])
    const login = `Basic ${Buffer.from('me@work:s3cret').toString('base64')}`
    for (const { headers, query } of server.requests) {
      expect(headers.authorization).toBe(login)
      expect(query).toBe('?token=1')
    }
    server.misbehave.set('kernel-0.raw', [{ status: 403 }])
    rmSync(folder, { recursive: true })
    const refused = get({}, [base])
    await expect(refused).rejects.toThrow(/127\.0\.0\.1.*403/)
    await expect(refused).rejects.not.toThrow(/s3cret/)
  })

  test('addresses with and without a slash', () => {
    expect(addressOf('https://a.example/b', 'c.npy')).toBe('https://a.example/b/c.npy')
    expect(addressOf('https://a.example/b/', 'c.npy')).toBe('https://a.example/b/c.npy')
    expect(addressOf('https://a.example/b//?k=v', 'c.npy')).toBe('https://a.example/b/c.npy?k=v')
  })
})

describe('a broken connection', () => {
  test('is taken up where it broke, of the same version', async () => {
    misbehave({ cutAfter: 5000 }, { cutAfter: 2000 })
    await expectWhole(get())
    expect(asked().map(({ headers }) => [headers.range, headers['if-range']])).toEqual([
      [undefined, undefined],
      ['bytes=5000-', '"version-1"'],
      ['bytes=7000-', '"version-1"'],
    ])
    expect(asked().map(({ status }) => status)).toEqual([200, 206, 206])
    // Ranges of a compressed file would be other bytes.
    for (const { headers } of server.requests) expect(headers['accept-encoding']).toBe('identity')
  })

  test('by the date where there is no strong version', async () => {
    server.etag = 'W/"weak"'
    server.lastModified = 'Tue, 24 Nov 2026 10:00:00 GMT'
    misbehave({ cutAfter: 5000 })
    await expectWhole(get())
    expect(asked()[1].headers['if-range']).toBe(server.lastModified)
    expect(asked()[1].status).toBe(206)
  })

  test('from a server that knows no ranges, from the start', async () => {
    misbehave({ cutAfter: 5000 }, { whole: true })
    await expectWhole(get())
    expect(asked().map(({ status }) => status)).toEqual([200, 200])
  })

  test('of a file that has changed meanwhile, from the start', async () => {
    misbehave({ cutAfter: 5000 })
    server.landed = async (name, bytes) => {
      await onDisk(name, bytes)
      server.etag = '"version-2"'
    }
    await expectWhole(get())
    expect(asked()[1].headers['if-range']).toBe('"version-1"')
    expect(asked().map(({ status }) => status)).toEqual([200, 200])
  })

  test('from a server that answers with another part, from the start', async () => {
    misbehave({ cutAfter: 5000 }, { shifted: true })
    await expectWhole(get())
    expect(asked().map(({ headers }) => headers.range)).toEqual([undefined, 'bytes=5000-', undefined])
    // Noticed at once, not taken for a damaged file.
    expect(asked()[2].headers['cache-control']).toBeUndefined()
  })

  test('from a server that has fewer bytes than were kept, from the start', async () => {
    const part = join(folder, `${first.name}.part`)
    writeFileSync(part, new Uint8Array(size + 10))
    writeFileSync(`${part}.origin`, JSON.stringify({ address: addressOf(server.base, first.name) }))
    await expectWhole(get())
    expect(asked().map(({ status }) => status)).toEqual([416, 200])
  })

  test('a part from another address is not used', async () => {
    const part = join(folder, `${first.name}.part`)
    writeFileSync(part, new Uint8Array(100))
    writeFileSync(`${part}.origin`, JSON.stringify({ address: 'https://example.com/other' }))
    await expectWhole(get())
    expect(asked().map(({ headers }) => headers.range)).toEqual([undefined])
  })

  test('that says nothing any more is given up and taken up again', async () => {
    misbehave({ stallAfter: 4000 })
    await expectWhole(get({ policy: { stallMs: 300 } }))
    expect(asked()[1].headers.range).toBe('bytes=4000-')
  })

  test('at the same place again and again is an error in the end', async () => {
    server.etag = undefined
    misbehave({ cutAfter: 3000 }, ...Array(9).fill({ cutAfter: 0 }))
    await expect(get({ policy: { retries: 3 } })).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: expect.stringMatching(/kernel-0\.raw.*127\.0\.0\.1.*Run it again/),
    })
    expect(asked()).toHaveLength(4)
    // What has come is still there for the next call, which goes on from there.
    server.misbehave.clear()
    await expectWhole(get())
    expect(asked().at(-1)!.headers.range).toBe('bytes=3000-')
  })

  test('nobody at the address', async () => {
    await expect(get({ policy: { retries: 1 } }, ['http://127.0.0.1:9/'])).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: expect.stringMatching(/127\.0\.0\.1:9\/kernel-\d\.raw.*/),
    })
  })
})

describe('a busy server', () => {
  test.each([408, 429, 500, 502, 503])('status %i is tried again', async status => {
    misbehave({ status }, { status, headers: { 'retry-after': '0' } })
    await expectWhole(get())
    expect(asked()).toHaveLength(3)
  })

  test('waits grow, are never alike, and heed the server up to a limit', () => {
    const rule = { concurrency: 1, retries: 9, backoffMs: 100, maxWaitMs: 5000, stallMs: 1 }
    const wait = (failures: number, retryAfterMs?: number): number =>
      waitFor(failures, new Interrupted('busy', { retryAfterMs }), rule)
    for (let i = 0; i < 100; i++) {
      expect(wait(1)).toBeGreaterThanOrEqual(50)
      expect(wait(1)).toBeLessThanOrEqual(100)
      expect(wait(4)).toBeGreaterThanOrEqual(400)
      expect(wait(4)).toBeLessThanOrEqual(800)
    }
    expect(new Set(Array.from({ length: 20 }, () => wait(1))).size).toBeGreaterThan(10)
    expect(wait(1, 3000)).toBe(3000)
    expect(wait(1, 3_600_000)).toBe(5000)
    expect(wait(30)).toBe(5000)
  })

  test('that stays busy is an error that says what it answered', async () => {
    misbehave(...Array(9).fill({ status: 503 }))
    await expect(get({ policy: { retries: 2 } })).rejects.toThrow(/kernel-0\.raw.*status 503/)
    expect(asked()).toHaveLength(3)
  })
})

describe('a server without the file', () => {
  test.each([401, 403, 404, 410])('status %i is not tried again', async status => {
    misbehave({ status })
    await expect(get()).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: expect.stringContaining(`${server.base}${first.name}: the server answered with status ${status}`),
    })
    expect(asked()).toHaveLength(1)
  })

  test('another address is asked for that file', async () => {
    const other = await startMirror(files)
    try {
      misbehave({ status: 404 })
      await expectWhole(get({}, [server.base, other.base]))
      expect(other.requests.map(({ name }) => name)).toEqual([first.name])
    } finally {
      await other.close()
    }
  })
})

describe('wrong contents', () => {
  const altered = (): Uint8Array => {
    const bytes = Uint8Array.from(files.get(first.name)!)
    bytes[bytes.length - 1] ^= 128
    return bytes
  }

  test('once: fetched anew, past all caches', async () => {
    misbehave({ body: altered() })
    await expectWhole(get())
    expect(asked()[1].headers.range).toBeUndefined()
    expect(asked()[1].headers['cache-control']).toBe('no-cache')
  })

  test('a kept part that was damaged: fetched anew', async () => {
    const part = join(folder, `${first.name}.part`)
    writeFileSync(part, new Uint8Array(100))
    writeFileSync(
      `${part}.origin`,
      JSON.stringify({ address: addressOf(server.base, first.name), validator: server.etag }),
    )
    await expectWhole(get())
    expect(asked().map(({ status }) => status)).toEqual([206, 200])
  })

  test.each<[string, () => Misbehaviour, RegExp]>([
    ['altered', () => ({ body: altered() }), /other contents \(sha256\)/],
    ['cut off', () => ({ endAfter: 11_000 }), /11000 bytes instead of 12288 or 6144/],
    ['empty', () => ({ endAfter: 0 }), /0 bytes instead of/],
    ['too long', () => ({ body: new Uint8Array(size + 1) }), /more than 12288 bytes/],
    ['a page', () => ({ body: new TextEncoder().encode('<!doctype html><title>Log in') }), /web page/],
  ])('%s, twice: an error that names the file and the address', async (_, how, problem) => {
    misbehave(how(), how())
    const download = get()
    await expect(download).rejects.toMatchObject({ code: 'MODEL_CORRUPT', message: expect.stringMatching(problem) })
    await expect(download).rejects.toThrow(`${first.name} from ${server.base}${first.name}`)
    expect(asked()).toHaveLength(2)
    expect(readdirSync(folder).filter(name => name.startsWith(first.name))).toEqual([])
  })

  test('a file that was compressed on the way all the same', async () => {
    const body = gzipSync(files.get(first.name)!)
    misbehave({ body, headers: { 'content-encoding': 'gzip' } })
    await expectWhole(get())
    expect(asked()).toHaveLength(1)
  })
})

describe('a signal', () => {
  test('before', async () => {
    await expect(get({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
    expect(server.requests).toEqual([])
  })

  test('during: what has come is kept, and the next call goes on', async () => {
    misbehave({ stallAfter: 6000 })
    const controller = new AbortController()
    const download = get({
      signal: controller.signal,
      onProgress: ({ loadedBytes, loadedFiles }) => {
        if (loadedFiles === files.size - 1 && loadedBytes === 7 * size + 6000) controller.abort()
      },
    })
    await expect(download).rejects.toMatchObject({ code: 'ABORTED' })
    server.requests.length = 0
    await expectWhole(get())
    expect(server.requests.map(({ name, headers }) => [name, headers.range])).toEqual([[first.name, 'bytes=6000-']])
  })

  test('while it waits to try again', async () => {
    misbehave({ status: 503 })
    const controller = new AbortController()
    const download = get({ signal: controller.signal, policy: { backoffMs: 60_000, maxWaitMs: 60_000 } })
    setTimeout(() => controller.abort(), 100)
    await expect(download).rejects.toMatchObject({ code: 'ABORTED' })
    expect(asked()).toHaveLength(1)
  })
})

describe('the disk', () => {
  const failed = (message: RegExp): object => ({ code: 'OUTPUT_FAILED', message: expect.stringMatching(message) })

  // A device that is always full.
  test.skipIf(process.platform !== 'linux')('is full', async () => {
    symlinkSync('/dev/full', join(folder, `${second.name}.part`))
    await expect(get()).rejects.toMatchObject(failed(/kernel-1\.raw\.part.*no space left.*FACEWISE_MODEL_DIR/))
    expect(readdirSync(folder)).not.toContain(second.name)
  })

  test('cannot be written to', async () => {
    const file = join(folder, 'file')
    writeFileSync(file, '')
    const download = downloadFiles(wanted, [server.base], join(file, 'models'), { policy })
    await expect(download).rejects.toMatchObject(failed(/file.models cannot be written: ENOTDIR/))
  })
})

describe('a folder as a mirror', () => {
  const write = (contents: ReadonlyMap<string, Uint8Array>): void => {
    for (const [name, bytes] of contents) writeFileSync(join(folder, name), bytes)
  }

  test.each(['float32', 'float16'] as const)('with %s files, and others besides', async dtype => {
    write(publishedFiles(dtype))
    mkdirSync(join(folder, 'more'))
    const seen: DownloadProgress[] = []
    const result = await readMirror(wanted, folder, { onProgress: progress => seen.push(progress) })
    for (const [name, bytes] of publishedFiles(dtype)) {
      expect(Buffer.compare(result.get(name)!.bytes, bytes)).toBe(0)
      expect(result.get(name)!.form.dtype).toBe(dtype)
    }
    expect(seen.at(-1)).toMatchObject({ loadedFiles: 8, totalFiles: 8 })
    expect(seen.at(-1)!.loadedBytes).toBe(seen.at(-1)!.totalBytes)
  })

  test('that lacks a file, holds a wrong one, or is not there', async () => {
    write(files)
    rmSync(join(folder, second.name))
    const missing = { code: 'MODEL_NOT_FOUND', message: expect.stringMatching(/kernel-1\.raw.*ENOENT.*all 8 files/) }
    await expect(readMirror(wanted, folder)).rejects.toMatchObject(missing)
    writeFileSync(join(folder, second.name), 'short')
    const corrupt = { code: 'MODEL_CORRUPT', message: expect.stringMatching(/kernel-1\.raw.*5 bytes instead of/) }
    await expect(readMirror(wanted, folder)).rejects.toMatchObject(corrupt)
    await expect(readMirror(wanted, join(folder, 'none'))).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' })
    await expect(readMirror(wanted, folder, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
  })
})
