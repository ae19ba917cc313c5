import { FacewiseError } from '../errors.ts'
import type { AreaSampler } from '../image/integral.ts'
import type { Picture } from '../image/picture.ts'
import type { Region } from '../image/resize.ts'
import type { Network } from '../models/network.ts'
import type { Candidates } from './candidates.ts'

/** What a stage may look at. */
export interface StageContext {
  readonly picture: Picture
  /** Resized copies of the region, and crops of the picture. */
  readonly sampler: AreaSampler
  /** Room for pictures, three floats a pixel, where the network of proposals reads them fastest. */
  sheets(sizes: readonly { readonly width: number; readonly height: number }[]): Float32Array[]
  /** The part of the picture to search, in whole pixels inside it. */
  readonly region: Region
  readonly minFaceSize: number
  readonly maxFaceSize: number
  readonly scaleFactor: number
  /** A network of the cascade's model, by its name there. */
  network(name: string): Network
  readonly signal?: AbortSignal
  /** For a stage to say how long its parts took, in milliseconds. */
  time(part: 'prepare' | 'network' | 'select', milliseconds: number): void
}

/** @throws FacewiseError `INVALID_ARGUMENT` for a value that is no share between 0 and 1. @internal */
export function checkShare(name: string, value: number): void {
  if (!(value > 0 && value < 1)) {
    throw new FacewiseError('INVALID_ARGUMENT', `${name} lies between 0 and 1; got ${value}.`)
  }
}

/** One step of the cascade: takes the candidates of the step before and gives fewer and better ones. */
export interface Stage {
  /** For reports. */
  readonly name: string
  run(candidates: Candidates, context: StageContext): Promise<Candidates>
}
