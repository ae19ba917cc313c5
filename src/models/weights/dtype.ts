/**
 * Numbers as files of weights hold them, little-endian, and as float32. What float32 cannot hold is rounded to the nearest that it can:
 * float64 by its last digits, integers beyond 2^24.
 */

/** A type of numbers that {@link readNumbers} knows. */
export type Dtype =
  | 'float16'
  | 'bfloat16'
  | 'float32'
  | 'float64'
  | 'int8'
  | 'uint8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'bool'

/** Bytes a number. */
export const DTYPE_BYTES: Readonly<Record<Dtype, number>> = {
  float16: 2,
  bfloat16: 2,
  float32: 4,
  float64: 8,
  int8: 1,
  uint8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  bool: 1,
}

/** All the numbers in `bytes`, whose length is a multiple of their size; always a copy. */
export function readNumbers(bytes: Uint8Array, dtype: Dtype): Float32Array {
  // A view wants its start at a multiple of the numbers' size, which a file inside an archive need not have.
  const aligned = bytes.byteOffset % DTYPE_BYTES[dtype] === 0 ? bytes : bytes.slice()
  const { buffer, byteOffset } = aligned
  const count = bytes.length / DTYPE_BYTES[dtype]
  switch (dtype) {
    case 'float32':
      return new Float32Array(buffer, byteOffset, count).slice()
    case 'float16': {
      const table = halves()
      const values = new Float32Array(count)
      const bits = new Uint16Array(buffer, byteOffset, count)
      for (let i = 0; i < count; i++) values[i] = table[bits[i]]
      return values
    }
    case 'bfloat16': {
      // The upper half of a float32.
      const values = new Uint32Array(count)
      const bits = new Uint16Array(buffer, byteOffset, count)
      for (let i = 0; i < count; i++) values[i] = bits[i] << 16
      return new Float32Array(values.buffer)
    }
    case 'float64':
      return Float32Array.from(new Float64Array(buffer, byteOffset, count))
    case 'int8':
      return Float32Array.from(new Int8Array(buffer, byteOffset, count))
    case 'uint8':
    case 'bool':
      return Float32Array.from(new Uint8Array(buffer, byteOffset, count))
    case 'int16':
      return Float32Array.from(new Int16Array(buffer, byteOffset, count))
    case 'int32':
      return Float32Array.from(new Int32Array(buffer, byteOffset, count))
    case 'int64':
      return Float32Array.from(new BigInt64Array(buffer, byteOffset, count), Number)
  }
}

let table: Float32Array | undefined

/** The value of each of the 65,536 half-precision numbers (IEEE 754) by its bits: looking up is faster than computing. */
function halves(): Float32Array {
  if (table) return table
  table = new Float32Array(0x10000)
  for (let bits = 0; bits < 0x8000; bits++) {
    const exponent = bits >> 10
    const mantissa = bits & 0x3ff
    let value = (1 + mantissa / 1024) * 2 ** (exponent - 15)
    if (exponent === 0) value = mantissa * 2 ** -24
    if (exponent === 31) value = mantissa === 0 ? Number.POSITIVE_INFINITY : Number.NaN
    table[bits] = value
    table[bits | 0x8000] = -value
  }
  return table
}
