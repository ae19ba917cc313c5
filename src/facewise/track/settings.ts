import type { DetectOptions } from '../../detect/index.ts'
import { FacewiseError } from '../../errors.ts'
import type { AttributeName, MatchOptions, TrackOptions } from '../facewise.ts'
import { checkAttributes } from '../options.ts'

/** The options of `track`, whole. */
export interface TrackSettings {
  readonly every: number
  readonly minScore: number
  readonly patience: number
  readonly stableAfter: number
  readonly attributes: ReadonlySet<AttributeName>
  readonly embeddings: boolean
  /** Nothing where nobody is to be identified. */
  readonly identify: MatchOptions | undefined
  readonly refreshMs: number
  readonly identityRefreshMs: number
  readonly smoothing: number
  readonly frameRate: number
  readonly live: boolean | undefined
  readonly maxFaces: number | undefined
  readonly keep: DetectOptions['keep']
  /** What is passed on to the detector: not how many faces, since those that are followed already count too. */
  readonly detect: DetectOptions
}

/** @throws FacewiseError `INVALID_ARGUMENT` that names what makes no sense. */
export function trackSettings(options: TrackOptions, attributes: readonly AttributeName[]): TrackSettings {
  const { every = 15, minScore = 0.6, patience = 25, stableAfter = 3, refreshMs = 500, smoothing = 500 } = options
  const { identityRefreshMs = 5000, frameRate = 25, identify = false, live, maxFaces, keep } = options
  const { signal, roi, maxPixels } = options
  const check = (ok: boolean, name: keyof TrackOptions, what: string): void => {
    if (!ok) throw new FacewiseError('INVALID_ARGUMENT', `\`${name}\` is ${what}; got ${options[name]}.`)
  }
  const isCount = (value: number): boolean => Number.isInteger(value) && value >= 1
  check(isCount(every), 'every', 'a number of frames, 1 or more')
  check(minScore > 0 && minScore < 1, 'minScore', 'a score between 0 and 1')
  check(isCount(patience), 'patience', 'a number of frames, 1 or more')
  check(isCount(stableAfter), 'stableAfter', 'a number of frames, 1 or more')
  check(refreshMs >= 0, 'refreshMs', 'a number of milliseconds, 0 or more')
  check(identityRefreshMs >= 0, 'identityRefreshMs', 'a number of milliseconds, 0 or more')
  check(smoothing >= 0 && Number.isFinite(smoothing), 'smoothing', 'a number of milliseconds, 0 or more')
  check(frameRate > 0 && Number.isFinite(frameRate), 'frameRate', 'a number of frames a second above 0')
  check(maxFaces === undefined || isCount(maxFaces), 'maxFaces', 'a number of faces, 1 or more')
  const rules = identify === true ? {} : identify || undefined
  return {
    every,
    minScore,
    patience,
    stableAfter,
    attributes: new Set(checkAttributes(options.attributes ?? attributes)),
    embeddings: options.embeddings ?? rules !== undefined,
    identify: rules,
    refreshMs,
    identityRefreshMs,
    smoothing,
    frameRate,
    live,
    maxFaces,
    keep,
    detect: { signal, roi, maxPixels },
  }
}
