import type { ChallengeAction } from './challenge.ts'
import { isPoseAction } from './challenge.ts'
import type { Sighting } from './frame.ts'
import type { ChallengeLimits } from './limits.ts'
import type { Reference } from './reference.ts'
import { estimateRelief, type Relief } from './relief.ts'

/** How far each action is done in one frame: 1 where it counts. */
export type Gestures = Readonly<Record<ChallengeAction, number>>

/** What one frame shows, against the person looking ahead. */
export interface Showing {
  readonly gestures: Gestures
  readonly relief: Relief
  readonly rests: boolean
}

/** @param mirrored whether the pictures are mirrored, as a selfie is shown: then the person's left is the picture's left. */
export function showingOf(
  sighting: Sighting,
  reference: Reference,
  limits: ChallengeLimits,
  mirrored: boolean,
): Showing {
  // Unless mirrored, a head that turns to the person's left points to the right of the picture.
  const left = (mirrored ? -1 : 1) * (sighting.pose.yaw - reference.pose.yaw)
  const up = sighting.pose.pitch - reference.pose.pitch
  // A turn shortens the one and a nod the other; coming closer lengthens both.
  const growth = Math.max(sighting.across / reference.across, sighting.down / reference.down)
  const risen =
    sighting.happy === undefined || reference.happy === undefined ? undefined : sighting.happy - reference.happy
  const gestures: Gestures = {
    'turn-left': left / limits.turn,
    'turn-right': -left / limits.turn,
    'look-up': up / limits.look,
    'look-down': -up / limits.look,
    'come-closer': Math.log(growth) / Math.log(limits.closer),
    smile: risen === undefined ? 0 : Math.min(risen, sighting.happy!) / limits.smile,
  }
  const rests =
    Math.max(Math.abs(left), Math.abs(up)) <= limits.rest &&
    growth <= limits.restGrowth &&
    (risen ?? 0) <= limits.restSmile
  return { gestures, relief: estimateRelief(reference.landmarks, sighting.landmarks), rests }
}

/**
 * The action that is done most in a frame, if any counts. A smile is one only where it is asked for: people smile while they turn.
 *
 * @param held the action that was done in the frame before: it goes on down to a share of its limit.
 */
export function mainGesture(
  { gestures }: Showing,
  asked: ChallengeAction,
  held: ChallengeAction | undefined,
  limits: ChallengeLimits,
): ChallengeAction | undefined {
  const names = Object.keys(gestures) as ChallengeAction[]
  const weight = (action: ChallengeAction): number =>
    gestures[action] /
    (isStrayTurn(action, asked) ? limits.wrongTurn / limits.turn : 1) /
    (action === held ? limits.hysteresis : 1)
  const done = names.filter(action => weight(action) >= 1 && (action !== 'smile' || asked === 'smile'))
  // Anything else that is done beside a smile is the main thing: scores of emotions tell little of a face that is turned.
  const others = done.filter(action => action !== 'smile')
  return (others.length > 0 ? others : done).sort((a, b) => weight(b) - weight(a))[0]
}

function isStrayTurn(action: ChallengeAction, asked: ChallengeAction): boolean {
  return action !== asked && (action === 'turn-left' || action === 'turn-right')
}

/** Whether a turn or look moved the nose out of the plane of the face as far as it should; other actions have nothing to show. */
export function hasDepth(
  { relief }: Showing,
  action: ChallengeAction,
  held: boolean,
  limits: ChallengeLimits,
  mirrored: boolean,
): boolean {
  if (!isPoseAction(action)) return true
  const side = mirrored ? -1 : 1
  const along = {
    'turn-left': side * relief.yaw,
    'turn-right': -side * relief.yaw,
    'look-up': relief.pitch,
    'look-down': -relief.pitch,
  }[action as 'turn-left']
  const least = action === 'turn-left' || action === 'turn-right' ? limits.turnRelief : limits.lookRelief
  return along >= least * (held ? limits.hysteresis : 1) && !isTilted(relief, limits.tilt)
}

/** Whether a face is foreshortened more than by a turn of its relief and some degrees besides. */
export function isTilted({ yaw, pitch, foreshortening }: Relief, besides: number): boolean {
  const angle = Math.min(90, Math.hypot(yaw, pitch) + besides)
  return foreshortening < Math.cos((angle * Math.PI) / 180)
}
