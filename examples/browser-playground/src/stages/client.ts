/** The page's side of the cascade: one detection at a time, the latest. */
import type { Face } from 'facewise/detect'
import { type Line, lineTo } from '../line.ts'
import { showBackend } from '../status.ts'
import type { CascadeSettings } from './settings.ts'
import type { CascadeCall, CascadePiece, CascadeResult, Step } from './worker.ts'

/** Who is told what comes of a detection. */
export interface CascadeListener {
  onSize(width: number, height: number): void
  onStep(step: Step): void
}

let line: Line | undefined
const keys = new WeakMap<Blob, number>()
let nextKey = 1

/** Runs the cascade in its worker. @throws FacewiseError as the detector does; `ABORTED` once the signal has fired. */
export async function runCascade(
  picture: Blob,
  settings: CascadeSettings,
  listener: CascadeListener,
  signal: AbortSignal,
): Promise<readonly Face[]> {
  line ??= lineTo(new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'cascade' }))
  const key = keys.get(picture) ?? nextKey++
  keys.set(picture, key)
  const call: CascadeCall = { picture, key, settings }
  const { faces } = (await line.call('run', call, {
    signal,
    onPiece(value) {
      const piece = value as CascadePiece
      if (piece.type === 'started') showBackend(piece.backend, piece.simd)
      else if (piece.type === 'decoded') listener.onSize(piece.width, piece.height)
      else listener.onStep(piece.step)
    },
  })) as CascadeResult
  return faces
}
