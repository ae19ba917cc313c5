import { describe, expect, it } from 'vitest'
import { estimateRelief } from '../../../src/attributes/liveness/relief.ts'
import type { FivePoints } from '../../../src/models/manifest.ts'
import { random } from '../../random.ts'
import { mirrored, project } from '../heads.ts'

const { float } = random(1)

/** The points of a flat picture that is turned before a pinhole camera, by a way of its own: see through a homography. */
function viewed(points: FivePoints, yaw: number, pitch: number, focal: number): FivePoints {
  const [sy, cy] = [Math.sin((yaw * Math.PI) / 180), Math.cos((yaw * Math.PI) / 180)]
  const [sp, cp] = [Math.sin((pitch * Math.PI) / 180), Math.cos((pitch * Math.PI) / 180)]
  return points.map(([x, y]) => {
    const [u, v] = [x - 200, y - 170]
    const depth = focal + sy * u - cy * sp * v
    return [200 + (focal * (cy * u + sy * sp * v)) / depth, 150 + (focal * cp * v) / depth] as const
  }) as unknown as FivePoints
}

describe('relief', () => {
  it('is none in any affine picture of the frontal landmarks', () => {
    for (let n = 0; n < 300; n++) {
      const frontal = project({ yaw: float(-10, 10), pitch: float(-15, 15), roll: float(-20, 20) })
      const [a, b, c, d] = [float(0.4, 2), float(-0.5, 0.5), float(-0.5, 0.5), float(0.4, 2)]
      const [left, top] = [float(-500, 500), float(-500, 500)]
      const seen = frontal.map(([x, y]) => [a * x + b * y + left, c * x + d * y + top]) as unknown as FivePoints
      const { yaw, pitch, foreshortening } = estimateRelief(frontal, seen)
      expect(Math.hypot(yaw, pitch)).toBeLessThan(1e-6)
      // The ratio of the singular values: the square of their product over the sum of squares gives it too.
      const both = foreshortening + 1 / foreshortening
      expect(both).toBeCloseTo((a * a + b * b + c * c + d * d) / Math.abs(a * d - b * c), 6)
    }
  })

  it('is the turn of a head of mean depth, but for a few hundredths', () => {
    const frontal = project({ yaw: 0, pitch: 0, roll: 0 })
    for (let n = 0; n < 300; n++) {
      const pose = { yaw: float(-35, 35), pitch: 0, roll: 0 }
      const turn = estimateRelief(frontal, project(pose, float(20, 90), [float(0, 900), float(0, 900)]))
      // The depths are not quite level: the affine map takes a little of the turn.
      expect(Math.abs(turn.yaw - pose.yaw)).toBeLessThan(0.02 + 0.05 * Math.abs(pose.yaw))
      expect(turn.pitch).toBeCloseTo(0, 6)
      const nod = estimateRelief(frontal, project({ yaw: 0, pitch: pose.yaw, roll: 0 }, float(20, 90)))
      expect(Math.abs(nod.pitch - pose.yaw)).toBeLessThan(0.02 + 0.15 * Math.abs(pose.yaw))
      expect(nod.yaw).toBeCloseTo(0, 6)
    }
  })

  it('is near the turn for people who do not look quite ahead, and is mirrored with the picture', () => {
    for (let n = 0; n < 300; n++) {
      const own = { yaw: float(-8, 8), pitch: float(-15, 15), roll: float(-8, 8) }
      const turn = float(-25, 25)
      const frontal = project(own)
      const seen = project({ ...own, yaw: own.yaw + turn })
      const relief = estimateRelief(frontal, seen)
      expect(Math.abs(relief.yaw - turn)).toBeLessThan(4)
      const other = estimateRelief(mirrored(frontal, 400), mirrored(seen, 400))
      expect(other.yaw).toBeCloseTo(-relief.yaw, 6)
      expect(other.pitch).toBeCloseTo(relief.pitch, 6)
    }
  })

  it('is small in a flat picture that is tilted before a near camera, and foreshortening is large', () => {
    const frontal = project({ yaw: 0, pitch: 0, roll: 0 })
    for (const [yaw, pitch] of [
      [15, 0],
      [30, 0],
      [45, 0],
      [-45, 0],
      [0, 30],
      [0, -45],
      [30, 30],
    ]) {
      const relief = estimateRelief(frontal, viewed(frontal, yaw, pitch, 420))
      // Half of what counts as a turn; with the noise of a detector it is more: the recordings tell.
      expect(Math.hypot(relief.yaw, relief.pitch)).toBeLessThan(4.5)
      const tilt = Math.acos(Math.cos((yaw * Math.PI) / 180) * Math.cos((pitch * Math.PI) / 180))
      expect(Math.abs(relief.foreshortening - Math.cos(tilt))).toBeLessThan(0.07)
    }
  })

  it('refuses what is no face', () => {
    const good = project({ yaw: 0, pitch: 0, roll: 0 })
    const refused = expect.objectContaining({ name: 'FacewiseError', code: 'INVALID_ARGUMENT' })
    const line = good.map((_, i) => [i, 2 * i]) as unknown as FivePoints
    const hole = good.map(([x], i) => [x, i === 3 ? Number.NaN : 1]) as unknown as FivePoints
    for (const bad of [line, hole, [] as unknown as FivePoints]) {
      expect(() => estimateRelief(bad, good)).toThrow(refused)
      expect(() => estimateRelief(good, bad)).toThrow(refused)
    }
  })
})
