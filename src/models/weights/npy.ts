import { FacewiseError } from '../../errors.ts'
import type { Weight } from '../graph.ts'
import { DTYPE_BYTES, type Dtype, readNumbers } from './dtype.ts'

/** The types of numbers that are read, as the header of the file names them. */
const DTYPES: Readonly<Record<string, Dtype>> = { '<f2': 'float16', '<f4': 'float32', '<f8': 'float64' }

/** NumPy itself reads no longer header without being told to. */
const LONGEST_HEADER = 10_000

/** Of NumPy too. */
const MOST_AXES = 64

/** One `'key': value,` of the header, which is a Python dictionary of three simple values. */
const ENTRY = /\s*'(\w+)'\s*:\s*('[^']*'|True|False|\([\d\s,]*\)|\[[^\]]*\])\s*(,|(?=\}))/y

/**
 * Reads an array that NumPy saved (`numpy.save`; format versions 1, 2 and 3).
 *
 * Source of the format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html. Nothing in the file is run: arrays of
 * Python objects, which hold pickles, are refused.
 *
 * @param bytes a whole `.npy` file of float16, float32 or float64, little-endian, in C or Fortran order.
 * @returns the shape, and the values in C order (row-major) as float32.
 * @throws FacewiseError `MODEL_INVALID` for another format, order of bytes or type, and for a file that is cut off or too long.
 */
export function readNpy(bytes: Uint8Array): Weight {
  if (bytes.length < 10 || String.fromCharCode(...bytes.subarray(0, 6)) !== '\x93NUMPY') {
    throw invalid(
      bytes.length < 10 ? `it has ${bytes.length} bytes only` : 'it does not begin with NumPy’s magic number',
    )
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const version = bytes[6]
  if (version < 1 || version > 3 || bytes[7] !== 0) {
    throw invalid(`its format version is ${version}.${bytes[7]}; 1.0, 2.0 and 3.0 are known`)
  }
  const start = version === 1 ? 10 : 12
  if (bytes.length < start) throw invalid('it is cut off in its header')
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true)
  if (length > LONGEST_HEADER)
    throw invalid(`its header is said to have ${length} bytes; at most ${LONGEST_HEADER} are read`)
  if (start + length > bytes.length) throw invalid('it is cut off in its header')
  const { descr, fortran, shape } = parseHeader(new TextDecoder().decode(bytes.subarray(start, start + length)))

  const dtype = Object.hasOwn(DTYPES, descr) ? DTYPES[descr] : undefined
  if (!dtype) throw invalid(`its numbers are of type '${descr}'${advice(descr)}`)
  const count = shape.reduce((a, b) => a * b, 1)
  const body = bytes.subarray(start + length)
  const wanted = count * DTYPE_BYTES[dtype]
  if (body.length !== wanted) {
    const problem = body.length < wanted ? 'it is cut off' : 'it goes on after its end'
    throw invalid(
      `${problem}: an array of shape [${shape}] and type '${descr}' has ${wanted} bytes, there are ${body.length}`,
    )
  }
  const values = readNumbers(body, dtype)
  return { shape, values: fortran ? toRowMajor(values, shape) : values }
}

interface Header {
  readonly descr: string
  readonly fortran: boolean
  readonly shape: number[]
}

function parseHeader(header: string): Header {
  const text = header.trim()
  const found = new Map<string, string>()
  ENTRY.lastIndex = 1
  let end = 1
  for (let entry = ENTRY.exec(text); entry; entry = ENTRY.exec(text)) {
    if (found.has(entry[1])) throw invalid(`its header names '${entry[1]}' twice`)
    found.set(entry[1], entry[2])
    end = ENTRY.lastIndex
  }
  const [descr, fortran, shape] = ['descr', 'fortran_order', 'shape'].map(key => found.get(key))
  const whole = text.startsWith('{') && /^\s*\}$/.test(text.slice(end)) && found.size === 3
  const order = fortran === 'True' || fortran === 'False'
  if (!whole || !descr || !order || !shape?.startsWith('(')) {
    throw invalid(`its header is not the three entries 'descr', 'fortran_order' and 'shape': ${text.slice(0, 100)}`)
  }
  if (!descr.startsWith("'"))
    throw invalid(`it holds records (${descr.slice(0, 60)}); save each of their fields as an array`)
  return { descr: descr.slice(1, -1), fortran: fortran === 'True', shape: parseShape(shape) }
}

/** A Python tuple of sizes: `()`, `(3,)`, `(2, 3)`. */
function parseShape(text: string): number[] {
  const inside = text.slice(1, -1).trim()
  if (inside === '') return []
  const parts = inside.split(',').map(part => part.trim())
  // `(3)` is a number to Python, and `(3,)` ends with a comma.
  const trailing = parts[parts.length - 1] === ''
  if (trailing) parts.pop()
  const sizes = parts.map(part => (/^\d+$/.test(part) ? Number(part) : Number.NaN))
  const tuple = sizes.length > 1 || trailing
  if (!tuple || ![...sizes, sizes.reduce((a, b) => a * b, 1)].every(Number.isSafeInteger)) {
    throw invalid(`its shape is ${text.slice(0, 60)}, which is no tuple of sizes`)
  }
  if (sizes.length > MOST_AXES) throw invalid(`it has ${sizes.length} axes; at most ${MOST_AXES} are read`)
  return sizes
}

/** From Fortran order, in which the first index runs fastest, to C order, in which the last does. */
function toRowMajor(values: Float32Array, shape: readonly number[]): Float32Array {
  const result = new Float32Array(values.length)
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((a, b) => a * b, 1))
  const index = shape.map(() => 0)
  let from = 0
  for (let to = 0; to < result.length; to++) {
    result[to] = values[from]
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]
      if (++index[axis] < shape[axis]) break
      from -= strides[axis] * shape[axis]
      index[axis] = 0
    }
  }
  return result
}

function advice(descr: string): string {
  if (descr.startsWith('>')) return ", which is big-endian; save it with array.astype('<f4')"
  if (descr.startsWith('|O') || descr.startsWith('O'))
    return ', which is Python objects: they would have to be run to be read'
  return `; ${Object.keys(DTYPES).join(', ')} are read: save it with array.astype('<f4')`
}

function invalid(problem: string): FacewiseError {
  return new FacewiseError('MODEL_INVALID', `This .npy file cannot be read: ${problem}.`)
}
