import { FacewiseError } from '../errors.ts'

/** Half-precision numbers (IEEE 754 binary16), one at a time and whole arrays of them. */

const float = new Float32Array(1)
const bitsOf = new Uint32Array(float.buffer)

/** From here on a number rounds to infinity. */
const TOO_LARGE = 65520

/**
 * The half-precision bits nearest to `value` (ties to even).
 *
 * @throws FacewiseError `MODEL_INVALID` if the value does not fit: a weight that became infinite would be a silent error.
 */
export function toFloat16(value: number): number {
  float[0] = value
  if (!(Math.abs(float[0]) < TOO_LARGE)) throw tooLarge(value)
  return roundBits(bitsOf[0])
}

/** The bits nearest to each of `values`, as {@link toFloat16} gives them. Fast enough for tens of millions. */
export function encodeFloat16(values: Float32Array, out: Uint16Array): void {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  for (let i = 0; i < bits.length; i++) {
    const rounded = roundBits(bits[i])
    // An exponent of ones means infinity or not-a-number.
    if ((rounded & 0x7c00) === 0x7c00) throw tooLarge(values[i])
    out[i] = rounded
  }
}

let table: Float32Array | undefined

/** The numbers that half-precision bits stand for. */
export function decodeFloat16(bits: Uint16Array, out: Float32Array): void {
  table ??= makeTable()
  const all = table
  for (let i = 0; i < bits.length; i++) out[i] = all[bits[i]]
}

/** The value of every possible half, by the definition: a sign, five bits of exponent, ten of mantissa. */
function makeTable(): Float32Array {
  return Float32Array.from({ length: 0x10000 }, (_, bits) => {
    const exponent = (bits >> 10) & 31
    const mantissa = bits & 1023
    const sign = bits & 0x8000 ? -1 : 1
    if (exponent === 31) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY
    return sign * (exponent === 0 ? mantissa * 2 ** -24 : (1 + mantissa / 1024) * 2 ** (exponent - 15))
  })
}

/** From single to half precision; what is too large gets an exponent of ones. */
function roundBits(bits: number): number {
  const sign = (bits >>> 16) & 0x8000
  const exponent = ((bits >>> 23) & 0xff) - 127
  const mantissa = bits & 0x7fffff
  if (exponent > 15) return sign | 0x7c00
  if (exponent < -25) return sign
  // Subnormal: the implicit leading one becomes explicit and shifts right.
  if (exponent < -14) return sign | roundShift(mantissa | 0x800000, -exponent - 1)
  // A carry out of the mantissa runs into the exponent, which is the right result.
  return sign | (((exponent + 15) << 10) + roundShift(mantissa, 13))
}

/** `value >>> shift`, rounded to nearest with ties to even. */
function roundShift(value: number, shift: number): number {
  const floor = value >>> shift
  const rest = value & ((1 << shift) - 1)
  const half = 1 << (shift - 1)
  return rest > half || (rest === half && (floor & 1) === 1) ? floor + 1 : floor
}

function tooLarge(value: number): FacewiseError {
  return new FacewiseError('MODEL_INVALID', `The weight ${value} does not fit in float16; store this model as float32.`)
}
