/**
 * Runs of real recordings of a head, and of made ones: real frames that were drawn anew as an attacker would show them. Faces are found
 * by MTCNN and embedded by the default embedder. `LIVENESS_PHOTOS=12` takes minutes and prints the figures of the guide.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CHALLENGE_ACTIONS, type ChallengeAction, isPoseAction } from '../../../src/attributes/liveness/challenge.ts'
import type { WatchOptions } from '../../../src/attributes/liveness/watch.ts'
import { estimatePose } from '../../../src/attributes/pose.ts'
import { type Engine, startBackend } from '../../../src/backends/index.ts'
import { createMtcnn, type Mtcnn, oneFace } from '../../../src/detect/index.ts'
import { createEmbedder, type Embedder } from '../../../src/embed/index.ts'
import { decode, estimateSimilarity, type Picture, warpSimilarity } from '../../../src/image/index.ts'
import { developmentData, testBackend } from '../../data.ts'
import { random } from '../../random.ts'
import { swing, viewPrint } from './perspective.ts'
import { judge, picturesOf, RECORDINGS, type Recorded, type Recording, record, reversed } from './recordings.ts'

/** What each recording shows, in the person's own directions: nobody mirrored it. */
const SHOWN: Record<Recording, readonly ChallengeAction[]> = {
  turn_yaw: ['turn-right', 'turn-left'],
  // He turns to the left once more, but the recording ends before he looks ahead again.
  turn_yaw2: ['turn-left', 'turn-right'],
  pitch_down_up: ['look-down', 'look-up'],
  near_far: ['come-closer'],
  steady: [],
  talk_open_mouth: [],
  blink: [],
}

/** All challenges of one, two and three steps. */
const asked: readonly (readonly ChallengeAction[])[] = [
  ...CHALLENGE_ACTIONS.map(action => [action]),
  ...CHALLENGE_ACTIONS.flatMap(a => CHALLENGE_ACTIONS.filter(b => b !== a).map(b => [a, b])),
  ...CHALLENGE_ACTIONS.flatMap(a =>
    CHALLENGE_ACTIONS.filter(b => b !== a).flatMap(b => CHALLENGE_ACTIONS.filter(c => c !== b).map(c => [a, b, c])),
  ),
]

describe.skipIf(!developmentData)('a liveness challenge', () => {
  let engine: Engine
  let detector: Mtcnn
  let embedder: Embedder
  let options: WatchOptions
  const recorded = {} as Record<Recording, Recorded[]>

  beforeAll(async () => {
    engine = await startBackend({ prefer: testBackend })
    detector = await createMtcnn({ backend: engine, minFaceSize: 40 })
    embedder = await createEmbedder(undefined, { backend: engine })
    const { rates } = embedder.manifest.embedding.thresholds!
    const { threshold } = rates.find(({ fmr }) => fmr === 1e-4)!
    options = { identity: { threshold, metric: embedder.manifest.embedding.metric } }
    for (const name of RECORDINGS) {
      recorded[name] = await record(await picturesOf(developmentData!, name), detector, embedder)
    }
  })
  afterAll(() => {
    detector.dispose()
    embedder.dispose()
  })

  const passing = (run: readonly Recorded[]): string[] =>
    asked.filter(steps => judge(run, steps, options).status === 'passed').map(steps => steps.join())

  describe('on a real recording', () => {
    it.each(RECORDINGS)('%s passes what it shows, from the first action on, and nothing else', name => {
      const shown = SHOWN[name]
      const expected = shown
        .map((_, i) => shown.slice(0, i + 1).join())
        .filter(key => asked.some(s => s.join() === key))
      const found = passing(recorded[name])
      const others = CHALLENGE_ACTIONS.map(
        action => `${action}: ${judge(recorded[name], [action], options).reason ?? 'passed'}`,
      )
      console.info(`real ${name}: passes ${found.join(' | ') || 'nothing'}; ${others.join(', ')}`)
      expect(found).toEqual(expected)
    })

    it('turn_yaw and pitch_down_up, one after the other as they were taken, pass four steps in their order alone', () => {
      const gap = recorded.turn_yaw.at(-1)!.time
      const both = [
        ...recorded.turn_yaw,
        ...recorded.pitch_down_up.slice(1).map(frame => ({ ...frame, time: frame.time + gap })),
      ]
      const steps = [...SHOWN.turn_yaw, ...SHOWN.pitch_down_up]
      expect(judge(both, steps, options)).toMatchObject({ status: 'passed', step: 4 })
      const [a, b, c, d] = steps
      for (const order of [
        [b, a, c, d],
        [a, c, b, d],
        [a, b, d, c],
        [a, c, d],
        [a, b, 'come-closer'],
        [d, c, b, a],
      ] as ChallengeAction[][]) {
        expect(judge(both, order, options).status).toBe('failed')
      }
      expect(judge(both, steps, options, { stepLimit: 1000 }).reason).toBe('step-timeout')
    })

    it('fails under another challenge, before it was issued and after it expired', () => {
      const steps = SHOWN.turn_yaw
      const issuedAt = 1_700_000_000_000
      expect(judge(recorded.turn_yaw, steps, options, { id: 'other' }).reason).toBe('other-challenge')
      expect(judge(recorded.turn_yaw, steps, options, { issuedAt: issuedAt + 2000 }).reason).toBe('too-early')
      expect(judge(recorded.turn_yaw, steps, options, { expiresAt: issuedAt + 2000 }).reason).toBe('expired')
    })

    it('keeps embeddings of one person well within the threshold', () => {
      const { threshold } = options.identity as { threshold: number }
      for (const name of RECORDINGS) {
        const vectors = recorded[name].flatMap(({ embedding }) =>
          embedding ? [{ vector: embedding as Float32Array, model: embedder.id }] : [],
        )
        const most = Math.max(...vectors.map(vector => embedder.distance(vectors[0], vector)))
        console.info(`real ${name}: farthest embedding ${most.toFixed(3)} of ${threshold.toFixed(3)}`)
        expect(most).toBeLessThan(0.8 * threshold)
      }
    })
  })

  describe('on a made recording', () => {
    it('fails for the same frames in reversed order, where the order matters', () => {
      expect(judge(reversed(recorded.turn_yaw), SHOWN.turn_yaw, options).reason).toBe('wrong-action')
      expect(judge(reversed(recorded.pitch_down_up), SHOWN.pitch_down_up, options).reason).toBe('wrong-action')
    })

    it('fails for a still with the noise of a camera', async () => {
      const [{ picture }] = await picturesOf(developmentData!, 'turn_yaw')
      const { integer } = random(1)
      const pictures = Array.from({ length: 25 }, (_, i) => {
        const data = Uint8Array.from(picture.data, value => Math.max(0, Math.min(255, value + integer(-10, 10))))
        return { picture: { ...picture, data }, time: i * 40 }
      })
      expect(passing(await record(pictures, detector, embedder))).toEqual([])
      const same = Array.from({ length: 40 }, (_, i) => ({ ...recorded.turn_yaw[0], time: i * 40 }))
      expect(judge(same, ['turn-left'], options).reason).toBe('frozen')
    })

    it.each([
      ['the frames of another person as they are', false],
      ['the face of another person put where the first was', true],
    ])('fails for a swap half-way: %s', async (_, put) => {
      const half = 37
      const begun = recorded.turn_yaw.slice(0, half)
      // The face looks to the side there: the other takes its place in the frame after the person looks ahead again.
      const { landmarks } = begun[0].faces[0]
      const others = (await picturesOf(developmentData!, 'blink')).map(({ picture, time }, i) => {
        const from = recorded.blink[i].faces[0].landmarks!
        return { picture: put ? drawn(picture, from, landmarks!) : picture, time: begun.at(-1)!.time + 40 + time }
      })
      const swapped = [...begun, ...(await record(others, detector, embedder))]
      const result = judge(swapped, ['turn-right', 'turn-left'], options)
      console.info(`made swap, ${put ? 'put in place' : 'as it is'}: ${result.reason}`)
      expect(result.status).toBe('failed')
      expect(['other-person', 'jump']).toContain(result.reason)
      // Were both to look ahead alike, the embeddings alone would tell: so they do where poses may jump.
      const limits = { poseNoise: 60, moveNoise: 20, growthNoise: 2, look: 60 }
      expect(judge(swapped, ['turn-right', 'turn-left'], { ...options, limits }).reason).toBe('other-person')
    })

    it('of a print that is swung before the camera passes no turn and no look', async () => {
      const tally = new Map<string, number>()
      const passed: string[] = []
      let runs = 0
      for (const { name, print, middle, zoom } of await prints(Number(process.env.LIVENESS_PHOTOS ?? 0))) {
        for (const axis of ['yaw', 'pitch'] as const) {
          for (const degrees of process.env.LIVENESS_PHOTOS ? [20, 35, 50] : [axis === 'yaw' ? 50 : 35]) {
            const pictures = swing(axis, degrees, zoom).map((held, i) => ({
              picture: viewPrint(print, middle, held),
              time: i * 80,
            }))
            const run = await record(pictures, detector, embedder)
            runs++
            for (const action of CHALLENGE_ACTIONS.filter(isPoseAction)) {
              const { status, reason } = judge(run, [action], { identity: 'unchecked' }, { stepLimit: 30_000 })
              const key = `${axis} ${degrees}: ${reason ?? 'passed'}`
              tally.set(key, (tally.get(key) ?? 0) + 1)
              if (status === 'passed') passed.push(`${name} ${axis} ${degrees} ${action}`)
            }
          }
        }
      }
      console.info(
        `made prints, ${runs} runs, four single actions each:\n${[...tally].map(t => t.join(' ')).join('\n')}\n${passed}`,
      )
      // One step may be had by the detector's noise; a challenge has two turns or looks in its three steps, or more.
      if (process.env.LIVENESS_PHOTOS) expect(passed.length).toBeLessThan(0.01 * 4 * runs)
      else expect(passed).toEqual([])
    })

    it('of a print that comes closer passes that step: it shows no depth, and never is the only one', async () => {
      const [{ print, middle, zoom }] = await prints(0)
      const growth = [1, 1, 1, 1, 1, 1.08, 1.16, 1.24, 1.32, 1.4, 1.4, 1.4, 1.3, 1.2, 1.1, 1, 1, 1, 1]
      const pictures = growth.map((factor, i) => {
        const held = { yaw: 0, pitch: 0, zoom: zoom * factor, right: Math.sin(i) }
        return { picture: viewPrint(print, middle, held), time: i * 80 }
      })
      expect(passing(await record(pictures, detector, embedder))).toEqual(['come-closer'])
    })
  })

  /** A real frontal frame of the recordings, and more photos of LFW on which the face looks ahead. */
  async function prints(
    more: number,
  ): Promise<{ name: string; print: Picture; middle: [number, number]; zoom: number }[]> {
    const folder = join(developmentData!, 'data', 'lfw-dev')
    const rows = readFileSync(join(folder, 'pairs-train.csv'), 'utf8').trim().split('\n').slice(1)
    const paths = [...new Set(rows.map(row => row.split(',')[0]))]
    const [{ picture }] = await picturesOf(developmentData!, 'turn_yaw')
    const found = [place('turn_yaw', picture, recorded.turn_yaw[0].faces[0].box)]
    for (const path of paths) {
      if (found.length > more) break
      const print = await decode(join(folder, path))
      const face = oneFace(await detector.detect(print), print, 'center')
      const { yaw, pitch } = estimatePose(face.landmarks!)
      if (Math.abs(yaw) <= 8 && Math.abs(pitch) <= 20) found.push(place(path, print, face.box))
    }
    return found
  }
})

function place(name: string, print: Picture, box: { x: number; y: number; width: number; height: number }) {
  const middle: [number, number] = [box.x + box.width / 2, box.y + box.height / 2]
  return { name, print, middle, zoom: 100 / box.width }
}

/** A picture drawn anew so that the one face's landmarks lie where the other's were. */
function drawn(
  picture: Picture,
  from: Parameters<typeof estimateSimilarity>[0],
  to: Parameters<typeof estimateSimilarity>[1],
): Picture {
  const [width, height] = [400, 300]
  const out = new Float32Array(width * height * 3)
  warpSimilarity(picture, estimateSimilarity(from, to), { width, height, out, offset: 0, scale: 1, shift: 0 })
  return { data: Uint8Array.from(out, Math.round), width, height }
}
