import { KERNEL } from './kernel/kernel.ts'

/** Rows whose products are computed at once: their results stay in the processor's cache. */
export const BLOCK = 4096

const PAGE = 65_536

/** A memory of WebAssembly ends at 4 GiB; more segments of this size are made instead. */
const SEGMENT_BYTES = 2 ** 30

interface Kernel {
  readonly memory: WebAssembly.Memory
  dots(query: number, rows: number, blocks: number, count: number, out: number): void
}

/**
 * Vectors of one dimension in rows without gaps, and their products with a vector. They lie in the memory of a WebAssembly kernel; where
 * WebAssembly may not run (a page's policy), in arrays.
 */
export class VectorRows {
  private readonly segments: Segment[] = []
  /** Floats from one row to the next. */
  private readonly stride: number
  private readonly perSegment: number

  constructor(readonly dimension: number) {
    this.stride = Math.ceil(dimension / 16) * 16
    // Whole blocks, so that none lies in two segments.
    this.perSegment = Math.max(1, Math.floor(SEGMENT_BYTES / (this.stride * 4 * BLOCK))) * BLOCK
  }

  set(row: number, vector: Float32Array): void {
    const { segment, index } = this.find(row)
    segment.row(index).set(vector)
  }

  /** A copy of a row. */
  get(row: number): Float32Array {
    return this.view(row).slice()
  }

  /** A row where it lies; void after the next `set`. */
  view(row: number): Float32Array {
    const { segment, index } = this.find(row)
    return segment.row(index).subarray(0, this.dimension)
  }

  copy(from: number, to: number): void {
    this.set(to, this.get(from))
  }

  /** The products of `query` with up to {@link BLOCK} rows from `first` on, a multiple of it; void after the next call. */
  dots(query: Float32Array, first: number, count: number): Float32Array {
    const { segment, index } = this.find(first)
    return segment.dots(query, index, count)
  }

  private find(row: number): { segment: Segment; index: number } {
    const at = Math.floor(row / this.perSegment)
    this.segments[at] ??= kernelSegment(this.stride) ?? new ArraySegment(this.stride)
    return { segment: this.segments[at], index: row - at * this.perSegment }
  }
}

interface Segment {
  /** The floats of a row, with those that only fill it up; there is room for it afterwards. */
  row(index: number): Float32Array
  dots(query: Float32Array, first: number, count: number): Float32Array
}

/** Compiled once; `null` where that is not allowed. */
let module: WebAssembly.Module | null | undefined

function kernelSegment(stride: number): Segment | undefined {
  try {
    if (module === undefined) module = new WebAssembly.Module(Uint8Array.from(atob(KERNEL), c => c.charCodeAt(0)))
    return module ? new KernelSegment(stride, new WebAssembly.Instance(module).exports as unknown as Kernel) : undefined
  } catch {
    module = null
    return undefined
  }
}

/** In the kernel's memory: the query, the products of a block, then the rows. */
class KernelSegment implements Segment {
  private floats = new Float32Array(0)
  private readonly out: number
  private readonly rows: number

  constructor(
    private readonly stride: number,
    private readonly kernel: Kernel,
  ) {
    this.out = stride
    this.rows = this.out + BLOCK
  }

  row(index: number): Float32Array {
    const start = this.rows + index * this.stride
    this.reserve(start + this.stride)
    return this.floats.subarray(start, start + this.stride)
  }

  dots(query: Float32Array, first: number, count: number): Float32Array {
    this.row(first + count - 1)
    this.floats.fill(0, 0, this.out)
    this.floats.set(query)
    const rows = this.rows + first * this.stride
    this.kernel.dots(0, rows * 4, this.stride / 16, count, this.out * 4)
    return this.floats.subarray(this.out, this.out + count)
  }

  private reserve(floats: number): void {
    if (floats <= this.floats.length) return
    const { memory } = this.kernel
    const had = memory.buffer.byteLength
    const missing = Math.ceil((floats * 4 - had) / PAGE)
    // Twice as much as before, if there is: growing takes the same time however large the step.
    try {
      memory.grow(Math.max(missing, Math.min(had, SEGMENT_BYTES) / PAGE))
    } catch {
      memory.grow(missing)
    }
    this.floats = new Float32Array(memory.buffer)
  }
}

/** The same in arrays and JavaScript. */
class ArraySegment implements Segment {
  private floats: Float32Array
  private readonly out = new Float32Array(BLOCK)

  constructor(private readonly stride: number) {
    this.floats = new Float32Array(stride * 16)
  }

  row(index: number): Float32Array {
    const { stride } = this
    if ((index + 1) * stride > this.floats.length) {
      const grown = new Float32Array(Math.max((index + 1) * stride, this.floats.length * 2))
      grown.set(this.floats)
      this.floats = grown
    }
    return this.floats.subarray(index * stride, (index + 1) * stride)
  }

  dots(query: Float32Array, first: number, count: number): Float32Array {
    const { stride } = this
    for (let i = 0; i < count; i++) {
      let sum = 0
      const start = (first + i) * stride
      for (let k = 0; k < query.length; k++) sum += query[k] * this.floats[start + k]
      this.out[i] = sum
    }
    return this.out.subarray(0, count)
  }
}
