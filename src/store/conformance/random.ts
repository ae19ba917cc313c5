/** Numbers that look random and are the same in every run (mulberry32), so that a failing case can be repeated. */
export class Random {
  constructor(private state: number) {}

  /** From 0 on, below 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0
    let t = this.state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number from 0 on, below `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end)
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]
  }

  /** A vector with a direction: small whole numbers, so that many lie equally far, where `coarse`. */
  vector(dimension: number, coarse = false): Float32Array {
    for (;;) {
      const vector = Float32Array.from({ length: dimension }, () => (coarse ? this.below(5) - 2 : this.next() - 0.5))
      if (vector.some(value => value !== 0)) return vector
    }
  }
}
