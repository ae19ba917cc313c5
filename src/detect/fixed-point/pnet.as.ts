import { activate, affine, align, dot, narrow, quantise, store16 } from './arithmetic.as'

/**
 * P-Net in 16-bit fixed point, for WebAssembly with SIMD, in AssemblyScript (`npm run build:kernels` compiles `kernel.as.ts` into `kernel.ts`).
 *
 * Why: `i32x4.dot_i16x8_s` multiplies and adds eight pairs of numbers, where a float instruction does four, and the layers here are
 * too thin for general kernels to fill the processor. The picture streams through: two rows of pixels go in, one row of cells comes
 * out, and of each layer only the rows that the next one looks at are kept, so that all of it stays in the processor's cache.
 *
 * A weight vector holds, for four output channels, two neighbouring taps each; an input pair is repeated four times to meet it.
 */

/** Where the packed weights begin; below it lies the row of features that the heads read. */
const WEIGHTS: usize = 1024
const FEATURES: usize = 256

// Bytes of the packed layers: taps in pairs, times vectors of 16 bytes; then factors, biases and slopes as floats, a channel each.
const CONV1: usize = WEIGHTS
const CONV1_SCALES: usize = CONV1 + 3 * 5 * 3 * 16
const CONV2: usize = CONV1_SCALES + 3 * 48
const CONV2_SCALES: usize = CONV2 + 3 * 15 * 4 * 16
const CONV3: usize = CONV2_SCALES + 3 * 64
const CONV3_SCALES: usize = CONV3 + 3 * 24 * 8 * 16
const HEADS: usize = CONV3_SCALES + 3 * 128
const HEADS_SCALES: usize = HEADS + 16 * 2 * 16
const END: usize = HEADS_SCALES + 2 * 32

/** Bytes of a pixel of each map: three numbers, ten, sixteen; and of a cell: five floats. */
const PIXEL: usize = 6
const POOLED: usize = 20
const MAP2: usize = 32
const CELL: usize = 20

let width: i32 = 0
let pairs: i32 = 0
let pixels: usize = 0
let pixelRow: usize = 0
let pooled: usize = 0
let pooledRow: usize = 0
let maps: usize = 0
let mapRow: usize = 0
let cells: usize = 0

/** Where the packed weights of P-Net go. */
export function pnetWeights(): usize {
  return WEIGHTS
}

/** Where they end. */
export function pnetWeightsEnd(): usize {
  return END
}

/** Begins a picture of the given width (even, 12 or more); the rows that are kept lie from `at` on. Returns where they end. */
export function pnetBegin(pictureWidth: i32, at: usize): usize {
  width = pictureWidth
  pairs = 0
  const size = <usize>width
  // Cells are made two at a time and vectors are wider than some pixels, so rows have room behind their end.
  pixelRow = align(size * PIXEL + 32)
  pooledRow = align((size / 2) * POOLED + 2 * POOLED)
  mapRow = align((size / 2) * MAP2 + 2 * MAP2)
  pixels = at
  pooled = pixels + 4 * pixelRow
  maps = pooled + 3 * pooledRow
  cells = maps + 3 * mapRow
  return align(cells + (size / 2) * CELL + 2 * CELL + 16)
}

/**
 * Takes two rows of pixels, three floats each; returns where a row of cells is, or 0 while the rows so far are too few for one.
 */
export function pnetPush(input: usize, scale: f32): usize {
  memory.copy(pixels, pixels + 2 * pixelRow, 2 * pixelRow)
  quantise(input, pixels + 2 * pixelRow, width * 3, scale)
  quantise(input + <usize>width * 12, pixels + 3 * pixelRow, width * 3, scale)
  const row = ++pairs - 2
  if (row < 0) return 0
  const columns = (width - 2) / 2
  pool1(pixels, columns, pooled + <usize>(row % 3) * pooledRow)
  if (row < 2) return 0
  const first = row - 2
  conv2(
    pooled + <usize>(first % 3) * pooledRow,
    pooled + <usize>((first + 1) % 3) * pooledRow,
    pooled + <usize>((first + 2) % 3) * pooledRow,
    columns - 2,
    maps + <usize>(first % 3) * mapRow,
  )
  if (first < 2) return 0
  const top = first - 2
  conv3(
    maps + <usize>(top % 3) * mapRow,
    maps + <usize>((top + 1) % 3) * mapRow,
    maps + <usize>((top + 2) % 3) * mapRow,
    columns - 4,
    cells,
  )
  return cells
}

/**
 * The largest of four pixels after PReLU. It is at the largest or at the smallest sum, since PReLU rises, or falls and then rises.
 */
@inline
function largest(a: v128, b: v128, c: v128, d: v128, scales: usize): v128 {
  const high = i32x4.max_s(i32x4.max_s(a, b), i32x4.max_s(c, d))
  const low = i32x4.min_s(i32x4.min_s(a, b), i32x4.min_s(c, d))
  return f32x4.max(activate(high, scales, 48), activate(low, scales, 48))
}

/** 3x3 over three colours to ten channels, PReLU, and the maximum over 2x2: one row of `count` pixels from four rows. */
function pool1(from: usize, count: i32, to: usize): void {
  for (let x = 0; x < count; x++) {
    let a0 = i32x4.splat(0)
    let a1 = a0
    let a2 = a0
    let b0 = a0
    let b1 = a0
    let b2 = a0
    let c0 = a0
    let c1 = a0
    let c2 = a0
    let d0 = a0
    let d1 = a0
    let d2 = a0
    let p = from
    let w = CONV1
    for (let ky = 0; ky < 3; ky++) {
      for (let k = 0; k < 5; k++) {
        const w0 = v128.load(w)
        const w1 = v128.load(w, 16)
        const w2 = v128.load(w, 32)
        let s = v128.load32_splat(p)
        a0 = dot(a0, s, w0)
        a1 = dot(a1, s, w1)
        a2 = dot(a2, s, w2)
        s = v128.load32_splat(p, PIXEL)
        b0 = dot(b0, s, w0)
        b1 = dot(b1, s, w1)
        b2 = dot(b2, s, w2)
        s = v128.load32_splat(p + pixelRow)
        c0 = dot(c0, s, w0)
        c1 = dot(c1, s, w1)
        c2 = dot(c2, s, w2)
        s = v128.load32_splat(p + pixelRow, PIXEL)
        d0 = dot(d0, s, w0)
        d1 = dot(d1, s, w1)
        d2 = dot(d2, s, w2)
        p += 4
        w += 48
      }
      p += pixelRow - 20
    }
    const last = largest(a2, b2, c2, d2, CONV1_SCALES + 32)
    v128.store(to, narrow(largest(a0, b0, c0, d0, CONV1_SCALES), largest(a1, b1, c1, d1, CONV1_SCALES + 16)))
    // Two channels and two that do not exist, which the next pixel overwrites.
    v128.store64_lane(to, narrow(last, last), 0, 16)
    to += POOLED
    from += 2 * PIXEL
  }
}

/** 3x3 over ten channels to sixteen, and PReLU: one row of `count` pixels, two at a time. */
function conv2(row0: usize, row1: usize, row2: usize, count: i32, to: usize): void {
  for (let x = 0; x < count; x += 2) {
    let a0 = i32x4.splat(0)
    let a1 = a0
    let a2 = a0
    let a3 = a0
    let b0 = a0
    let b1 = a0
    let b2 = a0
    let b3 = a0
    let w = CONV2
    for (let ky = 0; ky < 3; ky++) {
      let p = ky == 0 ? row0 : ky == 1 ? row1 : row2
      for (let k = 0; k < 15; k++) {
        const s = v128.load32_splat(p)
        const t = v128.load32_splat(p, POOLED)
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
    store16(to, a0, a1, a2, a3, CONV2_SCALES, 64)
    store16(to + MAP2, b0, b1, b2, b3, CONV2_SCALES, 64)
    to += 2 * MAP2
    row0 += 2 * POOLED
    row1 += 2 * POOLED
    row2 += 2 * POOLED
  }
}

/** 3x3 over sixteen channels to 32, in two halves, PReLU, and the heads: one row of `count` cells, two at a time. */
function conv3(row0: usize, row1: usize, row2: usize, count: i32, to: usize): void {
  for (let x = 0; x < count; x += 2) {
    let w = CONV3
    for (let half: usize = 0; half < 2; half++) {
      let a0 = i32x4.splat(0)
      let a1 = a0
      let a2 = a0
      let a3 = a0
      let b0 = a0
      let b1 = a0
      let b2 = a0
      let b3 = a0
      for (let ky = 0; ky < 3; ky++) {
        let p = ky == 0 ? row0 : ky == 1 ? row1 : row2
        for (let k = 0; k < 24; k++) {
          const s = v128.load32_splat(p)
          const t = v128.load32_splat(p, MAP2)
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
      store16(FEATURES + half * 32, a0, a1, a2, a3, CONV3_SCALES + half * 64, 128)
      store16(FEATURES + 64 + half * 32, b0, b1, b2, b3, CONV3_SCALES + half * 64, 128)
    }
    heads(FEATURES, to)
    heads(FEATURES + 64, to + CELL)
    to += 2 * CELL
    row0 += 2 * MAP2
    row1 += 2 * MAP2
    row2 += 2 * MAP2
  }
}

/** Logit and four offsets of a cell; the three numbers behind them do not exist and are overwritten by the next cell. */
@inline
function heads(from: usize, to: usize): void {
  let a = i32x4.splat(0)
  let b = a
  let w = HEADS
  for (let k = 0; k < 16; k++) {
    const s = v128.load32_splat(from)
    a = dot(a, s, v128.load(w))
    b = dot(b, s, v128.load(w, 16))
    from += 4
    w += 32
  }
  v128.store(to, affine(a, HEADS_SCALES, 32))
  v128.store(to, affine(b, HEADS_SCALES + 16, 32), 16)
}
