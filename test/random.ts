import type { Picture } from '../src/image/picture.ts'

/** Numbers that look random and are the same in every run, so that a failure can be repeated. */
export interface Random {
  /** From `low` on, below `high`. */
  float(low?: number, high?: number): number
  /** A whole number from `low` to `high`, both included. */
  integer(low: number, high: number): number
  /** One of `values`. */
  pick<T>(values: readonly T[]): T
}

/** A generator from a seed (mulberry32: 32 bits of state are plenty for tests). */
export function random(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    float: (low = 0, high = 1) => low + next() * (high - low),
    integer: (low, high) => low + Math.floor(next() * (high - low + 1)),
    pick: values => values[Math.floor(next() * values.length)],
  }
}

/** A picture of noise: every wrong index shows. */
export function noise(width: number, height: number, seed: number): Picture {
  const { integer } = random(seed)
  return { data: Uint8Array.from({ length: width * height * 3 }, () => integer(0, 255)), width, height }
}
