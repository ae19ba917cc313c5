import { describe, expect, test } from 'vitest'
import { startBackend } from '../../src/backends/index.ts'
import { decodeFloat16, encodeFloat16, toFloat16 } from '../../src/models/half.ts'
import { random } from '../random.ts'

/** The value of half-precision bits, by the definition: sign, five bits of exponent, ten of mantissa. */
function fromFloat16(bits: number): number {
  const exponent = (bits >> 10) & 31
  const mantissa = bits & 1023
  const size = exponent === 0 ? mantissa * 2 ** -24 : (1 + mantissa / 1024) * 2 ** (exponent - 15)
  return bits & 0x8000 ? -size : size
}

/** All finite halves: 31 exponents, 1024 mantissas, two signs. */
const positive = Array.from({ length: 31 * 1024 }, (_, bits) => bits)
const finite = [...positive, ...positive.map(bits => bits | 0x8000)]

/** The nearest of all halves, by looking for it; of two as near, the one with an even last bit. */
function nearest(value: number): number {
  let low = 0
  let high = positive.length - 1
  const size = Math.abs(value)
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (fromFloat16(middle) <= size) low = middle
    else high = middle
  }
  const [below, above] = [size - fromFloat16(low), fromFloat16(high) - size]
  const bits = below < above || (below === above && low % 2 === 0) ? low : high
  return value < 0 || Object.is(value, -0) ? bits | 0x8000 : bits
}

describe('float16', () => {
  test('every finite half stays what it is', () => {
    expect(finite).toHaveLength(63_488)
    const wrong = finite.filter(bits => toFloat16(fromFloat16(bits)) !== bits)
    expect(wrong).toEqual([])
  })

  test('what lies between two halves goes to the nearer one, and from the middle to the even one', () => {
    const wrong: number[] = []
    for (let bits = 0; bits + 1 < positive.length; bits++) {
      const [a, b] = [fromFloat16(bits), fromFloat16(bits + 1)]
      for (const value of [(3 * a + b) / 4, (a + b) / 2, (a + 3 * b) / 4]) {
        if (toFloat16(value) !== nearest(value) || toFloat16(-value) !== nearest(-value)) wrong.push(value)
      }
    }
    expect(wrong).toEqual([])
  })

  test('random float32 values of all sizes', () => {
    const { float } = random(1)
    for (let run = 0; run < 20_000; run++) {
      const value = Math.fround(float(-1, 1) * 2 ** float(-30, 15.99))
      expect(toFloat16(value), String(value)).toBe(nearest(value))
    }
  })

  test('arrays are encoded number by number, and decoded by the definition', () => {
    const { float } = random(2)
    const values = Float32Array.from({ length: 50_000 }, () => float(-1, 1) * 2 ** float(-30, 15.99))
    // A view that does not begin at the start of its buffer.
    const view = new Float32Array(values.buffer, 4)
    const halves = new Uint16Array(view.length)
    encodeFloat16(view, halves)
    expect(halves).toEqual(Uint16Array.from(view, toFloat16))
    const decoded = new Float32Array(finite.length)
    decodeFloat16(Uint16Array.from(finite), decoded)
    expect(decoded).toEqual(Float32Array.from(finite, fromFloat16))
    const special = new Float32Array(3)
    decodeFloat16(Uint16Array.of(0x7c00, 0xfc00, 0x7e00), special)
    expect([...special]).toEqual([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN])
  })

  test('what does not fit is an error, never infinity', () => {
    expect(toFloat16(65_519)).toBe(0x7bff)
    for (const value of [65_520, 65_519.9999, -65_520, 1e9, Number.POSITIVE_INFINITY, Number.NaN]) {
      const invalid = expect.objectContaining({ code: 'MODEL_INVALID' })
      expect(() => toFloat16(value), String(value)).toThrow(invalid)
      expect(() => encodeFloat16(Float32Array.of(1, value), new Uint16Array(2)), String(value)).toThrow(invalid)
    }
  })

  test('TensorFlow.js reads every half as the same number', async () => {
    const data = new Uint8Array(finite.length * 2)
    const view = new DataView(data.buffer)
    finite.forEach((bits, i) => {
      view.setUint16(i * 2, toFloat16(fromFloat16(bits)), true)
    })
    const { tf } = await startBackend({ prefer: 'cpu' })
    const spec = {
      name: 'w',
      shape: [finite.length],
      dtype: 'float32' as const,
      quantization: { dtype: 'float16' as const, original_dtype: 'float32' as const },
    }
    const { w } = tf.io.decodeWeights(data.buffer, [spec])
    const read = await w.data()
    w.dispose()
    expect(finite.filter((bits, i) => read[i] !== fromFloat16(bits))).toEqual([])
  })
})
