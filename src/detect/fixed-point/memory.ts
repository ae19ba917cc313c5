import { KERNEL } from './kernel.ts'

/** What `kernel.as.ts` exports; addresses and sizes are in bytes. */
export interface KernelFunctions {
  readonly memory: WebAssembly.Memory
  quantise(from: number, to: number, count: number, scale: number): void
  integrate(pixels: number, columns: number, rows: number, above: number): void
  sampleRow(
    top: number,
    bottom: number,
    left: number,
    right: number,
    widths: number,
    count: number,
    factor: number,
    shiftRed: number,
    shiftGreen: number,
    shiftBlue: number,
    out: number,
  ): void
  conv(
    input: number,
    inputRow: number,
    inputPixel: number,
    kernelRows: number,
    run: number,
    weights: number,
    scales: number,
    groups: number,
    output: number,
    channels: number,
    rows: number,
    columns: number,
  ): void
  maxPool(
    input: number,
    inputRows: number,
    inputColumns: number,
    channels: number,
    size: number,
    output: number,
    rows: number,
    columns: number,
  ): void
  pnetBegin(width: number, at: number): number
  pnetPush(input: number, scale: number): number
  pnetWeights(): number
  pnetWeightsEnd(): number
}

const PAGE = 65_536

/** The kernel and its memory, which is handed out from its beginning to its end. */
export class KernelMemory {
  /** The first byte that nobody has. */
  private next: number

  private constructor(readonly kernel: KernelFunctions) {
    this.next = kernel.pnetWeightsEnd()
    this.grow(this.next)
  }

  /** @returns nothing where WebAssembly cannot be compiled from bytes: a page's policy may allow files alone. */
  static async create(): Promise<KernelMemory | undefined> {
    try {
      const bytes = Uint8Array.from(atob(KERNEL), character => character.charCodeAt(0))
      const { instance } = await WebAssembly.instantiate(bytes)
      return new KernelMemory(instance.exports as unknown as KernelFunctions)
    } catch {
      return undefined
    }
  }

  /**
   * Takes `bytes`; the address is a multiple of 64. Views of the memory that were made before are void afterwards.
   *
   * @throws RangeError if there is no memory left; nothing is taken then.
   */
  take(bytes: number): number {
    const address = this.next
    // Vectors may reach over the end of what they belong to.
    const next = Math.floor((address + bytes + 127) / 64) * 64
    this.grow(next)
    this.next = next
    return address
  }

  /** Gives back all that was taken from `address` on. */
  giveBack(address: number): void {
    this.next = address
  }

  /** The memory as it is now. */
  get buffer(): ArrayBuffer {
    return this.kernel.memory.buffer
  }

  private grow(bytes: number): void {
    const missing = Math.ceil((bytes - this.buffer.byteLength) / PAGE)
    if (missing > 0) this.kernel.memory.grow(missing)
  }
}
