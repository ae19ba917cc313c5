/** The watch on made heads: five points in space, turned and projected, with noise. Real faces are in `recordings.test.ts`. */
import { describe, expect, it } from 'vitest'
import { CHALLENGE_ACTIONS, type ChallengeAction, isPoseAction } from '../../../src/attributes/liveness/challenge.ts'
import { CHALLENGE_SENTENCES } from '../../../src/attributes/liveness/hints.ts'
import { CHALLENGE_LIMITS, type ChallengeLimits } from '../../../src/attributes/liveness/limits.ts'
import { type WatchOptions, watchChallenge } from '../../../src/attributes/liveness/watch.ts'
import { estimatePose } from '../../../src/attributes/pose.ts'
import type { FivePoints } from '../../../src/models/manifest.ts'
import { random } from '../../random.ts'
import { project } from '../heads.ts'
import { act, frameOf, frameWith, noisy } from './actor.ts'
import { judge, type Recorded, reversed } from './recordings.ts'

const options: WatchOptions = { identity: { threshold: 0.2 } }
const refused = expect.objectContaining({ name: 'FacewiseError', code: 'INVALID_ARGUMENT' })

/** All sequences of some length without the same action twice in a row. */
function sequences(length: number, actions = CHALLENGE_ACTIONS): ChallengeAction[][] {
  if (length === 0) return [[]]
  return sequences(length - 1, actions).flatMap(begun =>
    actions.filter(action => action !== begun.at(-1)).map(action => [...begun, action]),
  )
}

describe('a made head that does what is asked', () => {
  it('passes every sequence of three actions, from 5 to 30 frames a second', () => {
    const all = sequences(3)
    const results = all.map((steps, i) =>
      judge(act(steps, { seed: i, fps: [5, 10, 15, 25, 30][i % 5] }), steps, options),
    )
    expect(all).toHaveLength(150)
    const failed = results.flatMap(({ status, reason }, i) => (status === 'passed' ? [] : [`${all[i]}: ${reason}`]))
    expect(failed).toEqual([])
  })

  it('passes in mirrored pictures that are said to be mirrored, and in those alone', () => {
    const steps: ChallengeAction[] = ['turn-left', 'look-up', 'turn-right']
    const recorded = act(steps, { seed: 1, fps: 20, mirrored: true })
    expect(judge(recorded, steps, { ...options, mirrored: true }).status).toBe('passed')
    expect(judge(recorded, steps, options).reason).toBe('wrong-action')
  })

  it('is told what to do at each moment', () => {
    const steps: ChallengeAction[] = ['turn-left', 'smile']
    const challenge = { id: 'a1', steps, issuedAt: 0, expiresAt: 60_000, stepLimit: 8000 }
    const watch = watchChallenge(challenge, options)
    expect(watch.challenge).toEqual(challenge)
    expect(watch.state).toMatchObject({ status: 'waiting', step: 0, hint: { code: 'look-ahead' } })
    const hints: string[] = []
    for (const frame of act(steps, { seed: 4, fps: 25 })) {
      const { status, hint } = watch.add({ ...frame, challengeId: 'a1' })
      expect(hint.text).toBe(CHALLENGE_SENTENCES[hint.code])
      if (hints.at(-1) !== `${status} ${hint.code}`) hints.push(`${status} ${hint.code}`)
    }
    expect(hints.filter(hint => !hint.endsWith('not-in-depth'))).toEqual([
      'waiting hold-still',
      'running turn-left',
      'running hold-still',
      'running look-ahead',
      'running smile',
      'running hold-still',
      'running look-ahead',
      'passed done',
    ])
    // What has passed stays so.
    expect(watch.add({ ...frameWith(project({ yaw: 0, pitch: 0, roll: 0 }), 1), challengeId: 'other' }).status).toBe(
      'passed',
    )
    expect(watch.end().status).toBe('passed')
  })

  it('may be lost by the detector for a moment, and be found wrongly once', () => {
    const steps: ChallengeAction[] = ['turn-right', 'look-down', 'come-closer']
    const recorded = act(steps, { seed: 3, fps: 25 }).map((frame, i) => {
      if (i % 11 === 10) return { ...frame, faces: [] }
      if (i % 17 !== 16) return frame
      return { ...frameWith(project({ yaw: 30, pitch: 0, roll: 40 }, 90, [100, 100]), frame.time) }
    })
    expect(judge(recorded, steps, options)).toMatchObject({ status: 'passed' })
  })
})

describe('a replay', () => {
  it('of a passed run passes the challenges with the same steps, and no others', () => {
    const all = sequences(3)
    let passed = 0
    let tried = 0
    for (let n = 0; n < all.length; n += 15) {
      const recorded = act(all[n], { seed: n, fps: 12 })
      for (const steps of all) {
        const { status } = judge(recorded, steps, options)
        tried++
        if (status === 'passed') passed++
        expect(status === 'passed', `${all[n]} as ${steps}`).toBe(steps === all[n])
      }
    }
    expect([passed, tried]).toEqual([10, 1500])
  })

  it('in reversed order passes where the steps are the same backwards, and nowhere else', () => {
    const pairs = sequences(2, ['turn-left', 'turn-right', 'look-up', 'look-down', 'come-closer'])
    for (const steps of pairs) {
      const backwards = reversed(act(steps, { seed: 7, fps: 15 }))
      expect(judge(backwards, steps, options)).toMatchObject({ status: 'failed', reason: 'wrong-action' })
      expect(judge(backwards, [...steps].reverse(), options).status).toBe('passed')
    }
  })

  it('of frames for another challenge, from before it or after it, is refused', () => {
    const steps: ChallengeAction[] = ['turn-left']
    const recorded = act(steps, { seed: 1, fps: 20 })
    expect(judge(recorded, steps, options).status).toBe('passed')
    expect(judge(recorded, steps, options, { id: 'b2' }).reason).toBe('other-challenge')
    const issuedAt = 1_700_000_000_000
    expect(judge(recorded, steps, options, { issuedAt: issuedAt + 1500 }).reason).toBe('too-early')
    expect(judge(recorded, steps, options, { expiresAt: issuedAt + 1500 }).reason).toBe('expired')
    expect(judge(recorded, steps, options, { stepLimit: 500 }).reason).toBe('step-timeout')
  })
})

describe('what is no living head', () => {
  const still = project({ yaw: 1, pitch: 3, roll: 2 }, 50, [320, 240])
  /** What a run would pass as the only step: what passes several has passed the first alone before. */
  const passing = (recorded: readonly Recorded[]): ChallengeAction[] =>
    CHALLENGE_ACTIONS.filter(action => judge(recorded, [action], options).status === 'passed')

  it('does not pass as a still picture with the noise of a camera', () => {
    for (let seed = 0; seed < 5; seed++) {
      const draw = random(seed)
      const recorded = Array.from({ length: 250 }, (_, i) => frameWith(noisy(still, 50 * 0.015, draw), i * 33))
      expect(passing(recorded)).toEqual([])
    }
  })

  it('fails as frozen where the landmarks are always the same', () => {
    const recorded = Array.from({ length: 100 }, (_, i) => frameWith(still, i * 33))
    expect(judge(recorded, ['turn-left'], options).reason).toBe('frozen')
  })

  /** Flat pictures that a hand swings, up to 65 degrees about one or both axes. */
  const swung = Array.from({ length: 40 }, (_, seed) => {
    const draw = random(seed)
    const [yawMost, pitchMost, slow] = [draw.float(-65, 65), draw.float(-65, 65), draw.float(300, 700)]
    return Array.from({ length: 200 }, (_, i) => {
      const time = i * 40
      const swing = time < 600 ? 0 : Math.sin((time - 600) / slow)
      const points = tilt(still, yawMost * swing, pitchMost * swing * (seed % 3 === 0 ? 0 : 1), 700)
      return frameWith(noisy(points, 50 * 0.01, draw), time)
    })
  })
  /** Coming closer shows no depth: a picture can do it, which is why half of the steps are turns and looks. */
  const passedBy = (limits: Partial<ChallengeLimits>): string[] =>
    swung.flatMap((recorded, n) =>
      CHALLENGE_ACTIONS.filter(isPoseAction).flatMap(action => {
        const { status } = judge(recorded, [action], { ...options, limits })
        return status === 'passed' ? [`${n}: ${action}`] : []
      }),
    )

  it('does not pass as a flat picture that is turned, tilted and moved', () => {
    expect(passedBy({})).toEqual([])
  })

  it('does not pass for its want of depth alone, where tilted pictures are not looked for', () => {
    expect(passedBy({ flat: 89, tilt: 89 })).toEqual([])
    // So it is depth that decides: without it the apparent pose would do.
    expect(passedBy({ flat: 89, tilt: 89, turnRelief: 1e-9, lookRelief: 1e-9 }).length).toBeGreaterThan(0)
  })

  it('fails as flat where a picture is tilted far', () => {
    const draw = random(5)
    const recorded = Array.from({ length: 100 }, (_, i) => {
      const angle = i < 20 ? 0 : Math.min(60, (i - 20) * 2)
      return frameWith(noisy(tilt(still, angle, 0, 700), 0.3, draw), i * 40)
    })
    expect(judge(recorded, ['turn-left'], options).reason).toBe('flat')
  })
})

describe('the same person', () => {
  const steps: ChallengeAction[] = ['turn-left', 'look-up', 'turn-right']
  const recorded = act(steps, { seed: 2, fps: 25 })
  /** How many frames it takes until the run has passed. */
  const framesToPass = (): number => {
    const watch = watchChallenge({ id: 'a1', steps, issuedAt: 0, expiresAt: 60_000, stepLimit: 8000 }, options)
    return 1 + recorded.findIndex(frame => watch.add({ ...frame, challengeId: 'a1' }).status === 'passed')
  }

  it('is needed throughout: a swap half-way fails, in any frame', () => {
    // Up to the last look ahead, after which the run has passed.
    const needed = framesToPass()
    expect(needed).toBeGreaterThan(100)
    for (let from = 20; from < needed - 2; from += 7) {
      const swapped = recorded.map((frame, i) =>
        i < from ? frame : { ...frame, embedding: Float32Array.from({ length: 8 }, (_, k) => (k === 3 ? 1 : 0)) },
      )
      expect(judge(swapped, steps, options)).toMatchObject({ status: 'failed', reason: 'other-person' })
      expect(judge(swapped, steps, { identity: 'unchecked' }).status).toBe('passed')
    }
  })

  it('is not known without embeddings, unless that is wanted', () => {
    const without = recorded.map(({ embedding: _, ...frame }) => frame)
    expect(judge(without, steps, options).reason).toBe('incomplete')
    expect(judge(without, steps, { identity: 'unchecked' }).status).toBe('passed')
    const few = recorded.map((frame, i) => (i % 20 === 0 ? frame : { ...frame, embedding: undefined }))
    expect(judge(few, steps, options).status).toBe('passed')
    const once = recorded.map((frame, i) => (i < 10 ? frame : { ...frame, embedding: undefined }))
    expect(judge(once, steps, options).status).toBe('failed')
    expect(judge(once, steps, { identity: { threshold: 0.2, every: 60_000 } }).status).toBe('passed')
  })

  it('must be known both while an action is done and when the person looks ahead after it', () => {
    const run = act(['turn-left'], { seed: 6, fps: 25 })
    const known: WatchOptions = { identity: { threshold: 0.2, every: 100 } }
    expect(judge(run, ['turn-left'], known).status).toBe('passed')
    // When the head begins to come back, and when the run has passed.
    const challenge = { id: 'a1', steps: ['turn-left'] as const, issuedAt: 0, expiresAt: 60_000, stepLimit: 8000 }
    const watch = watchChallenge(challenge, known)
    const hints = run.map(frame => watch.add({ ...frame, challengeId: 'a1' }).hint.code)
    const held = hints.indexOf('hold-still', hints.indexOf('turn-left'))
    const back = hints.indexOf('look-ahead', held)
    const done = hints.indexOf('done')
    expect([held, back, done].every((at, i, all) => at > (all[i - 1] ?? 0))).toBe(true)
    const without = (from: number, to: number): Recorded[] =>
      run.map((frame, i) => (i >= from && i < to ? { ...frame, embedding: undefined } : frame))
    // As long as the head is turned far enough to count.
    const turned = run.findLastIndex(({ faces: [{ landmarks }] }) => estimatePose(landmarks!).yaw > 8)
    expect(turned).toBeGreaterThan(back)
    expect(judge(without(held - 4, turned), ['turn-left'], known).reason).toBe('incomplete')
    expect(judge(without(back + 1, run.length), ['turn-left'], known).reason).toBe('incomplete')
  })

  it('does not pass with a stranger in the last frame that was compared', () => {
    const needed = framesToPass()
    const stranger = Float32Array.from({ length: 8 }, (_, k) => (k === 3 ? 1 : 0))
    const swapped = recorded.slice(0, needed).map((frame, i) => ({
      ...frame,
      embedding: i === needed - 2 ? stranger : i > needed - 2 ? undefined : frame.embedding,
    }))
    expect(judge(recorded.slice(0, needed), steps, options).status).toBe('passed')
    expect(judge(swapped, steps, options).status).toBe('failed')
  })

  it('must be asked for or given up in so many words', () => {
    const challenge = { id: 'a1', steps, issuedAt: 0, expiresAt: 60_000, stepLimit: 8000 }
    for (const bad of [
      undefined,
      {},
      { identity: undefined },
      { identity: { threshold: 0 } },
      { identity: { threshold: 1, every: 0 } },
    ]) {
      expect(() => watchChallenge(challenge, bad as WatchOptions)).toThrow(refused)
    }
    expect(() => watchChallenge(challenge, { ...options, limits: { turn: -1 } })).toThrow(refused)
    expect(() => watchChallenge(challenge, { ...options, limits: { wink: 1 } as never })).toThrow(/wink/)
    const watch = watchChallenge(challenge, options)
    expect(() => watch.add({ ...recorded[0], challengeId: 'a1', time: Number.NaN })).toThrow(refused)
  })
})

describe('a run', () => {
  const steps: ChallengeAction[] = ['turn-left', 'turn-right']
  const recorded = act(steps, { seed: 9, fps: 25 })
  const cut = (from: number, to: number, put: (frame: Recorded) => Recorded): Recorded[] =>
    recorded.map((frame, i) => (i >= from && i < to ? put(frame) : frame))

  it('fails where the face is gone for long, there are two, or it jumps', () => {
    expect(judge(recorded, steps, options).status).toBe('passed')
    expect(
      judge(
        cut(40, 55, frame => ({ ...frame, faces: [] })),
        steps,
        options,
      ).reason,
    ).toBe('face-lost')
    const two = cut(40, 55, frame => {
      const [face] = frame.faces
      const box = { ...face.box, x: face.box.x - 150 }
      return { ...frame, faces: [face, { ...face, box }] }
    })
    expect(judge(two, steps, options).reason).toBe('face-lost')
    const beside = cut(40, 400, frame => {
      const [face] = frame.faces
      return { ...frame, faces: [face, { ...face, box: { ...face.box, width: face.box.width / 4 } }] }
    })
    expect(judge(beside, steps, options).status).toBe('passed')
    const elsewhere = recorded.map((frame, i) => {
      const [face] = frame.faces
      const landmarks = face.landmarks!.map(([x, y]) => [x + (i < 40 ? 0 : 120), y]) as unknown as FivePoints
      return { ...frame, faces: [{ ...face, landmarks }] }
    })
    expect(judge(elsewhere, steps, options).reason).toBe('jump')
  })

  it('fails where one turned picture is put in place of another: heads do not turn from frame to frame', () => {
    const draw = random(3)
    const swapped = Array.from({ length: 100 }, (_, i) => {
      const yaw = i < 25 ? 0 : i < 50 ? 18 : 0
      return frameOf({ yaw, pitch: 0, roll: 0 }, 50, [320, 240], i * 40, 0.005, draw)
    })
    expect(judge(swapped, ['turn-left'], options).reason).toBe('jump')
  })

  it('fails where times go backwards or stand still', () => {
    const same = [...recorded.slice(0, 30), recorded[29], ...recorded.slice(30)]
    expect(judge(same, steps, options).reason).toBe('time-backwards')
    expect(judge([...recorded].reverse(), steps, options).reason).toBe('time-backwards')
  })

  it('does not begin while the person looks away, is too small or moves', () => {
    const draw = random(1)
    const frames = (pose: (time: number) => number, scale = 50): Recorded[] =>
      Array.from({ length: 60 }, (_, i) => {
        const yaw = pose(i * 40)
        return frameOf({ yaw, pitch: 0, roll: 0 }, scale, [320, 240], i * 40, 0.005, draw)
      })
    const challenge = { id: 'a1', steps, issuedAt: 0, expiresAt: 60_000, stepLimit: 8000 }
    const end = (recorded: readonly Recorded[]) => {
      const watch = watchChallenge(challenge, options)
      for (const frame of recorded) watch.add({ ...frame, challengeId: 'a1' })
      return watch.state
    }
    expect(end(frames(() => 20))).toMatchObject({ status: 'waiting', hint: { code: 'look-ahead' } })
    expect(end(frames(() => 0, 15))).toMatchObject({ status: 'waiting', hint: { code: 'too-far' } })
    expect(end(frames(time => 11 * Math.sin(time / 120)))).toMatchObject({ status: 'waiting' })
    expect(end(frames(() => 0))).toMatchObject({ status: 'running' })
    expect(end([])).toMatchObject({ status: 'waiting' })
  })

  it('takes a smile from the scores of emotions alone, and says so where there are none', () => {
    const smiling = act(['smile'], { seed: 1, fps: 15 })
    expect(judge(smiling, ['smile'], options).status).toBe('passed')
    const without = smiling.map(({ emotion: _, ...frame }) => frame)
    const challenge = { id: 'a1', steps: ['smile'] as const, issuedAt: 0, expiresAt: 60_000, stepLimit: 8000 }
    const watch = watchChallenge(challenge, options)
    for (const frame of without) watch.add({ ...frame, challengeId: 'a1' })
    expect(watch.state.hint.code).toBe('no-emotion')
    expect(watch.end().reason).toBe('incomplete')
    // Who smiles from the beginning shows no change.
    const always = smiling.map(frame => ({ ...frame, emotion: { happy: 0.9 } }))
    expect(judge(always, ['smile'], options).status).toBe('failed')
  })

  it('can be asked for more or less', () => {
    const little = act(['turn-left'], { seed: 1, fps: 20, turn: 7, noise: 0.003 })
    expect(judge(little, ['turn-left'], options).status).toBe('failed')
    expect(judge(little, ['turn-left'], { ...options, limits: { turn: 5, turnRelief: 4, rest: 4 } }).status).toBe(
      'passed',
    )
    expect(CHALLENGE_LIMITS.turn).toBeGreaterThan(7)
  })
})

/** Points of a flat picture that is turned before a pinhole camera. */
function tilt(points: FivePoints, yaw: number, pitch: number, focal: number): FivePoints {
  const [sy, cy] = [Math.sin((yaw * Math.PI) / 180), Math.cos((yaw * Math.PI) / 180)]
  const [sp, cp] = [Math.sin((pitch * Math.PI) / 180), Math.cos((pitch * Math.PI) / 180)]
  return points.map(([x, y]) => {
    const [u, v] = [x - 320, y - 260]
    const depth = focal + sy * u - cy * sp * v
    return [320 + (focal * (cy * u + sy * sp * v)) / depth, 240 + (focal * cp * v) / depth] as const
  }) as unknown as FivePoints
}
