import type { BackendReport } from '../../src/backends/index.ts'

/** What is measured in a browser of its own: WebAssembly on one thread and on several, each GPU backend, and the library's own choice beside each of the two. */
export const CASES = ['choice', 'choice-one-thread', 'webgpu', 'webgl', 'wasm', 'wasm-threads'] as const
export type CaseName = (typeof CASES)[number]

/** A face as numbers that can be compared. */
export interface FoundFace {
  readonly box: readonly number[]
  readonly score: number
  readonly points: readonly number[]
}

export interface Learned {
  readonly firstMs: number
  readonly epochsPerSecond: number
  readonly perSecond: number
  readonly losses: readonly number[]
}

interface Embedded {
  readonly loadMs: number
  readonly one: number
  readonly eight: number
  readonly many: number
  readonly embeddings: readonly (readonly number[])[]
}

interface Memory {
  readonly tensors: number
  readonly bytes: number
  readonly gpuBytes?: number
}

/** The parts of a measurement. Times are milliseconds. */
export interface Parts {
  readonly environment: { browser: string; cores: number; isolated: boolean; webgpu: string; webgl: string }
  readonly choice: { ms: number; report: BackendReport }
  /** Of `detect`, `represent` and `describe`, each called for the first time, with its models to load, and once more. */
  readonly first: { startMs: number; first: number[]; second: number[]; threads?: number; simd?: boolean }
  /** Some numbers there, one operation, and back: what a call of a network costs at least. */
  readonly roundTrip: { ms: number }
  /** Of each photo at both sizes: the first call, in which a GPU compiles for its shapes, and the median of later ones. */
  readonly detect: { sizes: string[]; firstMs: number[]; ms: number[]; faces: FoundFace[][] }
  readonly embed: Embedded
  readonly describe: { ms: number; numbers: number[][] }
  readonly track: { followed: number; searched: number }
  readonly memory: { calls: number; before: Memory; after: Memory }
  readonly head128: Learned
  readonly head512: Learned
  readonly network: Learned
  readonly facenet: Embedded
}

/** What the page sends for a part: its value, or why there is none; `end` comes last. */
export interface Sent {
  readonly case: CaseName
  readonly part: keyof Parts | 'end'
  readonly value?: unknown
  readonly error?: string
}
