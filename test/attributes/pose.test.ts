import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mirror } from '../../src/alignment.ts'
import { estimatePose, FACE_TEMPLATE, type FaceTemplate, type HeadPose } from '../../src/attributes/pose.ts'
import { steadyLandmarks } from '../../src/attributes/steady-landmarks.ts'
import { startBackend } from '../../src/backends/index.ts'
import { createMtcnn, type Detector, type Face, type Mtcnn } from '../../src/detect/index.ts'
import { decode, type Picture, warpSimilarity } from '../../src/image/index.ts'
import type { FivePoints } from '../../src/models/manifest.ts'
import { developmentData, samplePhoto, testBackend } from '../data.ts'
import { random } from '../random.ts'
import { mirrored, project } from './heads.ts'

/** Pictures of LFW that are looked at; `POSE_PICTURES=220` takes minutes and prints the figures of the guide. */
const count = Number(process.env.POSE_PICTURES ?? 12)

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

  it('is within its ranges, or refused, for any five points', () => {
    const { float } = random(4)
    let refused = 0
    for (let n = 0; n < 2000; n++) {
      const points = Array.from({ length: 5 }, () => [float(-50, 50), float(-50, 50)]) as unknown as FivePoints
      try {
        const { yaw, pitch, roll } = estimatePose(points)
        expect(Math.abs(yaw)).toBeLessThanOrEqual(90)
        expect(Math.abs(pitch)).toBeLessThanOrEqual(180)
        expect(Math.abs(roll)).toBeLessThanOrEqual(180)
      } catch (error) {
        expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' })
        refused++
      }
    }
    expect(refused).toBeLessThan(20)
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

/** Real photographs, detected anew after they were mirrored or turned. */
describe('the pose of real faces', () => {
  let detector: Mtcnn
  const pictures: { picture: Picture; face: Face; steady: HeadPose }[] = []

  beforeAll(async () => {
    detector = await createMtcnn({ backend: await startBackend({ prefer: testBackend }), minFaceSize: 40 })
    const folder = developmentData && join(developmentData, 'data', 'lfw-dev')
    const csv = folder ? readFileSync(join(folder, 'pairs-train.csv'), 'utf8') : ''
    const rows = csv.trim().split('\n').slice(1)
    const paths = [...new Set(rows.map(row => row.split(',')[0]))].slice(0, count)
    const files = [...([1, 2, 3, 4, 5, 6] as const).map(samplePhoto), ...paths.map(path => join(folder!, path))]
    for (const file of files) {
      const picture = await decode(file)
      // The face alone with its surroundings, so that large photos cost no more than small ones.
      for (const face of await detector.detect(picture, { minFaceSize: 60 })) {
        if (face.score < 0.95) continue
        const side = 2 * Math.round(1.2 * face.box.width)
        const middle = [face.box.x + face.box.width / 2, face.box.y + face.box.height / 2] as const
        const crop = turned(picture, middle, side, 0)
        const found = nearest(await detector.detect(crop), side)
        if (!found) continue
        const steady = estimatePose(await steadyLandmarks(crop, found.landmarks!, locate))
        pictures.push({ picture: crop, face: found, steady })
      }
    }
  })
  afterAll(() => detector.dispose())

  it('has the opposite yaw in the mirrored picture', async () => {
    const plain: number[] = []
    const steady: number[] = []
    for (const { picture, face, steady: before } of pictures) {
      const data = new Uint8Array(mirror(Float32Array.from(picture.data), picture))
      const other = { ...picture, data }
      const found = nearest(await detector.detect(other), picture.width)
      if (!found) continue
      plain.push(Math.abs(estimatePose(face.landmarks!).yaw + estimatePose(found.landmarks!).yaw))
      const again = estimatePose(await steadyLandmarks(other, found.landmarks!, locate))
      steady.push(Math.abs(before.yaw + again.yaw))
    }
    console.info(`mirrored yaw, MTCNN: ${summary(plain)}\nmirrored yaw, steady landmarks: ${summary(steady)}`)
    expect(plain.length).toBeGreaterThanOrEqual(15)
    expect(share(plain)).toBeGreaterThanOrEqual(0.5)
    expect(share(steady)).toBeGreaterThan(0.85)
    expect(quantile(steady, 0.5)).toBeLessThan(1.2)
  })

  it.each([-30, -20, -10, 10, 20, 30])('follows a picture turned by %i degrees with its roll', async degrees => {
    const plain: number[] = []
    const steady: number[] = []
    for (const { picture, face, steady: before } of pictures.filter((_, i) => i % 4 === 0)) {
      const side = picture.width
      const other = turned(picture, [side / 2, side / 2], side, degrees)
      const found = nearest(await detector.detect(other), side)
      if (!found) continue
      plain.push(Math.abs(estimatePose(found.landmarks!).roll - estimatePose(face.landmarks!).roll - degrees))
      const again = estimatePose(await steadyLandmarks(other, found.landmarks!, locate))
      steady.push(Math.abs(again.roll - before.roll - degrees))
    }
    console.info(`roll ${degrees}, MTCNN: ${summary(plain)}\nroll ${degrees}, steady landmarks: ${summary(steady)}`)
    expect(plain.length).toBeGreaterThanOrEqual(4)
    expect(share(plain)).toBeGreaterThanOrEqual(0.5)
    expect(share(steady)).toBeGreaterThan(0.85)
    expect(quantile(steady, 0.5)).toBeLessThan(1)
  })

  const locate = (crop: Picture): Promise<Face[]> => detector.detect(crop, { minFaceSize: 48 })
})

/** The curves of the annotated recordings; all directions are the picture's. */
describe.skipIf(!developmentData)('the pose in recordings of a turning head', () => {
  let detector: Detector
  beforeAll(async () => {
    detector = await createMtcnn({ backend: await startBackend({ prefer: testBackend }) })
  })
  afterAll(() => detector.dispose())

  async function curve(name: string): Promise<(HeadPose & { frame: number })[]> {
    const folder = join(developmentData!, 'data', 'liveness', 'frames', name)
    const poses: (HeadPose & { frame: number })[] = []
    for (const file of readdirSync(folder).sort()) {
      const [face] = await detector.detect(join(folder, file))
      poses.push({ frame: Number.parseInt(file, 10), ...estimatePose(face.landmarks!) })
    }
    const line = (key: 'yaw' | 'pitch'): string => poses.map(p => `${p.frame}:${p[key].toFixed(0)}`).join(' ')
    console.info(`${name} yaw ${line('yaw')}\n${name} pitch ${line('pitch')}`)
    return poses
  }
  const between = (
    poses: readonly (HeadPose & { frame: number })[],
    from: number,
    to: number,
    key: 'yaw' | 'pitch',
  ) => {
    const values = poses.filter(({ frame }) => frame >= from && frame <= to).map(pose => pose[key])
    return values.reduce((sum, value) => sum + value, 0) / values.length
  }
  const frameOf = (poses: readonly (HeadPose & { frame: number })[], key: 'yaw' | 'pitch', sign: 1 | -1): number =>
    poses.reduce((best, pose) => (sign * pose[key] > sign * best[key] ? pose : best)).frame

  it('follows turn_yaw: to the left of the picture, ahead, to the right', async () => {
    const poses = await curve('turn_yaw')
    expect(Math.abs(between(poses, 478, 484, 'yaw'))).toBeLessThan(3)
    expect(between(poses, 496, 508, 'yaw')).toBeLessThan(-9)
    expect(Math.abs(between(poses, 514, 518, 'yaw'))).toBeLessThan(5)
    expect(between(poses, 524, 536, 'yaw')).toBeGreaterThan(9)
    expect(Math.abs(between(poses, 546, 550, 'yaw'))).toBeLessThan(5)
    // The annotation says 500 to 506, by eye, +-3.
    expect(frameOf(poses, 'yaw', -1)).toBeGreaterThanOrEqual(494)
    expect(frameOf(poses, 'yaw', -1)).toBeLessThanOrEqual(509)
    expect(Math.abs(frameOf(poses, 'yaw', 1) - 530)).toBeLessThanOrEqual(7)
    // Pitch stays: turns and nods are told apart.
    const pitches = poses.map(({ pitch }) => pitch)
    expect(Math.max(...pitches) - Math.min(...pitches)).toBeLessThan(6)
  })

  it('follows turn_yaw2: right, ahead, left, a little right', async () => {
    const poses = await curve('turn_yaw2')
    expect(Math.abs(between(poses, 486, 496, 'yaw'))).toBeLessThan(3)
    expect(between(poses, 502, 520, 'yaw')).toBeGreaterThan(12)
    expect(Math.abs(between(poses, 526, 530, 'yaw'))).toBeLessThan(5)
    expect(between(poses, 538, 548, 'yaw')).toBeLessThan(-6)
    expect(between(poses, 564, 572, 'yaw')).toBeGreaterThan(9)
  })

  it('follows pitch_down_up: down, then up', async () => {
    const poses = await curve('pitch_down_up')
    const ahead = between(poses, 550, 556, 'pitch')
    expect(between(poses, 572, 586, 'pitch') - ahead).toBeLessThan(-8)
    expect(between(poses, 604, 622, 'pitch') - ahead).toBeGreaterThan(8)
    expect(Math.abs(between(poses, 630, 640, 'pitch') - ahead)).toBeLessThan(6)
    expect(frameOf(poses, 'pitch', -1)).toBeGreaterThanOrEqual(568)
    expect(frameOf(poses, 'pitch', -1)).toBeLessThanOrEqual(587)
    expect(frameOf(poses, 'pitch', 1)).toBeGreaterThanOrEqual(602)
    expect(frameOf(poses, 'pitch', 1)).toBeLessThanOrEqual(624)
  })
})

/** A square of the picture about a point, turned clockwise. */
function turned(picture: Picture, [x, y]: readonly [number, number], side: number, degrees: number): Picture {
  const a = Math.cos((degrees * Math.PI) / 180)
  const b = Math.sin((degrees * Math.PI) / 180)
  const out = new Float32Array(side * side * 3)
  const transform = { a, b, tx: side / 2 - a * x + b * y, ty: side / 2 - b * x - a * y }
  warpSimilarity(picture, transform, { width: side, height: side, out, offset: 0, scale: 1, shift: 0 })
  return { data: Uint8Array.from(out, Math.round), width: side, height: side }
}

/** The face that covers the middle of a square picture. */
function nearest(faces: readonly Face[], side: number): Face | undefined {
  const off = ({ box }: Face): number => Math.hypot(box.x + (box.width - side) / 2, box.y + (box.height - side) / 2)
  const [face] = [...faces].sort((a, b) => off(a) - off(b))
  return face && off(face) < side / 8 ? face : undefined
}

const quantile = (values: readonly number[], q: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(q * values.length))]
const share = (values: readonly number[]): number => values.filter(value => value <= 3).length / values.length
const summary = (values: readonly number[]): string =>
  `${values.length} faces, median ${quantile(values, 0.5).toFixed(2)}, 95 % ${quantile(values, 0.95).toFixed(2)}, ` +
  `maximum ${Math.max(...values).toFixed(2)}, within 3 degrees ${(100 * share(values)).toFixed(1)} %`
