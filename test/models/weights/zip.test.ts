import { describe, expect, test } from 'vitest'
import { openZip } from '../../../src/models/weights/zip.ts'
import { random } from '../../random.ts'
import { zip } from './archive.ts'
import { failure } from './failure.ts'

const files = [
  ['a/one', Uint8Array.from([1, 2, 3])],
  ['a/empty', new Uint8Array(0)],
  ['__proto__', Uint8Array.from([4])],
] as const

describe.each([
  ['a plain archive', {}],
  ['one with zip64 records', { zip64: true }],
  ['one with padding and a comment', { padding: 37, comment: 'PK\x05\x06 is no end here' }],
])('%s', (_, options) => {
  const archive = zip(files, options)

  test('gives its files', () => {
    // Not at the start of its memory, as parts of other files are not.
    const moved = new Uint8Array(archive.length + 13)
    moved.set(archive, 13)
    for (const bytes of [archive, moved.subarray(13)]) {
      const opened = openZip(bytes)
      expect(opened.names).toEqual(files.map(([name]) => name))
      for (const [name, contents] of files) expect([...opened.read(name)]).toEqual([...contents])
      expect(opened.has('__proto__')).toBe(true)
      expect(opened.has('constructor')).toBe(false)
    }
  })

  test('copies nothing', () => {
    expect(openZip(archive).read('a/one').buffer).toBe(archive.buffer)
  })

  test('is refused wherever it is cut off', () => {
    for (let length = 0; length < archive.length; length++) {
      expect(failure(() => openZip(archive.subarray(0, length)))).toMatch(/^This archive cannot be read: it is /)
    }
  })

  test('with any byte altered is read or refused, and gives nothing from outside', () => {
    const { integer } = random(5)
    let refused = 0
    for (let at = 0; at < archive.length; at++) {
      const altered = archive.slice()
      altered[at] ^= integer(1, 255)
      try {
        const opened = openZip(altered)
        for (const name of opened.names) expect(opened.read(name).length).toBeLessThan(altered.length)
      } catch (error) {
        expect(error).toMatchObject({ name: 'FacewiseError', code: 'MODEL_INVALID' })
        refused++
      }
    }
    expect(refused).toBeGreaterThan(20)
  })
})

test('what is no archive is said to be none', () => {
  expect(failure(() => openZip(new Uint8Array(0)))).toContain('it is no zip archive')
  expect(failure(() => openZip(new Uint8Array(100_000)))).toContain('it is no zip archive')
})

test('a download that broke off is said to be one', () => {
  expect(failure(() => openZip(zip(files).subarray(0, 40)))).toContain('cut off; get it again')
})

test('compressed and encrypted files are refused when they are read, not before', () => {
  const compressed = openZip(zip(files, { method: 8 }))
  expect(failure(() => compressed.read('a/one'))).toContain('"a/one" in it is compressed')
  expect(failure(() => openZip(zip(files, { flags: 1 })).read('a/one'))).toContain('encrypted')
  expect(failure(() => openZip(zip(files)).read('b'))).toContain('no file "b"')
})

test('two files of one name are refused', () => {
  expect(failure(() => openZip(zip([files[0], files[0]])))).toContain('two files "a/one"')
})

test('a file that claims to reach into the directory or beyond is refused', () => {
  const archive = zip([files[0]])
  const entry = archive.length - 22 - (46 + 'a/one'.length)
  expect([...archive.subarray(entry, entry + 4)]).toEqual([0x50, 0x4b, 1, 2])
  for (const size of [4, 40, 2 ** 31]) {
    const altered = archive.slice()
    const view = new DataView(altered.buffer)
    view.setUint32(entry + 20, size, true)
    view.setUint32(entry + 24, size, true)
    expect(failure(() => openZip(altered).read('a/one'))).toContain('"a/one" in it is cut off')
  }
})
