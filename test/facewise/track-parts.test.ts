import { describe, expect, test } from 'vitest'
import type { Face } from '../../src/detect/index.ts'
import { apart, cover, overlap, sizeRatio } from '../../src/facewise/track/boxes.ts'
import { alike, blend, likenessOf } from '../../src/facewise/track/likeness.ts'
import { atRest, moved, predict } from '../../src/facewise/track/motion.ts'
import { brightnessOf, stirred } from '../../src/facewise/track/stir.ts'
import { createTracks, type TrackLimits, type Tracks } from '../../src/facewise/track/tracks.ts'
import type { Box, Picture } from '../../src/image/index.ts'
import { noise, random } from '../random.ts'

const box = (x: number, y: number, size = 60): Box => ({ x, y, width: size, height: size })

describe('boxes', () => {
  test('overlap and cover are those of counted pixels', () => {
    const { integer } = random(1)
    for (let round = 0; round < 300; round++) {
      const any = (): Box => ({ x: integer(0, 12), y: integer(0, 12), width: integer(1, 9), height: integer(1, 9) })
      const [a, b] = [any(), any()]
      const holds = ({ x, y, width, height }: Box, u: number, v: number): boolean =>
        u >= x && u < x + width && v >= y && v < y + height
      let [both, either] = [0, 0]
      for (let v = 0; v < 24; v++) {
        for (let u = 0; u < 24; u++) {
          if (holds(a, u, v) && holds(b, u, v)) both++
          if (holds(a, u, v) || holds(b, u, v)) either++
        }
      }
      expect(overlap(a, b)).toBeCloseTo(both / either, 12)
      expect(cover(a, b)).toBeCloseTo(both / Math.min(a.width * a.height, b.width * b.height), 12)
      expect(overlap(b, a)).toBe(overlap(a, b))
    }
    expect(apart(box(0, 0), box(3, 4))).toBe(5)
    expect(sizeRatio(box(0, 0, 30), box(9, 9, 60))).toBe(2)
    expect(sizeRatio(box(0, 0, 60), box(9, 9, 30))).toBe(2)
  })
})

describe('motion', () => {
  test('learns a steady speed at any frame rate and foresees the next frame', () => {
    const { float } = random(2)
    for (let round = 0; round < 50; round++) {
      const [vx, vy, step] = [float(-0.3, 0.3), float(-0.3, 0.3), float(10, 120)]
      let time = float(0, 1e6)
      const begin = time
      const at = (when: number): Box => box(100 + vx * (when - begin), 200 + vy * (when - begin))
      let motion = atRest(at(time), time)
      for (let i = 0; i < 12; i++) {
        time += step * float(0.5, 1.5)
        motion = moved(motion, at(time), time, true)
      }
      const off = apart(predict(motion, time + 40), at(time + 40))
      // It slows down by a fiftieth on the way.
      expect(off).toBeLessThan(Math.hypot(vx, vy) * 40 * 0.03 + 1e-6)
    }
  })

  test('slows down while nothing is seen, and learns nothing where it must not', () => {
    const motion = { ...atRest(box(0, 0), 0), vx: 0.1, vy: -0.2 }
    expect(predict(motion, 0)).toEqual(motion.box)
    expect(predict(motion, 1e9).x).toBeCloseTo(100, 6)
    expect(predict(motion, 1e9).y).toBeCloseTo(-200, 6)
    const pulled = moved(motion, box(50, 50), 40, false)
    expect([pulled.vx, pulled.vy, pulled.box]).toEqual([0.1, -0.2, box(50, 50)])
    // Two frames of one time have no speed.
    expect(moved(motion, box(9, 9), 0, true)).toMatchObject({ vx: 0.1, vy: -0.2, box: box(9, 9) })
  })
})

describe('likeness', () => {
  const picture = noise(200, 200, 3)
  test('is 1 with itself, whatever the light, and low with another place', () => {
    const here = likenessOf(picture, box(40, 50))
    expect(alike(here, here)).toBeCloseTo(1, 5)
    const darker = { ...picture, data: picture.data.map(value => value * 0.5 + 20) }
    expect(alike(here, likenessOf(darker, box(40, 50)))).toBeGreaterThan(0.98)
    expect(Math.abs(alike(here, likenessOf(picture, box(120, 110))))).toBeLessThan(0.5)
    const mixed = blend(here, likenessOf(picture, box(120, 110)), 0.2)
    expect(alike(mixed, mixed)).toBeCloseTo(1, 5)
    expect(alike(mixed, here)).toBeGreaterThan(0.8)
  })
  test('of one colour, and of a place outside, is like nothing', () => {
    const flat: Picture = { data: new Uint8Array(300).fill(90), width: 10, height: 10 }
    expect(alike(likenessOf(flat, box(1, 1, 8)), likenessOf(picture, box(40, 50)))).toBe(0)
    expect(alike(likenessOf(picture, box(900, 900)), likenessOf(picture, box(40, 50)))).toBe(0)
  })
})

describe('what stirs', () => {
  const scene = (draw: (x: number, y: number) => number, seed = 1): Picture => {
    const { float } = random(seed)
    const [width, height] = [640, 480]
    const data = new Uint8Array(width * height * 3)
    for (let i = 0; i < width * height; i++) {
      data.fill(Math.max(0, Math.min(255, draw(i % width, Math.floor(i / width)) + float(-12, 12))), i * 3, i * 3 + 3)
    }
    return { data, width, height }
  }
  const room = (x: number, y: number): number => 90 + x * 0.1 + y * 0.05
  const before = brightnessOf(scene(room))

  test('is a face that comes in, not noise, nor a camera that grows brighter', () => {
    expect(stirred(before, brightnessOf(scene(room, 2)), [])).toBe(false)
    expect(stirred(before, brightnessOf(scene((x, y) => room(x, y) + 30, 3)), [])).toBe(false)
    const come = brightnessOf(scene((x, y) => (Math.hypot(x - 400, y - 200) < 30 ? 200 : room(x, y)), 4))
    expect(stirred(before, come, [])).toBe(true)
    // Where a face is known, it may move; so may what is below it.
    expect(stirred(before, come, [box(380, 170)])).toBe(false)
    expect(stirred(before, come, [box(380, 20, 100)])).toBe(false)
    expect(stirred(before, come, [box(100, 170)])).toBe(true)
  })
  test('is a picture of another size', () => {
    expect(stirred(before, brightnessOf(noise(64, 48, 1)), [])).toBe(true)
  })
})

describe('tracks', () => {
  const limits: TrackLimits = {
    minScore: 0.6,
    patience: 5,
    stableAfter: 2,
    maxTracks: Number.POSITIVE_INFINITY,
    keep: 'best',
  }
  const size = { width: 640, height: 480 }
  const face = (x: number, y: number, score = 0.99): Face => ({ box: box(x, y), score })
  /** Each third of the picture has a likeness of its own. */
  const likenessAt = ({ y }: Box): Float32Array => {
    const out = new Float32Array(192)
    out[Math.max(0, Math.min(2, Math.floor(y / 160)))] = 1
    return out
  }
  /** A frame in which all is looked at and searched. */
  const step = (tracks: Tracks, time: number, faces: Face[]): number[] => {
    tracks.expect(time)
    tracks.search(faces, time, likenessAt)
    return tracks.close(time, size)
  }
  const ids = (tracks: Tracks): number[] => tracks.all.map(({ id }) => id)

  test('keep the ids of many that move at random, and never give one twice', () => {
    const { float, integer } = random(5)
    const tracks = createTracks(limits)
    const lanes = Array.from({ length: 3 }, (_, i) => ({ y: 40 + i * 160, x: 100 + i * 150, id: 0, out: 0 }))
    const given = new Set<number>()
    for (let frame = 0; frame < 400; frame++) {
      const time = frame * 40
      for (const lane of lanes) {
        if (lane.out === 0 && frame % 97 === 50 + integer(0, 2)) lane.out = 20
        else if (lane.out > 0 && --lane.out === 0) lane.id = 0
        lane.x = Math.max(60, Math.min(500, lane.x + float(-12, 12)))
      }
      const shown = lanes.filter(({ out }) => out === 0)
      step(
        tracks,
        time,
        shown.map(({ x, y }) => face(x, y)).sort(() => float(-1, 1)),
      )
      for (const lane of shown) {
        const track = tracks.all.find(each => each.missed === 0 && apart(each.face.box, box(lane.x, lane.y)) < 1)!
        if (lane.id === 0) {
          expect(given.has(track.id)).toBe(false)
          given.add(track.id)
          lane.id = track.id
        }
        expect(track.id).toBe(lane.id)
      }
    }
    expect(given.size).toBeGreaterThan(3)
  })

  test('end after so many frames without a face, at once before they are stable and at the edge', () => {
    const tracks = createTracks(limits)
    expect(step(tracks, 0, [face(100, 20)])).toEqual([])
    expect(step(tracks, 40, [])).toEqual([1])
    step(tracks, 80, [face(100, 20)])
    step(tracks, 120, [face(100, 20)])
    for (let i = 0; i < 4; i++) expect(step(tracks, 160 + i * 40, [])).toEqual([])
    expect(step(tracks, 320, [])).toEqual([2])
    step(tracks, 360, [face(590, 20)])
    step(tracks, 400, [face(602, 20)])
    expect(step(tracks, 440, [])).toEqual([])
    expect(step(tracks, 480, [])).toEqual([3])
    expect(tracks.all).toEqual([])
  })

  test('do not see a face that scores low, lies elsewhere or looks otherwise', () => {
    const tracks = createTracks(limits)
    const look = (time: number, found: Face): boolean => {
      tracks.expect(time)
      tracks.look([found], time, likenessAt)
      const seen = tracks.missing().length === 0
      tracks.close(time, size)
      return seen
    }
    step(tracks, 0, [face(100, 100)])
    step(tracks, 40, [face(100, 100)])
    expect(look(80, face(105, 100))).toBe(true)
    expect(look(120, face(105, 100, 0.5))).toBe(false)
    expect(look(160, face(170, 100))).toBe(false)
    expect(look(200, face(105, 165))).toBe(false)
    expect(look(240, face(106, 101))).toBe(true)
    expect(ids(tracks)).toEqual([1])
  })

  test('that come to one face leave it to the one that it fits', () => {
    const tracks = createTracks({ ...limits, patience: 30 })
    const likes = (vector: number) => (): Float32Array => {
      const out = new Float32Array(192)
      out[vector] = 1
      return out
    }
    step(tracks, 0, [face(100, 100), face(200, 300)])
    for (let time = 40; time <= 400; time += 40) step(tracks, time, [face(100, 100), face(200, 300)])
    const [first, second] = tracks.all
    second.motion = { ...second.motion, box: box(110, 105) }
    tracks.expect(440)
    tracks.look([face(104, 103), face(105, 103)], 440, likes(0))
    expect(tracks.missing()).toEqual([second])
    expect(first.face.box).toEqual(box(104, 103))
  })

  test('end where searches no longer find what the last stage is not sure of', () => {
    const run = (score: number): number => {
      const tracks = createTracks(limits)
      step(tracks, 0, [face(100, 100)])
      for (let frame = 1; frame < 30; frame++) {
        const time = frame * 40
        tracks.expect(time)
        tracks.look([face(100, 100, score)], time, likenessAt)
        tracks.search([], time, likenessAt)
        if (tracks.close(time, size).length > 0) return frame
      }
      return Number.POSITIVE_INFINITY
    }
    expect(run(0.7)).toBe(4)
    expect(run(0.99)).toBe(Number.POSITIVE_INFINITY)
  })

  test('are no more than wanted, the best or the largest; can be replaced and cleared', () => {
    const faces = [face(10, 20, 0.8), face(200, 20, 0.95), { box: box(400, 20, 90), score: 0.9 }]
    const best = createTracks({ ...limits, maxTracks: 1 })
    step(best, 0, faces)
    expect(best.all.map(({ face: { score } }) => score)).toEqual([0.95])
    const largest = createTracks({ ...limits, maxTracks: 1, keep: 'largest' })
    step(largest, 0, faces)
    expect(largest.all.map(({ face: { score } }) => score)).toEqual([0.9])
    const all = createTracks(limits)
    step(all, 0, faces)
    const other = all.replace(all.all[0], 40)
    expect([other.id, other.seen, ids(all).sort()]).toEqual([4, 1, [2, 3, 4]])
    expect(all.clear().sort()).toEqual([2, 3, 4])
    step(all, 80, faces)
    expect(ids(all)).toEqual([5, 6, 7])
  })
})
