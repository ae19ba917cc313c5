import type { Sighting } from './frame.ts'
import type { ChallengeLimits } from './limits.ts'

/**
 * Whether a head can have got from one sighting to the next in the time between their frames.
 *
 * @param elapsed milliseconds since the frame before, whether that counted or not: so that what jumped does not become believable by
 * waiting.
 */
export function isContinuous(before: Sighting, now: Sighting, elapsed: number, limits: ChallengeLimits): boolean {
  const seconds = elapsed / 1000
  const turned = Math.max(
    Math.abs(now.pose.yaw - before.pose.yaw),
    Math.abs(now.pose.pitch - before.pose.pitch),
    Math.abs(remainder(now.pose.roll - before.pose.roll)),
  )
  const moved = Math.hypot(now.middle[0] - before.middle[0], now.middle[1] - before.middle[1]) / before.across
  const grown = Math.abs(Math.log((now.across * now.down) / (before.across * before.down))) / 2
  return (
    turned <= limits.poseNoise + limits.poseRate * seconds &&
    moved <= limits.moveNoise + limits.moveRate * seconds &&
    grown <= limits.growthNoise + limits.growthRate * seconds
  )
}

/** Whether two sightings have the same landmarks to the last digit. */
export function isSame(a: Sighting, b: Sighting): boolean {
  return a.landmarks.every(([x, y], i) => x === b.landmarks[i][0] && y === b.landmarks[i][1])
}

/** An angle between -180 and 180. */
function remainder(degrees: number): number {
  return degrees - 360 * Math.round(degrees / 360)
}
