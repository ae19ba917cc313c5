import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { directorySource } from '../../src/models/platform.node.ts'
import { addressSource, type ModelSource, memorySource, urlSource } from '../../src/models/source.ts'
import { sha256, verify } from '../../src/models/verify.ts'
import { noise } from '../random.ts'

const bytes = Uint8Array.from(noise(100, 100, 1).data)
let folder: string
let server: Server
let address: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'facewise source ü-'))
  writeFileSync(join(folder, 'a.bin'), bytes)
  server = createServer((request, response) => {
    if (request.url === '/models/a.bin') {
      // In two parts, so that progress has something to say.
      response.writeHead(200, { 'content-length': bytes.length })
      response.write(bytes.subarray(0, 10_000), () => setTimeout(() => response.end(bytes.subarray(10_000)), 20))
    } else if (request.url === '/models/silent.bin') {
      response.writeHead(200, { 'content-length': bytes.length })
      response.write(bytes.subarray(0, 100))
    } else {
      response.writeHead(404).end()
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/models`
})

afterAll(() => {
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true })
})

const sources: [string, () => ModelSource, RegExp][] = [
  ['memory', () => memorySource({ 'a.bin': bytes }), /none\.bin/],
  ['a folder', () => directorySource(folder), /none\.bin.*ENOENT/],
  ['an address', () => urlSource(address), /none\.bin.*404/],
  ['an address with a slash', () => urlSource(`${address}/`), /none\.bin.*404/],
  ['a URL', () => urlSource(new URL(address)), /none\.bin.*404/],
]

describe.each(sources)('%s', (_, source, missing) => {
  test('gives the bytes of a file', async () => {
    expect(Buffer.from(await source().read('a.bin')).equals(bytes)).toBe(true)
    expect(source().locate('a.bin')).toMatch(/a\.bin$/)
  })

  test('says which file is missing', async () => {
    await expect(source().read('none.bin')).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: expect.stringMatching(missing),
    })
  })
})

describe('addresses', () => {
  test('progress grows up to the size of the file', async () => {
    const counts: number[] = []
    const read = await urlSource(address).read('a.bin', { onBytes: count => counts.push(count) })
    expect(Buffer.from(read).equals(bytes)).toBe(true)
    expect(counts.length).toBeGreaterThan(1)
    expect(counts).toEqual([...counts].sort((a, b) => a - b))
    expect(counts[counts.length - 1]).toBe(bytes.length)
  })

  test('data: addresses, with and without base64', async () => {
    const base64 = `data:application/octet-stream;base64,${Buffer.from(bytes).toString('base64')}`
    expect(Buffer.from(await addressSource(() => base64).read('x')).equals(bytes)).toBe(true)
    const text = await addressSource(() => 'data:application/json,%7B%22a%22%3A%22%C3%BC%22%7D').read('x')
    expect(new TextDecoder().decode(text)).toBe('{"a":"ü"}')
  })

  test('a server that is not there', async () => {
    await expect(urlSource('http://127.0.0.1:9').read('a.bin')).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: expect.stringMatching(/127\.0\.0\.1:9\/a\.bin/),
    })
  })

  test('a signal, before and during', async () => {
    await expect(urlSource(address).read('a.bin', { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORTED',
    })
    const controller = new AbortController()
    const pending = urlSource(address).read('silent.bin', {
      signal: controller.signal,
      onBytes: () => controller.abort(),
    })
    await expect(pending).rejects.toMatchObject({ code: 'ABORTED' })
    await expect(directorySource(folder).read('a.bin', { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORTED',
    })
  })
})

describe('checking a file', () => {
  test('sha256 of known text', async () => {
    // FIPS 180-2, appendix B.1.
    expect(await sha256(new TextEncoder().encode('abc'))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    )
  })

  test('whole, altered, cut off, too long', async () => {
    const file = { path: 'a.bin', bytes: bytes.length, sha256: await sha256(bytes) }
    await verify(file, bytes, 'here/a.bin')
    const altered = bytes.slice()
    altered[12_345] ^= 1
    const corrupt = (message: RegExp): object => ({ code: 'MODEL_CORRUPT', message: expect.stringMatching(message) })
    await expect(verify(file, altered, 'here/a.bin')).rejects.toMatchObject(corrupt(/here\/a\.bin.*sha256/))
    const cut = bytes.subarray(0, 29_000)
    await expect(verify(file, cut, 'here/a.bin')).rejects.toMatchObject(corrupt(/29000 bytes instead of 30000/))
    await expect(verify(file, new Uint8Array(30_001), 'here/a.bin')).rejects.toMatchObject(corrupt(/30001/))
  })
})
