import { describe, expect, it } from 'vitest'
import { estimatePose, FACE_TEMPLATE, type FaceTemplate, type HeadPose } from '../../src/attributes/pose.ts'
import type { FivePoints } from '../../src/models/manifest.ts'
import { random } from '../random.ts'
import { mirrored, project } from './heads.ts'

describe('the pose of five points', () => {
  it('is that by which the template was turned', () => {
    const { float } = random(1)
    for (let n = 0; n < 500; n++) {
      const pose = { yaw: float(-60, 60), pitch: float(-45, 45), roll: float(-179, 179) }
      const found = estimatePose(project(pose, float(5, 500), [float(-50, 2000), float(-50, 2000)]))
      expect(found.yaw).toBeCloseTo(pose.yaw, 6)
      expect(found.pitch).toBeCloseTo(pose.pitch, 6)
      expect(found.roll).toBeCloseTo(pose.roll, 6)
    }
  })

  it('has the directions that are written', () => {
    const frontal = project({ yaw: 0, pitch: 0, roll: 0 })
    const moved = (point: number, dx: number, dy: number): FivePoints =>
      frontal.map(([x, y], i) => (i === point ? [x + dx, y + dy] : [x, y])) as unknown as FivePoints
    expect(estimatePose(moved(2, 5, 0)).yaw).toBeGreaterThan(3)
    expect(estimatePose(moved(2, 0, -5)).pitch).toBeGreaterThan(3)
    expect(estimatePose(moved(1, 0, 5)).roll).toBeGreaterThan(2)
  })

  it('is mirrored where the points are, to the ninth digit, for any five points', () => {
    const { float } = random(2)
    for (let n = 0; n < 1000; n++) {
      const pose = { yaw: float(-50, 50), pitch: float(-40, 40), roll: float(-90, 90) }
      // Noise of a tenth of the distance between the eyes: worse than a detector's.
      const points = project(pose).map(([x, y]) => [x + float(-4, 4), y + float(-4, 4)]) as unknown as FivePoints
      const one = estimatePose(points)
      const other = estimatePose(mirrored(points, 400))
      expect(Math.abs(one.yaw + other.yaw)).toBeLessThan(1e-9)
      expect(Math.abs(one.pitch - other.pitch)).toBeLessThan(1e-9)
      expect(Math.abs(one.roll + other.roll)).toBeLessThan(1e-9)
    }
  })

  it('is the least-squares fit: no pose nearby lies nearer to noisy points', () => {
    const { float } = random(3)
    const error = (pose: HeadPose, seen: FivePoints): number => {
      // The size and the place that suit a pose best, in closed form.
      const shape = project(pose, 1, [0, 0])
      const mean = (points: FivePoints, k: 0 | 1): number => points.reduce((sum, point) => sum + point[k], 0) / 5
      let [dot, own, all] = [0, 0, 0]
      for (let i = 0; i < 5; i++) {
        for (const k of [0, 1] as const) {
          const from = shape[i][k] - mean(shape, k)
          const to = seen[i][k] - mean(seen, k)
          dot += from * to
          own += from * from
          all += to * to
        }
      }
      return all - (dot * dot) / own
    }
    for (let n = 0; n < 200; n++) {
      const pose = { yaw: float(-40, 40), pitch: float(-30, 30), roll: float(-40, 40) }
      const seen = project(pose).map(([x, y]) => [x + float(-3, 3), y + float(-3, 3)]) as unknown as FivePoints
      const found = estimatePose(seen)
      const least = error(found, seen)
      for (let k = 0; k < 20; k++) {
        const near = {
          yaw: found.yaw + float(-5, 5),
          pitch: found.pitch + float(-5, 5),
          roll: found.roll + float(-5, 5),
        }
        expect(error(near, seen)).toBeGreaterThanOrEqual(least - 1e-9)
      }
    }
  })

  it('fits another face where it is given', () => {
    const long: FaceTemplate = [
      [-0.5, 0, 0],
      [0.5, 0, 0],
      [0, 0.7, -0.9],
      [-0.4, 1.3, -0.2],
      [0.4, 1.3, -0.2],
    ]
    const points = project({ yaw: 20, pitch: -10, roll: 5 }, 30, [0, 0], long)
    expect(estimatePose(points, { template: long }).yaw).toBeCloseTo(20, 6)
    expect(estimatePose(points).yaw).not.toBeCloseTo(20, 0)
  })

  it('refuses what is no face', () => {
    const good = project({ yaw: 0, pitch: 0, roll: 0 })
    const refused = { name: 'FacewiseError', code: 'INVALID_ARGUMENT' }
    const attempt = (points: unknown, options?: unknown) => () =>
      estimatePose(points as FivePoints, options as undefined)
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, undefined]) {
      expect(attempt([[bad, 1], ...good.slice(1)])).toThrow(expect.objectContaining(refused))
    }
    expect(attempt(undefined)).toThrow(expect.objectContaining(refused))
    expect(attempt(good.slice(1))).toThrow(expect.objectContaining(refused))
    expect(attempt(good.map(() => [7, 7]))).toThrow(/coincide/)
    expect(attempt(good.map((_, i) => [i * i, 3 - 2 * i * i]))).toThrow(/line/)
    const flat = FACE_TEMPLATE.map(([x, y]) => [x, y, 0])
    expect(attempt(good, { template: flat })).toThrow(/plane/)
    expect(attempt(good, { template: [] })).toThrow(expect.objectContaining(refused))
  })
})
