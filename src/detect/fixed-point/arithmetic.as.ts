/** What the kernels share: products of 16-bit numbers, and the way from their 32-bit sums back to 16 bits. */

@inline
export function align(bytes: usize): usize {
  return (bytes + 63) & ~63
}

@inline
export function dot(sum: v128, pair: v128, weight: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(pair, weight))
}

@inline
export function prelu(y: v128, slope: v128): v128 {
  const zero = f32x4.splat(0)
  return f32x4.add(f32x4.max(y, zero), f32x4.mul(f32x4.min(y, zero), slope))
}

/** Sums of four channels to floats: factor, then bias; `stride` bytes lie between the lists of factors, biases and slopes. */
@inline
export function affine(sum: v128, scales: usize, stride: usize): v128 {
  return f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(sum), v128.load(scales)), v128.load(scales + stride))
}

@inline
export function activate(sum: v128, scales: usize, stride: usize): v128 {
  return prelu(affine(sum, scales, stride), v128.load(scales + 2 * stride))
}

/** To the nearest integer: added to 1.5 * 2^23, a float of less than 2^22 has it in its last bits. */
@inline
export function round(y: v128): v128 {
  return i32x4.sub(f32x4.add(y, f32x4.splat(12582912)), i32x4.splat(0x4b400000))
}

/** Two vectors of four floats to one of eight 16-bit numbers; what does not fit becomes the largest that does. */
@inline
export function narrow(a: v128, b: v128): v128 {
  return i16x8.narrow_i32x4_s(round(a), round(b))
}

/** Sixteen channels after PReLU: `scales` holds factors, biases and slopes of the layer's channels, `stride` bytes each list. */
@inline
export function store16(to: usize, a: v128, b: v128, c: v128, d: v128, scales: usize, stride: usize): void {
  v128.store(to, narrow(activate(a, scales, stride), activate(b, scales + 16, stride)))
  v128.store(to, narrow(activate(c, scales + 32, stride), activate(d, scales + 48, stride)), 16)
}

/** `count` floats to 16-bit numbers, eight at a time (there is room for that behind both). */
export function quantise(from: usize, to: usize, count: i32, scale: f32): void {
  const factor = f32x4.splat(scale)
  for (let i = 0; i < count; i += 8) {
    v128.store(to, narrow(f32x4.mul(v128.load(from), factor), f32x4.mul(v128.load(from, 16), factor)))
    from += 32
    to += 16
  }
}
