import type * as Converter from '@tensorflow/tfjs-converter'
import type * as Tf from '@tensorflow/tfjs-core'
import { FacewiseError } from '../errors.ts'
import type { BatchThreads } from './thread.ts'

/** The backends that can be chosen. `native` is `@tensorflow/tfjs-node`. */
export type BackendName = 'webgpu' | 'webgl' | 'native' | 'wasm' | 'cpu'

/** What became of one backend when a start was tried. */
export interface BackendAttempt {
  readonly name: BackendName
  /**
   * `chosen`; `slower` (it started, but a measurement found another faster); `failed` (it cannot run here); `skipped` (not tried,
   * or not wanted).
   */
  readonly outcome: 'chosen' | 'slower' | 'failed' | 'skipped'
  /** Why, in a sentence. */
  readonly reason: string
  /** What a person can do to make it run, where there is something. */
  readonly hint?: string
  /** Milliseconds from the import of its package until it was ready. */
  readonly startMs?: number
  /** Milliseconds of the measured probe, where one was run. */
  readonly probeMs?: number
  /** Milliseconds of the probe's first run, in which a GPU compiles its programs. */
  readonly firstMs?: number
}

/** How the choice of a backend went; what `facewise doctor` prints. */
export interface BackendReport {
  readonly chosen: BackendName
  readonly attempts: readonly BackendAttempt[]
  /** The version of TensorFlow.js. */
  readonly version: string
  /** WebAssembly only: whether SIMD is used, and how many threads; in Node, over how many batches are split. */
  readonly simd?: boolean
  readonly threads?: number
}

/** A started backend. Parts of the library take it as an argument; `tf` and `converter` are for those that run networks. */
export interface Engine {
  readonly backend: BackendName
  /** Whether calls and shapes are dear and memory is apart (WebGPU, WebGL). */
  readonly gpu: boolean
  /** Whether one operation runs on several cores (native, WebAssembly with threads), so that large inputs suit it. */
  readonly parallel: boolean
  readonly report: BackendReport
  /** Where batches are to be split over threads. */
  readonly batchThreads?: BatchThreads
  /** Backends that were left out on purpose, because they were lost before. */
  readonly excluded: readonly BackendName[]
  readonly tf: typeof Tf
  readonly converter: typeof Converter
  /**
   * Makes this backend the active one of TensorFlow.js. Its active backend is one global, which an app or another engine may
   * have changed; so every run of a network calls this first, in the same turn.
   *
   * @throws FacewiseError `BACKEND_LOST` after its GPU context was lost.
   */
  activate(): void
  /** Calls back once when the GPU context is lost; returns a function that takes the callback away. */
  onLost(callback: (error: FacewiseError) => void): () => void
}

/** TensorFlow.js' own name of a backend. */
export function tfName(name: BackendName): string {
  return name === 'native' ? 'tensorflow' : name
}

/**
 * Makes TensorFlow.js forget a backend that was lost, or whose start never ended, but not how it is started: otherwise a later start
 * would get the dead one back, and while a start is pending no other backend can be used. @internal
 */
export function forgetBackend(tf: typeof Tf, name: BackendName): void {
  const factory = tf.findBackendFactory(tfName(name))
  if (!factory) return
  try {
    tf.removeBackend(tfName(name))
  } catch {
    // Its clean-up calls into the context that is gone.
  }
  tf.registerBackend(tfName(name), factory)
}

/** Wraps the backend that is now active. @internal */
export function createEngine(
  tf: typeof Tf,
  converter: typeof Converter,
  report: BackendReport,
  excluded: readonly BackendName[],
  batchThreads?: BatchThreads,
): Engine {
  const { chosen } = report
  const callbacks = new Set<(error: FacewiseError) => void>()
  let lost: FacewiseError | undefined
  const lose = (why: string): void => {
    if (lost) return
    lost = new FacewiseError(
      'BACKEND_LOST',
      `The ${chosen} backend was lost: ${why}. Start another backend and load the models again.`,
    )
    for (const callback of callbacks) callback(lost)
    callbacks.clear()
    forgetBackend(tf, chosen)
  }
  watchContext(tf, chosen, lose)
  return {
    backend: chosen,
    gpu: chosen === 'webgl' || chosen === 'webgpu',
    parallel: chosen === 'native' || (!batchThreads && (report.threads ?? 1) > 1),
    report,
    batchThreads,
    excluded,
    tf,
    converter,
    activate() {
      if (lost) throw lost
      // For a backend that is initialised, this takes effect before the promise is returned.
      if (tf.getBackend() !== tfName(chosen)) void tf.setBackend(tfName(chosen))
    },
    onLost(callback) {
      if (lost) callback(lost)
      else callbacks.add(callback)
      return () => callbacks.delete(callback)
    },
  }
}

function watchContext(tf: typeof Tf, name: BackendName, lose: (why: string) => void): void {
  if (name === 'webgl') {
    const { gpgpu } = tf.backend() as unknown as { gpgpu?: { gl?: WebGLRenderingContext } }
    gpgpu?.gl?.canvas.addEventListener('webglcontextlost', () => lose('the browser took its WebGL context away'))
  } else if (name === 'webgpu') {
    const { device } = tf.backend() as unknown as { device?: GPUDevice }
    void device?.lost.then(info => lose(info.message || 'the browser took its WebGPU device away'))
  }
}
