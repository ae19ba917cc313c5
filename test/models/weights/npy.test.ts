import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { readNpy } from '../../../src/models/weights/npy.ts'
import { le } from './archive.ts'
import { failure } from './failure.ts'

const fixtures = fileURLToPath(new URL('fixtures/', import.meta.url))
const read = (name: string): Uint8Array => readFileSync(join(fixtures, name))

/** `numpy.linspace(-3, 3, 24)`, which all the fixtures hold. */
const grid = Array.from({ length: 24 }, (_, i) => -3 + (6 * i) / 23)

/** A file with a header as given. */
function npy(header: string, body: ArrayLike<number> = [], version = 1): Uint8Array {
  const text = Array.from(header, character => character.charCodeAt(0))
  const length = le(text.length, version === 1 ? 2 : 4)
  return Uint8Array.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0, ...length, ...text, ...Array.from(body)])
}

const bytesOf = (values: readonly number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer)
const header = (descr: string, shape: string, fortran = 'False'): string =>
  `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }\n`

describe('arrays that NumPy wrote', () => {
  test.each([
    ['c-float16.npy', 2e-3],
    ['fortran-float32.npy', 3e-7],
    ['version-2.npy', 3e-7],
    ['version-3.npy', 3e-7],
  ])('%s', (name, tolerance) => {
    const { shape, values } = readNpy(read(name))
    expect(shape).toEqual([2, 3, 4])
    expect(values).toHaveLength(24)
    for (const [i, value] of values.entries()) expect(Math.abs(value - grid[i])).toBeLessThan(tolerance)
  })

  test.each(['c-float16.npy', 'fortran-float32.npy', 'version-3.npy'])('%s is refused wherever it is cut off', name => {
    const whole = read(name)
    for (let length = 0; length < whole.length; length++) {
      expect(failure(() => readNpy(whole.subarray(0, length)))).toMatch(/cut off|bytes only/)
    }
  })

  test('may begin anywhere in memory, and are copies', () => {
    const whole = read('version-2.npy')
    const memory = new Uint8Array(whole.length + 3)
    memory.set(whole, 3)
    const { values } = readNpy(memory.subarray(3))
    memory.fill(0)
    expect(values).toEqual(readNpy(whole).values)
  })
})

describe('a header', () => {
  const body = bytesOf([1, 2, 3])

  test.each([
    [`{'shape':(3,),'fortran_order':False,'descr':'<f4'}`],
    [`  {  'descr' : '<f4' ,\n 'shape' : ( 3 , ) , 'fortran_order' : True , }   \n`],
  ])('is read in any order and spacing: %s', text => {
    expect(readNpy(npy(text, body))).toEqual({ shape: [3], values: Float32Array.of(1, 2, 3) })
  })

  test('may state no axes, or an empty one', () => {
    expect(readNpy(npy(header('<f4', '()'), bytesOf([5])))).toEqual({ shape: [], values: Float32Array.of(5) })
    expect(readNpy(npy(header('<f4', '(2, 0)')))).toEqual({ shape: [2, 0], values: new Float32Array(0) })
    expect(readNpy(npy(header('<f4', '(2, 0)', 'True')))).toEqual({ shape: [2, 0], values: new Float32Array(0) })
  })

  test.each([
    ['big-endian', header('>f4', '(3,)'), "type '>f4', which is big-endian"],
    ['Python objects', header('|O', '(3,)'), "type '|O', which is Python objects"],
    ['integers', header('<i8', '(3,)'), "type '<i8'"],
    ['a type that objects have anyway', header('constructor', '(3,)'), "type 'constructor'"],
    ['records', `{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (3,), }\n`, 'it holds records'],
    ['a negative size', header('<f4', '(-3,)'), 'not the three entries'],
    ['a size beyond all numbers', header('<f4', '(99999999999999999999,)'), 'no tuple of sizes'],
    ['sizes whose product is beyond', header('<f4', '(4294967296, 4294967296)'), 'no tuple of sizes'],
    ['a number as shape', header('<f4', '(3)'), 'no tuple of sizes'],
    ['a missing comma', header('<f4', '(3 3)'), 'no tuple of sizes'],
    ['a comma too many', header('<f4', '(3,,)'), 'no tuple of sizes'],
    ['too many axes', header('<f4', `(${'1,'.repeat(65)})`), '65 axes'],
    ['a missing entry', `{'descr': '<f4', 'shape': (3,), }\n`, 'not the three entries'],
    ['an entry twice', `{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (3,), }\n`, 'twice'],
    [
      'an unknown entry',
      `{'descr': '<f4', 'fortran_order': False, 'shape': (3,), 'x': True}\n`,
      'not the three entries',
    ],
    ['an expression', `{'descr': '<f4', 'fortran_order': print(1), 'shape': (3,), }\n`, 'not the three entries'],
    ['something after its end', `${header('<f4', '(3,)').trim()} + 1`, 'not the three entries'],
    ['nothing', '', 'not the three entries'],
  ])('with %s is refused', (_, text, message) => {
    expect(failure(() => readNpy(npy(text, body)))).toContain(message)
  })

  test('that would take long to look through is refused at once', () => {
    const long = `{'descr': '<f4', 'fortran_order': False, 'shape': (${'1 '.repeat(4900)}`
    expect(failure(() => readNpy(npy(long)))).toContain('not the three entries')
    expect(failure(() => readNpy(npy(header('<f4', '(3,)').padEnd(10_001), body)))).toContain('10001 bytes')
  })
})

test('other files and versions are refused', () => {
  expect(failure(() => readNpy(new TextEncoder().encode('<!doctype html>')))).toContain('magic number')
  expect(failure(() => readNpy(npy(header('<f4', '()'), bytesOf([1]), 4)))).toContain('version is 4.0')
})

test('bytes after the end are refused', () => {
  const message = failure(() => readNpy(npy(header('<f4', '(2,)'), bytesOf([1, 2, 3]))))
  expect(message).toContain('goes on after its end')
  expect(message).toContain('has 8 bytes, there are 12')
})

test('a size that is claimed is not allocated', () => {
  expect(failure(() => readNpy(npy(header('<f2', '(1099511627776,)'), [0, 0])))).toContain('it is cut off')
})
