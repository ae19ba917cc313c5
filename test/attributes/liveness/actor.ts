import type { ChallengeAction } from '../../../src/attributes/liveness/challenge.ts'
import type { HeadPose } from '../../../src/attributes/pose.ts'
import type { FivePoints } from '../../../src/models/manifest.ts'
import { type Random, random } from '../../random.ts'
import { project } from '../heads.ts'
import type { Recorded } from './recordings.ts'

/** How a made head moves. */
export interface Acting {
  readonly seed: number
  readonly fps: number
  /** Standard deviation of the landmarks, in distances between the eyes. That of MTCNN on the recordings is some 0.01. */
  readonly noise?: number
  /** Degrees of a turn; a nod is two thirds of it. */
  readonly turn?: number
  /** Whether the pictures are mirrored. */
  readonly mirrored?: boolean
  readonly person?: number
}

/** What a made head does at one time. */
interface Moment {
  readonly yaw: number
  readonly pitch: number
  readonly grown: number
  readonly happy: number
}
const AT_REST: Moment = { yaw: 0, pitch: 0, grown: 1, happy: 0.05 }

/** Made frames of a head in space that looks ahead, does each action, and looks ahead after each: with noise, sway and a gaze of its own. */
export function act(actions: readonly ChallengeAction[], acting: Acting): Recorded[] {
  const { seed, fps, turn = 18, mirrored = false, noise = 0.01, person = 0 } = acting
  const draw = random(seed)
  const side = mirrored ? -1 : 1
  const done: Record<ChallengeAction, Moment> = {
    'turn-left': { ...AT_REST, yaw: side * turn },
    'turn-right': { ...AT_REST, yaw: -side * turn },
    'look-up': { ...AT_REST, pitch: turn * (2 / 3) },
    'look-down': { ...AT_REST, pitch: -turn * (2 / 3) },
    'come-closer': { ...AT_REST, grown: 1.45 },
    smile: { ...AT_REST, happy: 0.9 },
  }
  // Times in milliseconds at which the head has come to each place.
  let end = draw.float(700, 1100)
  const places: { from: number; to: number; moment: Moment }[] = []
  for (const action of actions) {
    for (const moment of [done[action], AT_REST]) {
      const from = end
      end += draw.float(450, 800)
      places.push({ from, to: end, moment })
      end += draw.float(450, 900)
    }
  }
  const own = { yaw: draw.float(-4, 4), pitch: draw.float(-10, 10), roll: draw.float(-5, 5) }
  const frames: Recorded[] = []
  for (let time = 0; time < end + 300; time += 1000 / fps) {
    let now = AT_REST
    for (const { from, to, moment } of places) {
      if (time < from) break
      const share = (1 - Math.cos(Math.PI * Math.min(1, (time - from) / (to - from)))) / 2
      const between = (key: keyof Moment): number => now[key] + (moment[key] - now[key]) * share
      now = { yaw: between('yaw'), pitch: between('pitch'), grown: between('grown'), happy: between('happy') }
      if (time < to) break
    }
    const sway = Math.sin(time / 700 + seed)
    const pose = { yaw: own.yaw + now.yaw + sway, pitch: own.pitch + now.pitch - sway, roll: own.roll + sway }
    frames.push(frameOf(pose, 50 * now.grown, [320 + 6 * sway, 240 - 4 * sway], time, noise, draw, person, now.happy))
  }
  return frames
}

/** A made frame of a head, or of anything else that has five landmarks. */
export function frameOf(
  pose: HeadPose,
  scale: number,
  middle: [number, number],
  time: number,
  noise: number,
  draw: Random,
  person = 0,
  happy = 0.05,
): Recorded {
  const exact = project(pose, scale, middle)
  return frameWith(noisy(exact, scale * noise, draw), time, person, happy)
}

export function frameWith(landmarks: FivePoints, time: number, person = 0, happy = 0.05): Recorded {
  const xs = landmarks.map(([x]) => x)
  const ys = landmarks.map(([, y]) => y)
  const [left, top] = [Math.min(...xs), Math.min(...ys)]
  const [width, height] = [Math.max(...xs) - left, Math.max(...ys) - top]
  const box = { x: left - width / 2, y: top - height / 2, width: 2 * width, height: 2 * height }
  const embedding = Float32Array.from({ length: 8 }, (_, i) => (i === person ? 1 : 0.05))
  return { time, width: 640, height: 480, faces: [{ box, landmarks, score: 0.999 }], embedding, emotion: { happy } }
}

export function noisy(points: FivePoints, deviation: number, draw: Random): FivePoints {
  // Box and Muller: two even numbers make two normal ones.
  return points.map(([x, y]) => {
    const radius = deviation * Math.sqrt(-2 * Math.log(1 - draw.float()))
    const angle = draw.float(0, 2 * Math.PI)
    return [x + radius * Math.cos(angle), y + radius * Math.sin(angle)] as const
  }) as unknown as FivePoints
}
