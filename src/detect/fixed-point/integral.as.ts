/**
 * The integral image of `src/image/integral.ts` and the means that are read from it: the same numbers, to the last bit.
 *
 * Entries are three 32-bit sums, red, green and blue. They are read and written as four; the fourth belongs to the next entry, which is
 * written later.
 */
const ENTRY: usize = 12

/** Sums of `rows` x `columns` pixels of three bytes; `above` is the row of entries above them. The row of entries behind is the next. */
export function integrate(pixels: usize, columns: i32, rows: i32, above: usize): void {
  const stride = <usize>(columns + 1) * ENTRY
  let from = pixels
  for (let y = 0; y < rows; y++) {
    let to = above + stride
    let sum = i32x4.splat(0)
    v128.store(to, sum)
    for (let x = 0; x < columns; x++) {
      to += ENTRY
      const bytes = v128.load32_zero(from)
      sum = i32x4.add(sum, i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(bytes)))
      v128.store(to, i32x4.add(sum, v128.load(to - stride)))
      from += 3
    }
    above += stride
  }
}

/**
 * One row of means, three floats each: `top` and `bottom` are where rows of entries begin, `left` and `right` lists of bytes from there,
 * `widths` one over the widths; a mean is its sum times `factor` and width, plus the colour's shift.
 */
export function sampleRow(
  top: usize,
  bottom: usize,
  left: usize,
  right: usize,
  widths: usize,
  count: i32,
  factor: f64,
  shiftRed: f64,
  shiftGreen: f64,
  shiftBlue: f64,
  out: usize,
): void {
  const shiftRedGreen = f64x2.replace_lane(f64x2.splat(shiftRed), 1, shiftGreen)
  for (let j = 0; j < count; j++) {
    const a = <usize>load<u32>(left)
    const b = <usize>load<u32>(right)
    const sum = i32x4.add(
      i32x4.sub(i32x4.sub(v128.load(bottom + b), v128.load(top + b)), v128.load(bottom + a)),
      v128.load(top + a),
    )
    const scale = f64x2.splat(factor * load<f64>(widths))
    const redGreen = f64x2.add(f64x2.mul(f64x2.convert_low_i32x4_s(sum), scale), shiftRedGreen)
    const blue = f64x2.add(
      f64x2.mul(f64x2.convert_low_i32x4_s(i64x2.shuffle(sum, sum, 1, 1)), scale),
      f64x2.splat(shiftBlue),
    )
    v128.store64_lane(out, f32x4.demote_f64x2_zero(redGreen), 0)
    v128.store32_lane(out, f32x4.demote_f64x2_zero(blue), 0, 8)
    left += 4
    right += 4
    widths += 8
    out += ENTRY
  }
}
