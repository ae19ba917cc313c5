/**
 * The products of one vector with many: what an exact search spends its time on. Vectors are rows of `quads` times four floats; what a
 * dimension leaves of the last four is zero.
 */

/** One sum of the four lanes. */
@inline
function total(v: v128): f32 {
  const pairs = f32x4.add(v, v128.shuffle<f32>(v, v, 2, 3, 0, 1))
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1)
}

/** Four rows at a time: the query is read once for four, and four sums do not wait for each other. */
export function dots(query: usize, rows: usize, quads: i32, count: i32, out: usize): void {
  const stride = <usize>quads << 4
  let left = count
  for (; left >= 4; left -= 4) {
    let s0 = f32x4.splat(0)
    let s1 = f32x4.splat(0)
    let s2 = f32x4.splat(0)
    let s3 = f32x4.splat(0)
    let r0 = rows
    let r1 = r0 + stride
    let r2 = r1 + stride
    let r3 = r2 + stride
    const end = query + stride
    for (let q = query; q < end; q += 16) {
      const value = v128.load(q)
      s0 = f32x4.add(s0, f32x4.mul(value, v128.load(r0)))
      s1 = f32x4.add(s1, f32x4.mul(value, v128.load(r1)))
      s2 = f32x4.add(s2, f32x4.mul(value, v128.load(r2)))
      s3 = f32x4.add(s3, f32x4.mul(value, v128.load(r3)))
      r0 += 16
      r1 += 16
      r2 += 16
      r3 += 16
    }
    store<f32>(out, total(s0))
    store<f32>(out, total(s1), 4)
    store<f32>(out, total(s2), 8)
    store<f32>(out, total(s3), 12)
    rows += stride << 2
    out += 16
  }
  for (; left > 0; left--) {
    let sum = f32x4.splat(0)
    for (let i: usize = 0; i < stride; i += 16) {
      sum = f32x4.add(sum, f32x4.mul(v128.load(query + i), v128.load(rows + i)))
    }
    store<f32>(out, total(sum))
    rows += stride
    out += 4
  }
}
