import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { estimatePose, type HeadPose } from '../../src/attributes/pose.ts'
import { createSmoother } from '../../src/attributes/smoothing.ts'
import { startBackend } from '../../src/backends/index.ts'
import { createMtcnn, type Face } from '../../src/detect/index.ts'
import { developmentData } from '../data.ts'
import { random } from '../random.ts'

type Gender = { readonly label: 'female' | 'male'; readonly score: number }

const refused = expect.objectContaining({ code: 'INVALID_ARGUMENT' })

describe('a number', () => {
  it('that does not change stays what it is, to the last bits', () => {
    const { float } = random(1)
    const smoother = createSmoother<number>()
    for (let i = 0, time = 0; i < 500; i++, time += float(1, 300)) {
      expect(smoother.update('a', time, 31.7)).toBeCloseTo(31.7, 12)
    }
  })

  it.each([5, 12.5, 25, 30, 60])(
    'goes 63, 86 and 95 percent of a jump in one, two and three time constants at %d frames a second',
    fps => {
      const timeConstant = 800
      const smoother = createSmoother<number>({ timeConstant })
      // The jump lies between two frames, and the reading after it stands for the time since the one before.
      let time = 0
      for (let i = 0; i < 20 * fps; i++, time += 1000 / fps) smoother.update(1, time, 0)
      const start = time - 1000 / fps
      for (const constants of [1, 2, 3]) {
        let value = 0
        for (; time <= start + constants * timeConstant + 1e-6; time += 1000 / fps) value = smoother.update(1, time, 1)
        const passed = time - 1000 / fps - start
        expect(value).toBeCloseTo(1 - Math.exp(-passed / timeConstant), 5)
        // A frame may fall short of the time by up to its own length.
        expect(passed).toBeGreaterThan(constants * timeConstant - 1000 / fps)
      }
    },
  )

  it('is the same whether frames are left out or not, where the readings do not change between', () => {
    const all = createSmoother<number>()
    const some = createSmoother<number>()
    const reading = (time: number): number => (time <= 4000 ? 0 : 10)
    for (let time = 0; time <= 4000; time += 20) all.update(1, time, reading(time))
    for (let time = 0; time <= 4000; time += 40) some.update(1, time, reading(time))
    let last = 0
    for (let time = 4020; time <= 5000; time += 20) last = all.update(1, time, reading(time))
    let less = 0
    for (const time of [4100, 4160, 4400, 5000]) less = some.update(1, time, reading(time))
    expect(less).toBeCloseTo(last, 2)
  })

  it('counts wholly at first, and is averaged then', () => {
    const smoother = createSmoother<number>({ timeConstant: 1e9 })
    expect(smoother.update(1, 0, 30)).toBe(30)
    expect(smoother.update(1, 40, 40)).toBeCloseTo(35, 6)
    expect(smoother.update(1, 80, 50)).toBeCloseTo(40, 6)
    expect(smoother.update(1, 120, 20)).toBeCloseTo(35, 6)
  })

  it('lies between the least and the largest reading, and flickers less', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const { float } = random(seed)
      const smoother = createSmoother<number>({ timeConstant: float(50, 3000) })
      const readings: number[] = []
      const smoothed: number[] = []
      for (let i = 0, time = 0; i < 200; i++, time += float(1, 100)) {
        readings.push(float(-5, 5))
        smoothed.push(smoother.update(1, time, readings[i]))
        expect(smoothed[i]).toBeGreaterThanOrEqual(Math.min(...readings) - 1e-12)
        expect(smoothed[i]).toBeLessThanOrEqual(Math.max(...readings) + 1e-12)
      }
      expect(flicker(smoothed)).toBeLessThan(flicker(readings))
    }
  })
})

describe('values of several fields', () => {
  it('keep their shape, their labels and the sum of their scores', () => {
    const { float } = random(3)
    const smoother = createSmoother<{
      age: number
      emotion: { happy: number; sad: number; neutral: number }
      landmarks: readonly (readonly [number, number])[]
      gender: Gender
    }>()
    for (let time = 0; time < 4000; time += 40) {
      const [a, b, c] = [float(), float(), float()]
      const emotion = { happy: a / (a + b + c), sad: b / (a + b + c), neutral: c / (a + b + c) }
      const value = smoother.update('x', time, {
        age: float(20, 40),
        emotion,
        landmarks: [
          [float(), float()],
          [float(), float()],
        ],
        gender: { label: 'female', score: 0.9 },
      })
      expect(Object.keys(value)).toEqual(['age', 'emotion', 'landmarks', 'gender'])
      expect(value.emotion.happy + value.emotion.sad + value.emotion.neutral).toBeCloseTo(1, 12)
      expect(value.landmarks.map(point => point.length)).toEqual([2, 2])
      expect(Array.isArray(value.landmarks[0])).toBe(true)
      expect(value.gender.label).toBe('female')
      expect(value.gender.score).toBeCloseTo(0.9, 12)
    }
  })

  it('may miss in a frame, and keep their past', () => {
    const smoother = createSmoother<{ box: number; age?: number }>({ timeConstant: 1000 })
    smoother.update(1, 0, { box: 1, age: 30 })
    expect(smoother.update(1, 40, { box: 1 })).toEqual({ box: 1 })
    expect(smoother.update(1, 80, { box: 1, age: undefined })).toEqual({ box: 1 })
    // The first reading is 120 ms old.
    const kept = Math.exp(-0.12)
    expect(smoother.update(1, 120, { box: 1, age: 40 }).age).toBeCloseTo((30 * kept + 40) / (kept + 1), 12)
  })

  it('are not changed where they were given', () => {
    const smoother = createSmoother<{ pose: HeadPose }>()
    const value = Object.freeze({ pose: Object.freeze({ yaw: 1, pitch: 2, roll: 3 }) })
    expect(smoother.update(1, 0, value)).toEqual(value)
    smoother.update(1, 10, { pose: { yaw: 5, pitch: 5, roll: 5 } })
    expect(value.pose.yaw).toBe(1)
  })

  it('that are angles go the short way round', () => {
    const smoother = createSmoother<HeadPose>({ timeConstant: 1e9 })
    smoother.update(1, 0, { yaw: 0, pitch: 0, roll: 175 })
    const { roll } = smoother.update(1, 40, { yaw: 0, pitch: 0, roll: -175 })
    expect(Math.abs(roll)).toBeCloseTo(180, 6)
    const other = createSmoother<{ heading: number; roll: number }>({ timeConstant: 1e9, angles: ['heading'] })
    other.update(1, 0, { heading: -170, roll: -170 })
    const value = other.update(1, 40, { heading: 150, roll: 150 })
    expect(value.heading).toBeCloseTo(170, 4)
    expect(value.roll).toBeCloseTo(-10, 4)
  })
})

describe('a label', () => {
  const reading = (female: number): Gender =>
    female >= 0.5 ? { label: 'female', score: female } : { label: 'male', score: 1 - female }

  it('does not flicker where the probability goes about 0.5', () => {
    const { float } = random(5)
    const smoother = createSmoother<{ gender: Gender }>()
    const raw = new Set<string>()
    const shown = new Set<string>()
    for (let time = 0; time < 20_000; time += 40) {
      const gender = reading(0.5 + float(-0.3, 0.3))
      raw.add(gender.label)
      shown.add(smoother.update(1, time, { gender }).gender.label)
    }
    expect(raw.size).toBe(2)
    expect(shown.size).toBe(1)
  })

  it('changes once where the readings do, late, and tells its own probability', () => {
    const smoother = createSmoother<Gender>({ timeConstant: 500, hysteresis: 0.2 })
    for (let time = 0; time <= 8000; time += 40) smoother.update(1, time, reading(0.9))
    const labels: string[] = []
    for (let time = 8040; time <= 16_000; time += 40) {
      const { label, score } = smoother.update(1, time, reading(0.1))
      labels.push(label)
      // Female falls from 0.9 to 0.1; male is the rest.
      const female = 0.1 + 0.8 * Math.exp(-(time - 8000) / 500)
      expect(score).toBeCloseTo(label === 'female' ? female : 1 - female, 4)
    }
    const flips = labels.filter((label, i) => i > 0 && label !== labels[i - 1]).length
    expect(flips).toBe(1)
    // A lead of 0.2 is a probability of 0.6 for the new one: after 500 ln(0.8 / 0.3) = 490 ms.
    expect(labels.indexOf('male')).toBe(Math.ceil(490.4 / 40) - 1)
    expect(labels.at(-1)).toBe('male')
  })

  it('of several, with the scores of all', () => {
    type Mood = { readonly label: string; readonly scores: Readonly<Record<'happy' | 'sad' | 'neutral', number>> }
    const smoother = createSmoother<Mood>({ timeConstant: 300 })
    smoother.update(1, 0, { label: 'happy', scores: { happy: 0.8, sad: 0.1, neutral: 0.1 } })
    const soon = smoother.update(1, 40, { label: 'sad', scores: { happy: 0.2, sad: 0.7, neutral: 0.1 } })
    expect(soon.label).toBe('happy')
    expect(soon.scores).toEqual({ happy: expect.closeTo(0.5, 1), sad: expect.closeTo(0.4, 1), neutral: 0.1 })
    let last = soon
    for (let time = 80; time < 2000; time += 40) {
      last = smoother.update(1, time, { label: 'sad', scores: { happy: 0.2, sad: 0.7, neutral: 0.1 } })
    }
    expect(last.label).toBe('sad')
    expect(Object.values(last.scores).reduce((sum, score) => sum + score, 0)).toBeCloseTo(1, 12)
  })

  it('of several, with the score of one at a time, has probabilities that sum to 1 at most', () => {
    const { pick, float } = random(8)
    const smoother = createSmoother<{ label: string; score: number }>()
    for (let time = 0; time < 4000; time += 40) {
      const { score } = smoother.update(1, time, { label: pick(['a', 'b', 'c']), score: float(0.4, 1) })
      expect(score).toBeGreaterThanOrEqual(0)
      expect(score).toBeLessThanOrEqual(1)
    }
  })
})

describe('tracks', () => {
  it('do not touch each other, and are forgotten when told or when long not seen', () => {
    const smoother = createSmoother<number>({ forgetAfter: 1000 })
    smoother.update('a', 0, 10)
    smoother.update('b', 0, 20)
    expect(smoother.update('b', 40, 20)).toBe(20)
    expect(smoother.tracks).toBe(2)
    smoother.forget('a')
    expect(smoother.update('a', 40, 90)).toBe(90)
    // 'a' and 'b' were last seen 1,460 ms ago.
    smoother.update('c', 1500, 5)
    expect(smoother.tracks).toBe(1)
    expect(smoother.update('b', 1501, 70)).toBe(70)
    smoother.clear()
    expect(smoother.tracks).toBe(0)
    expect(smoother.update('c', 0, 1)).toBe(1)
  })

  it('refuse times that go back, and take in nothing then', () => {
    const smoother = createSmoother<number>({ timeConstant: 1e9 })
    smoother.update(7, 1000, 10)
    expect(() => smoother.update(7, 999, 50)).toThrow(refused)
    expect(() => smoother.update(7, Number.NaN, 50)).toThrow(refused)
    // Another track has its own clock; a second value of one time changes nothing.
    smoother.update(8, 500, 1)
    expect(smoother.update(7, 1000, 50)).toBe(10)
    expect(smoother.update(7, 1040, 20)).toBeCloseTo(15, 6)
  })

  it('refuse what cannot be smoothed, and are as they were then', () => {
    const smoother = createSmoother<{ a: number; b: unknown }>({ timeConstant: 1e9 })
    const update = smoother.update as (track: number, time: number, value: unknown) => { a: number }
    update(1, 0, { a: 10, b: [1, 2] })
    for (const b of [
      Number.NaN,
      Number.POSITIVE_INFINITY,
      'text',
      null,
      true,
      [1],
      [1, undefined],
      { label: 'x' },
      { label: 'x', score: 1.5 },
      { label: 3, score: 0.5 },
      { label: 'x', scores: {} },
    ]) {
      expect(() => update(1, 40, { a: 1000, b })).toThrow(refused)
    }
    expect(update(1, 40, { a: 20, b: [1, 2] }).a).toBeCloseTo(15, 6)
  })

  it.each([
    { timeConstant: 0 },
    { timeConstant: Number.NaN },
    { hysteresis: -0.1 },
    { hysteresis: 2 },
    { forgetAfter: 0 },
  ])('refuse the options %o', options => {
    expect(() => createSmoother(options)).toThrow(refused)
  })
})

describe.skipIf(!developmentData)('on real frames', () => {
  it.each([
    ['steady', 80],
    ['talk_open_mouth', 40],
  ])('of %s the head flickers less', async (sequence, most) => {
    const folder = join(developmentData as string, 'data', 'liveness', 'frames', sequence)
    const frames = readdirSync(folder).sort().slice(0, 16)
    const backend = await startBackend({ prefer: 'wasm' })
    const detector = await createMtcnn({ backend, minFaceSize: 80 })
    const smoother = createSmoother<HeadPose>()
    const before: HeadPose[] = []
    const after: HeadPose[] = []
    for (const frame of frames) {
      const [face] = (await detector.detect(join(folder, frame))) as [Face]
      const pose = estimatePose(face.landmarks as NonNullable<Face['landmarks']>)
      before.push(pose)
      after.push(smoother.update(1, (1000 * Number.parseInt(frame, 10)) / 25, pose))
    }
    detector.dispose()
    for (const angle of ['yaw', 'pitch', 'roll'] as const) {
      const of = (poses: readonly HeadPose[]): number => flicker(poses.map(pose => pose[angle]))
      expect(of(after)).toBeLessThan((of(before) * most) / 100)
    }
  })
})

/** Standard deviation of the steps from frame to frame. */
function flicker(values: readonly number[]): number {
  const steps = values.slice(1).map((value, i) => value - values[i])
  const mean = steps.reduce((sum, step) => sum + step, 0) / steps.length
  return Math.sqrt(steps.reduce((sum, step) => sum + (step - mean) ** 2, 0) / steps.length)
}
