import { describe, expect, it } from 'vitest'
import { type LocateFaces, type SteadyOptions, steadyLandmarks } from '../../src/attributes/steady-landmarks.ts'
import type { FivePoints, Point } from '../../src/models/manifest.ts'
import { noise } from '../random.ts'
import { project } from './heads.ts'

const picture = noise(300, 240, 1)
const landmarks = project({ yaw: 12, pitch: -5, roll: 25 }, 50, [150, 110])
const middle = { x: 40, y: 40, width: 64, height: 64 }

/** Where the template lies in a crop with so many pixels between the eyes: the middle is 0.55 of them under these. */
const templateIn = (eyes: number): FivePoints => project({ yaw: 0, pitch: 0, roll: 0 }, eyes, [72, 72 - 0.55 * eyes])
const inCrop = templateIn(32)
/** The sizes of the last round. */
const SIZES = [26, 30, 34, 38]
const shifted = (points: FivePoints, dx: number, dy: number): FivePoints =>
  points.map(([x, y]) => [x + dx, y + dy] as const) as unknown as FivePoints

describe('steady landmarks', () => {
  it('are the mean of the crops and of their mirror images, in pixels of the picture', async () => {
    const crops: string[] = []
    let call = 0
    const locate: LocateFaces = async ({ data, width, height }) => {
      crops.push(`${width} x ${height}, ${data[3 * 72]}, ${data[3 * 71]}`)
      // To the right in both: in the picture these are opposite, and cancel; down in one of them: half of it is left.
      const eyes = SIZES[call >> 1]
      const down = call++ % 2 === 0 ? eyes / 8 : 0
      return [{ box: middle, landmarks: shifted(templateIn(eyes), 3, down) }]
    }
    const straight = project({ yaw: 0, pitch: 0, roll: 0 }, 64, [150, 90])
    const found = await steadyLandmarks(picture, straight, locate, { rounds: 1 })
    // An eighth of 64 pixels between the eyes down in one of two are 4 pixels in the picture.
    expect(call).toBe(8)
    for (const [i, [x, y]] of found.entries()) {
      expect(x).toBeCloseTo(straight[i][0], 6)
      expect(y).toBeCloseTo(straight[i][1] + 4, 6)
    }
    const [one, other] = crops.map(crop => crop.split(', '))
    expect(one[0]).toBe('144 x 144')
    // The second is the first, mirrored about its middle column.
    expect([other[2], other[1]]).toEqual([one[1], one[2]])
  })

  it('start each round from the last', async () => {
    let calls = 0
    const locate: LocateFaces = async () => {
      calls++
      return [{ box: middle, landmarks: inCrop }]
    }
    const found = await steadyLandmarks(picture, landmarks, locate, { rounds: 3 })
    expect(calls).toBe(2 + 2 + 8)
    // What is found is the template itself, so that the crop is the same from the second round on: all five lie as the template does.
    const [a, b] = found
    const eyes = Math.hypot(b[0] - a[0], b[1] - a[1])
    const mouth = Math.hypot(found[4][0] - found[3][0], found[4][1] - found[3][1])
    expect(mouth / eyes).toBeCloseTo(0.894, 6)
  })

  it('are those that came in where the face is not found again, or another is', async () => {
    const far: Point[] = inCrop.map(([x, y]) => [x, y])
    for (const faces of [
      [],
      [{ box: middle }],
      [{ box: { ...middle, x: 110 }, landmarks: far as unknown as FivePoints }],
    ]) {
      expect(await steadyLandmarks(picture, landmarks, async () => faces)).toBe(landmarks)
    }
    let call = 0
    const once: LocateFaces = async () => (call++ === 0 ? [{ box: middle, landmarks: inCrop }] : [])
    expect(await steadyLandmarks(picture, landmarks, once)).toBe(landmarks)
  })

  it('refuse rounds and landmarks that make no sense, and let through what the detector throws', async () => {
    const refused = { name: 'FacewiseError', code: 'INVALID_ARGUMENT' }
    const locate: LocateFaces = async () => []
    for (const rounds of [0, 1.5, -1, Number.NaN]) {
      await expect(steadyLandmarks(picture, landmarks, locate, { rounds } as SteadyOptions)).rejects.toMatchObject(
        refused,
      )
    }
    const hole = [[Number.NaN, 1], ...landmarks.slice(1)] as unknown as FivePoints
    await expect(steadyLandmarks(picture, hole, locate)).rejects.toMatchObject(refused)
    const same = landmarks.map(() => [5, 5]) as unknown as FivePoints
    await expect(steadyLandmarks(picture, same, locate)).rejects.toMatchObject(refused)
    const broken = steadyLandmarks(picture, landmarks, async () => {
      throw new Error('lost')
    })
    await expect(broken).rejects.toThrow('lost')
  })
})
