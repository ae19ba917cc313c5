import { FacewiseError } from '../../errors.ts'

/** Limits of {@link watchChallenge}; the guide on liveness says where each comes from. Degrees are those of `estimatePose`. */
export interface ChallengeLimits {
  /** A turn begins to count at this yaw, in degrees from the person's own when looking ahead. */
  readonly turn: number
  /** A look up or down begins to count at this pitch, in degrees from the person's own when looking ahead. */
  readonly look: number
  /** A turn that was not asked for counts from this yaw on, in degrees: heads drift sideways in a nod. */
  readonly wrongTurn: number
  /** Turns and looks count only with this much relief (see `estimateRelief`), in degrees: a flat picture has little. */
  readonly turnRelief: number
  readonly lookRelief: number
  /** ... and only where the face is foreshortened no more than by a turn of the relief and this many degrees. */
  readonly tilt: number
  /** A face that is foreshortened as by a turn of the relief and this many degrees is a tilted picture. */
  readonly flat: number
  /** Milliseconds of that after which the run has failed. */
  readonly flatTime: number
  /** Coming closer counts from this growth of the face on. */
  readonly closer: number
  /** A smile counts where the score `happy` has risen by this much, and is at least this much. */
  readonly smile: number
  /** The person looks ahead again where yaw and pitch are this near to their own, in degrees. */
  readonly rest: number
  /** ... the face has grown no more than this, */
  readonly restGrowth: number
  /** ... and the score `happy` has risen no more than this. */
  readonly restSmile: number
  /** What was begun goes on down to this share of its limit, so that noise does not end it. */
  readonly hysteresis: number
  /** Milliseconds for which an action must be held. */
  readonly hold: number
  /** Milliseconds for which the person must look ahead after it. */
  readonly restHold: number
  /** Milliseconds for which the person must look ahead at the start, to be measured. */
  readonly reference: number
  /** Milliseconds without a frame that counts, after which the run has failed. */
  readonly gap: number
  /** Between the eyes, in pixels: smaller faces are too noisy. */
  readonly eyes: number
  /** The fastest turn of a head, in degrees a second, beside `poseNoise` degrees of noise. */
  readonly poseRate: number
  readonly poseNoise: number
  /** The fastest move, in distances between the eyes a second, beside `moveNoise` of noise. */
  readonly moveRate: number
  readonly moveNoise: number
  /** The fastest growth, in natural logarithms of size a second, beside `growthNoise` of noise. */
  readonly growthRate: number
  readonly growthNoise: number
  /** Frames in a row that do not fit to those before, after which the run has failed. */
  readonly jumps: number
  /** Milliseconds of landmarks that are the same to the last digit, after which the run has failed: no camera gives them. */
  readonly frozen: number
}

/** The limits of {@link watchChallenge}. */
export const CHALLENGE_LIMITS: ChallengeLimits = {
  turn: 8.5,
  look: 9,
  wrongTurn: 11,
  turnRelief: 7,
  lookRelief: 9,
  tilt: 18,
  flat: 32,
  flatTime: 250,
  closer: 1.25,
  smile: 0.4,
  rest: 5.5,
  restGrowth: 1.15,
  restSmile: 0.25,
  hysteresis: 0.85,
  hold: 120,
  restHold: 80,
  reference: 280,
  gap: 400,
  eyes: 24,
  poseRate: 120,
  poseNoise: 4,
  moveRate: 8,
  moveNoise: 0.3,
  growthRate: 1.5,
  growthNoise: 0.12,
  jumps: 3,
  frozen: 1000,
}

/** The default limits with some of them changed. @throws FacewiseError `INVALID_ARGUMENT` for one that is no number above 0. */
export function limitsOf(changes: Partial<ChallengeLimits> = {}): ChallengeLimits {
  const limits = { ...CHALLENGE_LIMITS, ...changes }
  for (const [name, value] of Object.entries(limits)) {
    if (!(name in CHALLENGE_LIMITS)) throw new FacewiseError('INVALID_ARGUMENT', `There is no limit '${name}'.`)
    if (!(Number.isFinite(value) && value > 0)) {
      throw new FacewiseError('INVALID_ARGUMENT', `The limit '${name}' is a number above 0; got ${value}.`)
    }
  }
  return limits
}
