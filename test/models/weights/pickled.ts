import { le, zip } from './archive.ts'

/** Pickles put together by hand, instruction by instruction, and archives around them. */

export type Piece = number | string | readonly Piece[]

const flat = (piece: Piece): number[] => {
  if (typeof piece === 'number') return [piece]
  if (typeof piece === 'string') return Array.from(piece, character => character.charCodeAt(0))
  return piece.flatMap(flat)
}

/** One pickle: protocol 2, the pieces (letters are instructions or text), STOP. */
export const pickle = (...pieces: Piece[]): Uint8Array => Uint8Array.from([0x80, 2, ...flat(pieces), 0x2e])

export const text = (value: string): Piece => ['X', le(value.length, 4), value]
export const int = (value: number): Piece => ['\x8a', 8, le(value, 8)]
export const global = (module: string, name: string): Piece => ['c', module, '\n', name, '\n']
export const tuple = (...items: Piece[]): Piece => ['(', items, 't']
export const dict = (...items: (readonly [key: string, value: Piece])[]): Piece => [
  '}(',
  items.map(([key, value]) => [text(key), value]),
  'u',
]

/** The storage `data/KEY` with `count` numbers. */
export const storage = (key: string, count: number, type = 'FloatStorage'): Piece => [
  tuple(text('storage'), global('torch', type), text(key), text('cpu'), int(count)),
  'Q',
]

/** A view of a storage. */
export const tensor = (of: Piece, offset: number, shape: readonly number[], strides: readonly number[]): Piece => [
  global('torch._utils', '_rebuild_tensor_v2'),
  tuple(of, int(offset), tuple(...shape.map(int)), tuple(...strides.map(int)), '\x89', '}'),
  'R',
]

/** A file of PyTorch with this pickle and these storages. */
export function torchFile(pickled: Uint8Array, data: Readonly<Record<string, Uint8Array>> = {}): Uint8Array {
  return zip([
    ['net/data.pkl', pickled],
    ['net/byteorder', Array.from('little', character => character.charCodeAt(0))],
    ...Object.entries(data).map(([key, bytes]) => [`net/data/${key}`, bytes] as const),
  ])
}

export const floats = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer)
