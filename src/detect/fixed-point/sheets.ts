import type { NetworkInput } from '../../models/network.ts'
import { CELL_SIZE } from '../pyramid.ts'
import type { KernelMemory } from './memory.ts'

/** What a program's WebAssembly memory grows to, it keeps; larger pictures lie outside and are copied row by row. */
const MAX_BYTES = 128 * 2 ** 20

const PIXEL_BYTES = 12

/** Where the kernel may work on a picture. */
export interface Workplace {
  /** For the rows that it keeps of each layer. */
  readonly rows: number
  /** For two rows of pixels. */
  readonly input: number
}

/** Room for the pictures of a pyramid in the kernel's memory, where it reads them without a copy, and for the rows that it keeps. */
export class Sheets {
  private workplace: Workplace | undefined
  private widest = 0

  constructor(private readonly memory: KernelMemory) {}

  /** Pictures of three floats a pixel, all black; they replace those of the last call. Sizes are even. */
  allocate(sizes: readonly { readonly width: number; readonly height: number }[]): Float32Array[] {
    const bytes = sizes.map(({ width, height }) => width * height * PIXEL_BYTES)
    const outside = (): Float32Array[] => bytes.map(size => new Float32Array(size / 4))
    try {
      this.takeWorkplace(Math.max(...sizes.map(({ width }) => width)))
      if (bytes.reduce((a, b) => a + b, 0) > MAX_BYTES) return outside()
      const addresses = bytes.map(size => this.memory.take(size))
      return bytes.map((size, i) => new Float32Array(this.memory.buffer, addresses[i], size / 4).fill(0))
    } catch (error) {
      // No memory is left in there: they are copied row by row, or go through the graph models.
      if (error instanceof RangeError) return outside()
      throw error
    }
  }

  private takeWorkplace(widest: number): void {
    const { memory } = this
    const rows = memory.take(memory.kernel.pnetBegin(widest, 0))
    const input = memory.take(widest * 2 * PIXEL_BYTES)
    this.workplace = { rows, input }
    this.widest = widest
  }

  /** Where the kernel may work on this input, if there is room for it. */
  workplaceFor({ shape: [batch, height, width] }: NetworkInput): Workplace | undefined {
    const fits = batch === 1 && width % 2 === 0 && height % 2 === 0 && width >= CELL_SIZE && height >= CELL_SIZE
    return fits && width <= this.widest ? this.workplace : undefined
  }

  /** Forgets the pictures. */
  clear(): void {
    this.workplace = undefined
    this.widest = 0
  }
}
