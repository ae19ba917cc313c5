import { dot, store16 } from './arithmetic.as'

/**
 * Layers of any size in 16-bit fixed point: maps have their channels, in 16 bits, one after another.
 *
 * A convolution of `rows` x `columns` pixels with PReLU. A kernel row covers `run` numbers that lie one after another (rounded up to an
 * even number, the odd one's weight is zero), `kernelRows` of them lie `inputRow` bytes apart, and neighbouring pixels `inputPixel`
 * bytes. Weights stand in groups of sixteen channels, `groups` of them; `channels` may be four, eight or twelve fewer.
 */
export function conv(
  input: usize,
  inputRow: usize,
  inputPixel: usize,
  kernelRows: i32,
  run: i32,
  weights: usize,
  scales: usize,
  groups: i32,
  output: usize,
  channels: i32,
  rows: i32,
  columns: i32,
): void {
  const runPairs = (run + 1) >> 1
  const groupBytes = <usize>(kernelRows * runPairs * 64)
  const scaleStride = <usize>groups * 64
  const outputPixel = <usize>channels * 2
  for (let y = 0; y < rows; y++) {
    // Last group first: where a group is not full, it writes over the beginning of the next pixel, which is made after it.
    for (let group = <usize>groups - 1; group != usize.MAX_VALUE; group--) {
      let from = input + <usize>y * inputRow
      let to = output + <usize>(y * columns) * outputPixel + group * 32
      for (let x = 0; x < columns; x += 2) {
        let a0 = i32x4.splat(0)
        let a1 = a0
        let a2 = a0
        let a3 = a0
        let b0 = a0
        let b1 = a0
        let b2 = a0
        let b3 = a0
        let w = weights + group * groupBytes
        for (let ky = 0; ky < kernelRows; ky++) {
          let p = from + <usize>ky * inputRow
          for (let k = 0; k < runPairs; k++) {
            const s = v128.load32_splat(p)
            const t = v128.load32_splat(p + inputPixel)
            let v = v128.load(w)
            a0 = dot(a0, s, v)
            b0 = dot(b0, t, v)
            v = v128.load(w, 16)
            a1 = dot(a1, s, v)
            b1 = dot(b1, t, v)
            v = v128.load(w, 32)
            a2 = dot(a2, s, v)
            b2 = dot(b2, t, v)
            v = v128.load(w, 48)
            a3 = dot(a3, s, v)
            b3 = dot(b3, t, v)
            p += 4
            w += 64
          }
        }
        store16(to, a0, a1, a2, a3, scales + group * 64, scaleStride)
        if (x + 1 < columns) store16(to + outputPixel, b0, b1, b2, b3, scales + group * 64, scaleStride)
        from += 2 * inputPixel
        to += 2 * outputPixel
      }
    }
  }
}

/** The maximum over `size` x `size` every two pixels; a window that leaves the map ends at its edge. */
export function maxPool(
  input: usize,
  inputRows: i32,
  inputColumns: i32,
  channels: i32,
  size: i32,
  output: usize,
  rows: i32,
  columns: i32,
): void {
  const pixel = <usize>channels * 2
  const inputRow = <usize>inputColumns * pixel
  let to = output
  for (let y = 0; y < rows; y++) {
    const bottom = min(2 * y + size, inputRows)
    for (let x = 0; x < columns; x++) {
      const right = min(2 * x + size, inputColumns)
      for (let c: usize = 0; c < pixel; c += 16) {
        let highest = i16x8.splat(i16.MIN_VALUE)
        for (let v = 2 * y; v < bottom; v++) {
          let from = input + <usize>v * inputRow + <usize>(2 * x) * pixel + c
          for (let u = 2 * x; u < right; u++) {
            highest = i16x8.max_s(highest, v128.load(from))
            from += pixel
          }
        }
        v128.store(to + c, highest)
      }
      to += pixel
    }
  }
}
