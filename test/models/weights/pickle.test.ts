import { describe, expect, test } from 'vitest'
import { PickleGlobal, type PickleVocabulary, readPickle } from '../../../src/models/weights/pickle.ts'
import { le } from './archive.ts'
import { failure } from './failure.ts'
import { dict, global, int, pickle, text, tuple } from './pickled.ts'

/** Knows one function, and keeps account of its calls. */
function vocabulary(): PickleVocabulary & { calls: unknown[] } {
  const calls: unknown[] = []
  return {
    calls,
    globals: new Set(['known.function']),
    call: (name, args) => {
      calls.push([name, args])
      return new Map()
    },
    load: id => ({ loaded: id }),
  }
}

const read = (bytes: Uint8Array): unknown => readPickle(bytes, vocabulary())

describe('values', () => {
  test.each([
    ['None', pickle('N'), null],
    ['True', pickle('\x88'), true],
    ['a byte', pickle('K', 255), 255],
    ['two bytes', pickle('M', 1, 2), 513],
    ['four bytes', pickle('J', 0xfe, 0xff, 0xff, 0xff), -2],
    ['a long', pickle(int(2 ** 40)), 2 ** 40],
    ['a negative long', pickle(int(-(2 ** 40))), -(2 ** 40)],
    ['an empty long', pickle('\x8a', 0), 0],
    ['a float', pickle('G', [0x3f, 0xf8, 0, 0, 0, 0, 0, 0]), 1.5],
    ['text', pickle('X', le(5, 4), [0xef, 0xbb, 0xbf, 0xc3, 0xa4]), '\ufeffä'],
    ['bytes', pickle('C', 2, 7, 8), Uint8Array.of(7, 8)],
    [
      'tuples',
      pickle(')', 'N', '\x85', 'NN', '\x86', 'NNN', '\x87', '\x87'),
      [[null], [null, null], [null, null, null]],
    ],
    ['a list', pickle(']', 'Na', '(\x88\x89e'), [null, true, false]],
    ['a list at once', pickle('(N\x88l'), [null, true]],
    ['a dictionary', pickle(dict(['__proto__', 'N'])), new Map([['__proto__', null]])],
    ['a dictionary at once', pickle('(', text('a'), 'Nd'), new Map([['a', null]])],
    ['one item', pickle('}', text('a'), 'Ns'), new Map([['a', null]])],
    ['what is remembered', pickle(text('a'), 'q', 9, '0', 'h', 9), 'a'],
    ['what is remembered in order', pickle('N\x94', '\x88\x94', '00', 'j', le(1, 4)), true],
    ['a persistent id', pickle('NQ'), { loaded: null }],
    ['a function', pickle(global('known', 'function')), new PickleGlobal('known.function')],
  ])('%s', (_, bytes, expected) => {
    expect(read(bytes)).toEqual(expected)
  })

  test('calls only what it may, with its arguments', () => {
    const known = vocabulary()
    readPickle(pickle(global('known', 'function'), tuple(int(3)), 'R'), known)
    readPickle(pickle(text('known'), text('function'), '\x93', ')', 'R'), known)
    expect(known.calls).toEqual([
      ['known.function', [3]],
      ['known.function', []],
    ])
  })

  test('that hold themselves are no trouble', () => {
    const list = read(pickle(']q', 0, 'h', 0, 'a')) as unknown[]
    expect(list[0]).toBe(list)
  })
})

describe('refused and not run', () => {
  test.each([
    ['a command', pickle(global('os', 'system'), tuple(text('true')), 'R'), 'os.system'],
    ['another spelling of it', pickle(text('os'), text('system'), '\x93'), 'os.system'],
    ['eval', pickle(global('builtins', 'eval')), 'builtins.eval'],
    [
      'the way to it through a known module',
      pickle(global('known', 'function.__globals__')),
      'known.function.__globals__',
    ],
    ['a name that objects have anyway', pickle(global('', 'constructor')), '.constructor'],
    ['INST', pickle('(', 'i', 'os\nsystem\n'), 'instruction INST at byte 3'],
    ['OBJ', pickle('(', global('known', 'function'), 'o'), 'instruction OBJ'],
    ['NEWOBJ', pickle(global('known', 'function'), ')', '\x81'), 'instruction NEWOBJ '],
    ['NEWOBJ_EX', pickle(global('known', 'function'), ')}', '\x92'), 'instruction NEWOBJ_EX'],
    ['EXT1', pickle('\x82', 1), 'instruction EXT1'],
    ['PERSID', pickle('P1\n'), 'instruction PERSID'],
    ['an unknown one', pickle('\xff'), 'instruction 0xff'],
    ['a text protocol', pickle('I1\n'), 'instruction 0x49'],
    ['a call of a value', pickle('N)R'), 'calls what is no function'],
    ['a call with no tuple', pickle(global('known', 'function'), 'NR'), 'calls what is no function'],
    ['attributes of a function', pickle(global('known', 'function'), '}b'), 'sets attributes'],
    ['a function named by a number', pickle('K', 1, text('x'), '\x93'), 'something that is no text'],
    ['protocol 9', Uint8Array.of(0x80, 9, 0x4e, 0x2e), 'protocol is 9'],
    ['an integer of 9 bytes', pickle('\x8a', 9, new Array(9).fill(1)), 'integer of 9 bytes'],
  ])('%s', (_, bytes, message) => {
    expect(failure(() => read(bytes))).toContain(message)
  })
})

describe('damaged', () => {
  test.each([
    ['an empty file', new Uint8Array(0), 'cut off'],
    ['a text longer than the file', pickle('X', le(2 ** 31, 4)), 'cut off'],
    ['one of 2^63 bytes', pickle('\x8d', le(2 ** 62, 8)), 'cut off'],
    ['a name without end', Uint8Array.of(0x63, 0x6f, 0x73), 'cut off'],
    ['nothing on the stack', pickle('0'), 'stack is empty'],
    ['a tuple of too few', pickle('N\x86'), 'stack is empty'],
    ['items from before the mark', pickle('N(\x85'), 'stack is empty'],
    ['a missing mark', pickle('Nt'), 'no mark'],
    ['an append to nothing', pickle('NNa'), 'no list'],
    ['an item of a list', pickle(']NNs'), 'no dictionary'],
    ['a key without value', pickle('}(Nu'), 'no dictionary'],
    ['a memory that is not there', pickle('h', 1), 'did not remember'],
  ])('%s', (_, bytes, message) => {
    expect(failure(() => read(bytes))).toContain(message)
  })

  test('endless instructions end', () => {
    expect(failure(() => read(new Uint8Array(3_000_000).fill(0x7d)))).toContain('more than 1000000 instructions')
    // Each time twice as much, were values copied.
    const doubling = pickle(']q', 0, new Array(100_000).fill(['h', 0, 'h', 0, '\x86q', 0]))
    expect(Array.isArray(read(doubling))).toBe(true)
  })
})
