import { FacewiseError, messageOf } from '../errors.ts'
import type { Spread } from './collapse.ts'
import type { EpochRecord } from './log.ts'
import type { OptimiserState } from './optimisers.ts'
import type { NamedWeight } from './trainable.ts'

/** Everything from which a run goes on as if it had not been stopped, as it is after an epoch. */
export interface Checkpoint {
  /** Epochs that are done. */
  readonly epoch: number
  /** What the run is: another one does not go on from here. */
  readonly fingerprint: string
  readonly weights: readonly NamedWeight[]
  /** The variables of the loss. */
  readonly lossWeights: readonly NamedWeight[]
  readonly optimiser: readonly OptimiserState[]
  readonly best: { readonly epoch: number; readonly score: number; readonly weights: readonly NamedWeight[] }
  readonly spread: Spread
  readonly log: readonly EpochRecord[]
}

const FORMAT = 'facewise-checkpoint/1'

/** A checkpoint as the bytes of a file: JSON, with numbers as little-endian float32 in base64. */
export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  const text = JSON.stringify({ format: FORMAT, ...checkpoint }, (_, value) =>
    value instanceof Float32Array ? { float32: toBase64(value) } : value,
  )
  return new TextEncoder().encode(text)
}

/** @throws FacewiseError `INVALID_ARGUMENT` for bytes that are no checkpoint. */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  try {
    const value = JSON.parse(new TextDecoder().decode(bytes), (_, entry) =>
      typeof entry?.float32 === 'string' ? fromBase64(entry.float32) : entry,
    )
    if (value.format !== FORMAT) throw new Error(`its format is ${value.format}, not ${FORMAT}`)
    const { format: _, ...checkpoint } = value
    return checkpoint as Checkpoint
  } catch (error) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `This is no checkpoint of a training run: ${messageOf(error)}. Begin anew.`,
      { cause: error },
    )
  }
}

function toBase64(values: Float32Array): string {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
  let text = ''
  // In pieces: the arguments of one call are limited.
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192))
  return btoa(text)
}

function fromBase64(text: string): Float32Array {
  return new Float32Array(Uint8Array.from(atob(text), character => character.charCodeAt(0)).buffer)
}
