import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { readStateDict } from '../../../src/models/weights/torch.ts'
import { random } from '../../random.ts'
import { zip } from './archive.ts'
import { failure } from './failure.ts'
import { dict, floats, global, int, type Piece, pickle, storage, tensor, text, torchFile, tuple } from './pickled.ts'

const fixtures = fileURLToPath(new URL('fixtures/', import.meta.url))
const read = (name: string): Uint8Array => readFileSync(join(fixtures, name))

interface Expected {
  tensors: Record<string, { shape: number[]; values: (number | 'inf' | '-inf')[] }>
}

/** What PyTorch says is in a file, number by number. */
const expectedIn = (name: string): [string, { shape: number[]; values: number[] }][] =>
  Object.entries((JSON.parse(readFileSync(join(fixtures, name), 'utf8')) as Expected).tensors).map(
    ([key, { shape, values }]) => [
      key,
      {
        shape,
        values: values.map(value => (typeof value === 'string' ? (value === 'inf' ? 1 : -1) * Infinity : value)),
      },
    ],
  )

const plain = (state: ReturnType<typeof readStateDict>): unknown =>
  Object.entries(state).map(([key, { shape, values }]) => [key, { shape, values: [...values] }])

describe('a file that PyTorch wrote', () => {
  test('gives every tensor to the bit, whatever its type, strides and offset', () => {
    const expected = expectedIn('small.json')
    expect(expected.map(([key]) => key)).toContain('shared.transposed')
    expect(expected).toHaveLength(21)
    expect(plain(readStateDict(read('small.pt')))).toEqual(expected)
  })

  test('may begin anywhere in memory, and its tensors are copies', () => {
    const file = read('small.pt')
    for (const shift of [1, 2, 7]) {
      const memory = new Uint8Array(file.length + shift)
      memory.set(file, shift)
      const state = readStateDict(memory.subarray(shift))
      memory.fill(0)
      expect(plain(state)).toEqual(expectedIn('small.json'))
      // Views of one storage there, each on its own here.
      state['shared.whole'].values.fill(0)
      expect([...state['shared.stepped'].values]).toEqual([1, 6, 11, 16, 21])
    }
  })

  test('may have any name as key', () => {
    const state = readStateDict(read('small.pt'))
    expect(Object.getPrototypeOf(state)).toBe(null)
    expect(Object.hasOwn(state, '__proto__')).toBe(true)
    expect(({} as Record<string, unknown>).shape).toBeUndefined()
  })

  test('may be a checkpoint with parameters, by protocol 5', () => {
    expect(plain(readStateDict(read('checkpoint.pt')))).toEqual(expectedIn('checkpoint.json'))
  })

  test.each([
    ['legacy.pt', 'the format of PyTorch before 1.6'],
    ['module.pt', 'torch.nn.modules.linear.Linear'],
    ['module.pt', 'torch.save(model.state_dict(), FILE)'],
    ['script.pt', 'a TorchScript program'],
    ['small.json', 'This is no file of PyTorch. This archive cannot be read: it is no zip archive'],
  ])('%s is refused: %s', (name, message) => {
    expect(failure(() => readStateDict(read(name)))).toContain(message)
  })

  test('is refused wherever it is cut off', () => {
    const file = read('checkpoint.pt')
    for (let length = 0; length < file.length; length += 7) {
      expect(failure(() => readStateDict(file.subarray(0, length)))).toContain('This is no file of PyTorch')
    }
  })

  test('with any byte altered is read or refused', () => {
    const file = read('checkpoint.pt')
    const { integer } = random(3)
    let refused = 0
    for (let at = 0; at < file.length; at++) {
      const altered = Uint8Array.from(file)
      altered[at] ^= integer(1, 255)
      try {
        readStateDict(altered)
      } catch (error) {
        expect(error).toMatchObject({ name: 'FacewiseError', code: 'MODEL_INVALID' })
        refused++
      }
    }
    expect(refused).toBeGreaterThan(500)
  })
})

describe('a file made by hand', () => {
  const three = floats(1, 2, 3)
  const open = (pickled: Uint8Array, data: Record<string, Uint8Array> = { 0: three }): unknown =>
    plain(readStateDict(torchFile(pickled, data)))
  const good = tensor(storage('0', 3), 0, [3], [1])

  test('is read as one of PyTorch', () => {
    expect(open(pickle(dict(['w', good], ['epoch', int(4)])))).toEqual([['w', { shape: [3], values: [1, 2, 3] }]])
  })

  test.each(['state_dict', 'model_state_dict', 'model'])('may have its tensors under %s', key => {
    const nested = pickle(dict(['args', dict(['lr', int(1)])], [key, dict(['w', good])]))
    expect(open(nested)).toEqual([['w', { shape: [3], values: [1, 2, 3] }]])
  })

  test('may refer to one tensor twice, and to itself', () => {
    const circle = pickle('}q', 0, '(', text('w'), good, 'q', 1, text('tied'), 'h', 1, text('state_dict'), 'h', 0, 'u')
    expect(open(circle)).toEqual(['w', 'tied'].map(key => [key, { shape: [3], values: [1, 2, 3] }]))
  })

  const broken: readonly (readonly [string, Piece, string])[] = [
    [
      'an offset beyond the storage',
      tensor(storage('0', 3), 1, [3], [1]),
      '"w" reaches to number 3 of a storage that has 3',
    ],
    ['a stride beyond it', tensor(storage('0', 3), 0, [2, 2], [2, 1]), 'reaches to number 3'],
    ['a stride beyond all numbers', tensor(storage('0', 3), 0, [3], [2 ** 52]), 'of a storage that has 3'],
    ['more numbers than there is memory', tensor(storage('0', 3), 0, [2 ** 40], [0]), 'claim more numbers'],
    [
      'a product beyond all numbers',
      tensor(storage('0', 3), 0, new Array(60).fill(2 ** 50), new Array(60).fill(0)),
      'claim more',
    ],
    [
      'that times zero',
      tensor(storage('0', 3), 0, [...new Array(60).fill(2 ** 50), 0], new Array(61).fill(0)),
      'claim more',
    ],
    ['a negative size', tensor(storage('0', 3), 0, [-1], [1]), 'arguments that PyTorch does not give it'],
    ['a negative stride', tensor(storage('0', 3), 2, [3], [-1]), 'arguments that PyTorch does not give it'],
    ['a negative offset', tensor(storage('0', 3), -1, [3], [1]), 'arguments that PyTorch does not give it'],
    ['strides for other axes', tensor(storage('0', 3), 0, [3], [1, 1]), 'arguments that PyTorch does not give it'],
    ['65 axes', tensor(storage('0', 3), 0, new Array(65).fill(1), new Array(65).fill(1)), 'arguments that PyTorch'],
    ['a storage of another size', tensor(storage('0', 4), 0, [3], [1]), '12 bytes; 4 of float32 were announced'],
    ['a storage of another type', tensor(storage('0', 3, 'DoubleStorage'), 0, [3], [1]), '12 bytes; 3 of float64'],
    ['a missing storage', tensor(storage('1', 3), 0, [3], [1]), 'no file "net/data/1"'],
    ['a storage outside its folder', tensor(storage('../data.pkl', 3), 0, [3], [1]), 'no file "net/data/../data.pkl"'],
    ['complex numbers', tensor(storage('0', 3, 'ComplexFloatStorage'), 0, [3], [1]), 'torch.ComplexFloatStorage'],
    ['no storage', tensor('N', 0, [3], [1]), 'arguments that PyTorch does not give it'],
    ['a persistent id of something else', [tuple(text('module'), 'N'), 'Q'], 'no storage of a tensor'],
    ['an id that is no tuple', [text('storage'), 'Q'], 'no storage of a tensor'],
    [
      'a parameter of nothing',
      [global('torch._utils', '_rebuild_parameter'), tuple('N'), 'R'],
      '_rebuild_parameter with',
    ],
    ['a call of a storage’s class', [global('torch', 'FloatStorage'), ')R'], 'torch.FloatStorage with arguments'],
    ['a quantized tensor', global('torch._utils', '_rebuild_qtensor'), 'torch._utils._rebuild_qtensor'],
    [
      'a lazily negated one',
      [
        global('torch._utils', '_rebuild_tensor_v2'),
        tuple(storage('0', 3), int(0), tuple(int(3)), tuple(int(1)), '\x89', '}', dict(['neg', '\x88'])),
        'R',
      ],
      'arguments that PyTorch does not give it',
    ],
  ]
  test.each(broken)('is refused with %s', (_, value, message) => {
    expect(failure(() => open(pickle(dict(['w', value]))))).toContain(message)
  })

  test('is refused where many tensors repeat one storage', () => {
    const large = new Uint8Array(4000)
    const many = Array.from({ length: 50 }, (_, i) => [`w${i}`, ['h', 1]] as const)
    const pickled = pickle(tensor(storage('0', 1000), 0, [1000], [1]), 'q', 1, '0', dict(...many))
    expect(failure(() => open(pickled, { 0: large }))).toContain('claim more numbers')
  })

  test('cannot change a tensor after it was checked', () => {
    const shape: Piece = ['](', int(3), 'eq', 5]
    const late: Piece = [
      global('torch._utils', '_rebuild_tensor_v2'),
      tuple(storage('0', 3), int(0), shape, tuple(int(1)), '\x89', '}'),
      'R',
    ]
    const appended: Piece = ['h', 5, '(', text('x'), 'e']
    expect(open(pickle(dict(['w', late], ['x', appended])))).toEqual([['w', { shape: [3], values: [1, 2, 3] }]])
  })

  test.each([
    ['no tensors', pickle(dict(['epoch', int(4)]))],
    ['a tensor alone', pickle(good)],
    ['tensors deeper down', pickle(dict(['state_dict', dict(['net', dict(['w', good])])]))],
    ['a key that is no text', pickle('}', int(1), good, 's')],
  ])('is refused where there is no dictionary of tensors: %s', (_, pickled) => {
    expect(failure(() => open(pickled))).toContain('no dictionary of tensors')
  })

  test('is refused from a big-endian machine, and where it holds no pickle or two', () => {
    const pickled = pickle(dict(['w', good]))
    const order = Array.from('big', character => character.charCodeAt(0))
    const big = zip([
      ['net/data.pkl', pickled],
      ['net/byteorder', order],
      ['net/data/0', three],
    ])
    expect(failure(() => readStateDict(big))).toContain('big-endian')
    expect(failure(() => readStateDict(zip([['word/document.xml', pickled]])))).toContain(
      'holds 0 files FOLDER/data.pkl',
    )
    const two = ['a', 'b'].map(name => [`${name}/data.pkl`, pickled] as const)
    expect(failure(() => readStateDict(zip(two)))).toContain('holds 2 files FOLDER/data.pkl')
  })

  test('may be an archive with zip64 records, and without byte order, as before PyTorch 2.1', () => {
    const files = [
      ['net/data.pkl', pickle(dict(['w', good]))],
      ['net/data/0', three],
    ] as const
    expect(plain(readStateDict(zip(files, { zip64: true, padding: 5 })))).toEqual([
      ['w', { shape: [3], values: [1, 2, 3] }],
    ])
  })
})
