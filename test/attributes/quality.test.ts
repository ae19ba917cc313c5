import { beforeAll, describe, expect, it } from 'vitest'
import { addNoise, cut, enlarge, expose, gaussianBlur, randomOf } from '../../scripts/quality/degrade.ts'
import { byQuality, gain, oracle, rejectArea, rejectCurve } from '../../scripts/quality/reject.ts'
import { estimatePose, FACE_TEMPLATE } from '../../src/attributes/pose.ts'
import {
  type AssessableFace,
  assessQuality,
  QUALITY_LIMITS,
  QUALITY_WEIGHTS,
  type QualityMeasureName,
  type QualityMeasures,
} from '../../src/attributes/quality.ts'
import { startBackend } from '../../src/backends/index.ts'
import { createMtcnn, type Face } from '../../src/detect/index.ts'
import { cropBox, decode, type Picture } from '../../src/image/index.ts'
import type { FivePoints } from '../../src/models/manifest.ts'
import { samplePhoto } from '../data.ts'
import { noise, random } from '../random.ts'

const refused = expect.objectContaining({ code: 'INVALID_ARGUMENT' })

/** A photographed face with as much around it as it is wide, 96 pixels wide itself. */
interface Sample {
  readonly picture: Picture
  readonly face: AssessableFace
}

const WIDTH = 96
let samples: Sample[]

beforeAll(async () => {
  const detector = await createMtcnn({ backend: await startBackend({ prefer: 'wasm' }), minFaceSize: 150 })
  samples = []
  for (const number of [1, 4, 6] as const) {
    const picture = await decode(samplePhoto(number))
    // The face that looks most into the camera.
    const yaw = ({ landmarks }: Face): number => (landmarks ? Math.abs(estimatePose(landmarks).yaw) : 90)
    const [{ box, landmarks, score }] = (await detector.detect(picture)).sort((a, b) => yaw(a) - yaw(b))
    const around = {
      x: box.x - box.width / 2,
      y: box.y - box.height / 2,
      width: 2 * box.width,
      height: 2 * box.height,
    }
    const scale = WIDTH / box.width
    samples.push({
      picture: crop(picture, around, scale),
      face: {
        box: { x: WIDTH / 2, y: (box.height * scale) / 2, width: WIDTH, height: box.height * scale },
        landmarks: landmarks?.map(([x, y]) => [
          (x - around.x) * scale,
          (y - around.y) * scale,
        ]) as unknown as FivePoints,
        score,
      },
    })
  }
  detector.dispose()
})

function crop(picture: Picture, box: { x: number; y: number; width: number; height: number }, scale: number): Picture {
  const width = Math.round(box.width * scale)
  const height = Math.round(box.height * scale)
  const out = new Float32Array(width * height * 3)
  cropBox(picture, box, 'repeat', { width, height, out, offset: 0, scale: 1, shift: 0.5 })
  return { data: Uint8Array.from(out), width, height }
}

const measured = (picture: Picture, face: AssessableFace, name: QualityMeasureName): number =>
  assessQuality(picture, face).measures[name]?.value ?? Number.NaN

/** Each value larger than the one before. */
function expectRising(values: readonly number[]): void {
  for (let i = 1; i < values.length; i++) expect(values[i]).toBeGreaterThan(values[i - 1])
}

/** A face and its picture at another size. */
function scaled({ picture, face }: Sample, factor: number): Sample {
  const width = Math.round(picture.width * factor)
  const height = Math.round(picture.height * factor)
  const [sx, sy] = [width / picture.width, height / picture.height]
  const { x, y, width: w, height: h } = face.box
  return {
    picture: enlarge(picture, width, height),
    face: {
      ...face,
      box: { x: x * sx, y: y * sy, width: w * sx, height: h * sy },
      landmarks: face.landmarks?.map(([px, py]) => [px * sx, py * sy]) as unknown as FivePoints,
    },
  }
}

function mirrored({ picture, face }: Sample): Sample {
  const { data, width, height } = picture
  const out = new Uint8Array(data.length)
  for (let i = 0; i < width * height; i++) {
    const to = i - (i % width) + (width - 1 - (i % width))
    for (let k = 0; k < 3; k++) out[3 * to + k] = data[3 * i + k]
  }
  const points = face.landmarks?.map(([x, y]) => [width - x, y] as const)
  return {
    picture: { data: out, width, height },
    face: {
      ...face,
      box: { ...face.box, x: width - face.box.x - face.box.width },
      landmarks: points && [points[1], points[0], points[2], points[4], points[3]],
    },
  }
}

describe('a good picture', () => {
  it('has a high score and no reasons', () => {
    for (const { picture, face } of samples) {
      const { score, reasons } = assessQuality(picture, face)
      expect(reasons).toEqual([])
      expect(score).toBeGreaterThan(0.9)
    }
  })

  it('has the same values, but for its size, whatever its size', () => {
    for (const sample of samples) {
      const one = assessQuality(sample.picture, sample.face).measures
      const half = scaled(sample, 0.5)
      const double = scaled(sample, 2)
      for (const other of [half, double].map(({ picture, face }) => assessQuality(picture, face).measures)) {
        for (const name of ['brightness', 'contrast', 'evenness', 'pose'] as const) {
          const tolerance = name === 'pose' ? 1.5 : 0.03
          expect(Math.abs((other[name]?.value ?? 0) - (one[name]?.value ?? 0))).toBeLessThan(tolerance)
        }
        for (const name of ['noise', 'edge', 'exposure'] as const) expect(other[name].score).toBe(1)
        // At half its size the face has fewer pixels than the grid has cells.
        expect(other.sharpness.score).toBeGreaterThan(0.8)
      }
      expect(measured(half.picture, half.face, 'size') / one.size.value).toBeCloseTo(0.5, 2)
      expect(measured(double.picture, double.face, 'size') / one.size.value).toBeCloseTo(2, 2)
    }
  })

  it('has the same values in the mirror', () => {
    for (const sample of samples) {
      const a = assessQuality(sample.picture, sample.face)
      const { picture, face } = mirrored(sample)
      const b = assessQuality(picture, face)
      for (const [name, measure] of Object.entries(a.measures)) {
        const other = b.measures[name as keyof QualityMeasures]
        expect(other?.value).toBeCloseTo(measure.value, 4)
        expect(other?.score).toBeCloseTo(measure.score, 3)
      }
    }
  })

  it('is judged without landmarks and score, by what is there', () => {
    const { picture, face } = samples[0]
    const { measures, score } = assessQuality(picture, { box: face.box })
    expect(Object.keys(measures)).toEqual([
      'size',
      'sharpness',
      'noise',
      'brightness',
      'exposure',
      'contrast',
      'evenness',
      'edge',
    ])
    expect(measures.size.value).toBe(face.box.width)
    expect(score).toBeGreaterThan(0.9)
  })
})

describe('each measure follows what is done to the picture', () => {
  it('sharpness falls with blur and with lost pixels', () => {
    for (const { picture, face } of samples) {
      expectRising([8, 4, 2, 1].map(sigma => measured(gaussianBlur(picture, sigma), face, 'sharpness')))
      // Enlarged again from a face of so many pixels.
      expectRising(
        [18, 36, 64].map(width => {
          const factor = width / WIDTH
          const little = enlarge(picture, Math.round(picture.width * factor), Math.round(picture.height * factor))
          return measured(enlarge(little, picture.width, picture.height), face, 'sharpness')
        }),
      )
    }
  })

  it('sharpness does not rise with light, nor where noise lies over blur', () => {
    for (const { picture, face } of samples) {
      const sharp = measured(picture, face, 'sharpness')
      const darker = measured(expose(picture, 0.25), face, 'sharpness')
      expect(Math.abs(darker / sharp - 1)).toBeLessThan(0.2)
      // Where a pixel is a cell, noise is even over all frequencies, and its part can be told.
      const { x, y, width } = face.box
      const cells = crop(picture, { x, y, width, height: (4 / 3) * width }, 72 / width)
      const whole = { box: { x: 0, y: 0, width: 72, height: 96 } }
      const blurred = gaussianBlur(cells, 3)
      const plain = measured(blurred, whole, 'sharpness')
      const grainy = measured(addNoise(blurred, 12, randomOf('b')), whole, 'sharpness')
      expect(Math.abs(grainy - plain)).toBeLessThan(0.15)
      expect(grainy).toBeLessThan(measured(cells, whole, 'sharpness') / 2)
    }
  })

  it('noise rises with noise, and is its standard deviation', () => {
    for (const { picture, face } of samples) {
      expectRising([0, 10, 20, 40].map(sigma => measured(addNoise(picture, sigma, randomOf('n')), face, 'noise')))
    }
    // A pixel a cell; luma has the noise of three channels that are independent.
    const grey: Picture = { data: new Uint8Array(72 * 96 * 3).fill(128), width: 72, height: 96 }
    const face = { box: { x: 0, y: 0, width: 72, height: 96 } }
    for (const sigma of [4, 8, 16]) {
      const { noise, contrast } = assessQuality(addNoise(grey, sigma, randomOf('g')), face).measures
      const expected = (sigma / 255) * Math.hypot(0.2126, 0.7152, 0.0722)
      expect((noise.value * (contrast.value + 0.01)) / expected).toBeCloseTo(1, 1)
    }
  })

  it('brightness and burnt-out share rise with the exposure', () => {
    for (const { picture, face } of samples) {
      const stops = [-6, -4, -2, 0, 2, 4]
      expectRising(stops.map(stop => measured(expose(picture, 2 ** stop), face, 'brightness')))
      expectRising([1, 2, 3, 4].map(stop => measured(expose(picture, 2 ** stop), face, 'exposure')))
    }
  })

  it('contrast falls with a veil, evenness with the light on one half', () => {
    for (const { picture, face } of samples) {
      const veiled = (kept: number): Picture => ({
        ...picture,
        data: Uint8Array.from(picture.data, value => value * kept + 128 * (1 - kept)),
      })
      expectRising([0.05, 0.2, 0.5, 1].map(kept => measured(veiled(kept), face, 'contrast')))
      expect(measured(veiled(0.2), face, 'contrast') / measured(picture, face, 'contrast')).toBeCloseTo(0.2, 1)
      const middle = (face.landmarks as FivePoints)[2][0]
      const halved = (gain: number): Picture => {
        const dark = expose(picture, gain).data
        const column = (i: number): number => Math.floor(i / 3) % picture.width
        return { ...picture, data: picture.data.map((value, i) => (column(i) < middle ? dark[i] : value)) }
      }
      const darkened = [0.25, 0.06, 0].map(gain => measured(halved(gain), face, 'evenness'))
      expectRising(darkened)
      expect(darkened[2]).toBeGreaterThan(0.5)
    }
  })

  it('edge is the share that is cut off', () => {
    for (const { picture, face } of samples) {
      for (const side of [0, 1, 2, 3]) {
        const shares = [0.1, 0.3, 0.5].map(share => {
          const { picture: part, dx, dy } = cut(picture, face.box, share, side)
          const box = { ...face.box, x: face.box.x + dx, y: face.box.y + dy }
          const landmarks = face.landmarks?.map(([x, y]) => [x + dx, y + dy]) as unknown as FivePoints
          expect(measured(part, { box }, 'edge')).toBeCloseTo(share, 1)
          // A detector may draw its box at the edge: the points tell.
          return measured(part, { box: { ...box, width: 30, height: 30 }, landmarks }, 'edge')
        })
        // The points of a face see a little less of its edge than the box of this one, or more.
        expect(shares[1]).toBeGreaterThan(shares[0])
        expect(shares[2]).toBeGreaterThan(shares[1])
        expect(Math.abs(shares[2] - 0.5)).toBeLessThan(0.2)
      }
    }
  })

  it('pose is the angle off the axis; roll does not count', () => {
    const { picture } = samples[0]
    for (const [yaw, pitch, roll, angle] of [
      [0, 0, 0, 0],
      [40, 0, 0, 40],
      [0, -30, 0, 30],
      [-25, 0, 30, 25],
      [30, 30, 0, 41.41],
    ]) {
      const face = { box: { x: 50, y: 50, width: 100, height: 130 }, landmarks: posed(yaw, pitch, roll) }
      expect(measured(picture, face, 'pose')).toBeCloseTo(angle, 1)
    }
  })

  it('confidence is the score of the detector', () => {
    const { picture, face } = samples[0]
    expect(measured(picture, { ...face, score: 0.8 }, 'confidence')).toBe(0.8)
  })
})

/** The mean face turned, by pitch first, then yaw, then roll, around (100, 110), 40 pixels between the eyes. */
function posed(yaw: number, pitch: number, roll: number): FivePoints {
  const [a, b, c] = [yaw, pitch, roll].map(degrees => (degrees * Math.PI) / 180)
  return FACE_TEMPLATE.map(([x, y, z]) => {
    // The nose (z < 0) goes up with pitch and right with yaw.
    const y1 = y * Math.cos(b) + z * Math.sin(b)
    const z1 = z * Math.cos(b) - y * Math.sin(b)
    const x2 = x * Math.cos(a) - z1 * Math.sin(a)
    return [100 + 40 * (x2 * Math.cos(c) - y1 * Math.sin(c)), 110 + 40 * (x2 * Math.sin(c) + y1 * Math.cos(c))] as const
  }) as unknown as FivePoints
}

describe('reasons', () => {
  it('come with what is wrong, and go with it', () => {
    const [{ picture, face }] = samples
    const codes = (worse: Picture, other: AssessableFace = face): string[] =>
      assessQuality(worse, other).reasons.map(({ code }) => code)
    expect(codes(picture)).toEqual([])
    expect(codes(gaussianBlur(picture, 6))).toContain('blurred')
    expect(codes(addNoise(picture, 60, randomOf('r')))).toContain('noisy')
    expect(codes(expose(picture, 2 ** -8))).toContain('too-dark')
    expect(codes(expose(picture, 2 ** 4))).toEqual(expect.arrayContaining(['too-bright', 'burnt-out']))
    const flat = picture.data.map(value => value * 0.05 + 120)
    expect(codes({ ...picture, data: flat })).toContain('low-contrast')
    const middle = picture.width / 2
    const half = picture.data.map((value, i) => (Math.floor(i / 3) % picture.width < middle ? value / 10 : value))
    expect(codes({ ...picture, data: half })).toContain('uneven-light')
    const small = scaled(samples[0], 0.12)
    expect(codes(small.picture, small.face)).toContain('too-small')
    expect(codes(picture, { ...face, landmarks: posed(50, 0, 0) })).toContain('turned')
    expect(codes(picture, { ...face, landmarks: posed(0, -55, 0) })).toContain('tilted')
    expect(codes(picture, { ...face, score: 0.71 })).toContain('uncertain')
    const { picture: part, dx } = cut(picture, face.box, 0.5, 0)
    expect(codes(part, { box: { ...face.box, x: face.box.x + dx } })).toContain('cut-off')
  })

  it('say what to do, and which way', () => {
    const [{ picture, face }] = samples
    const message = (other: AssessableFace): string => assessQuality(picture, other).reasons[0].message
    expect(message({ ...face, landmarks: posed(55, 0, 0) })).toMatch(/turned 55 degrees to the right of the picture/)
    expect(message({ ...face, landmarks: posed(-55, 0, 0) })).toMatch(/to the left/)
    expect(message({ ...face, landmarks: posed(0, 55, 0) })).toMatch(/55 degrees up/)
    expect(message({ ...face, landmarks: posed(0, -55, 0) })).toMatch(/55 degrees down/)
    const { reasons } = assessQuality(picture, { box: { x: 100, y: 100, width: 12, height: 16 } })
    expect(reasons.find(({ code }) => code === 'too-small')?.message).toMatch(/12 pixels wide; \d+ are enough/)
  })

  it('come the worst first, at the score that is asked for', () => {
    const [{ picture, face }] = samples
    const worse = gaussianBlur(expose(picture, 2 ** 3), 2)
    const all = assessQuality(worse, face, { reasonBelow: 1 })
    const scores = all.reasons.map(({ measure }) => all.measures[measure]?.score ?? 1)
    expect(scores).toEqual([...scores].sort((a, b) => a - b))
    expect(scores.length).toBeGreaterThan(1)
    expect(assessQuality(worse, face, { reasonBelow: 0 }).reasons).toEqual([])
  })
})

describe('the score', () => {
  it('is the product of what each measure leaves, from 0 to 1', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const { float, integer } = random(seed)
      const picture = expose(noise(integer(1, 90), integer(1, 90), seed), float(0, 3))
      const face = {
        box: { x: float(-40, 60), y: float(-40, 60), width: float(1, 80), height: float(1, 80) },
        ...(seed % 2 && { score: float() }),
      }
      const { score, measures } = assessQuality(picture, face)
      const product = Object.entries(measures).reduce(
        (left, [name, { score }]) => left * (1 - QUALITY_WEIGHTS[name as QualityMeasureName] * (1 - score)),
        1,
      )
      for (const measure of Object.values(measures)) {
        expect(Number.isFinite(measure.value)).toBe(true)
        expect(measure.score).toBeGreaterThanOrEqual(0)
        expect(measure.score).toBeLessThanOrEqual(1)
      }
      expect([0, product]).toContain(score)
    }
  })

  it('follows other weights and limits', () => {
    const [{ picture, face }] = samples
    const worse = gaussianBlur(picture, 4)
    const none = Object.fromEntries(Object.keys(QUALITY_WEIGHTS).map(name => [name, 0]))
    expect(assessQuality(worse, face, { weights: none }).score).toBe(1)
    expect(assessQuality(worse, face, { weights: { ...none, sharpness: 1 } }).score).toBeCloseTo(
      assessQuality(worse, face).measures.sharpness.score,
      12,
    )
    const { measures, reasons } = assessQuality(picture, face, { limits: { size: [200, 400] } })
    expect(measures.size.score).toBe(0)
    expect(reasons[0].message).toMatch(/400 are enough/)
    expect(assessQuality(picture, face, { limits: { size: undefined } })).toEqual(assessQuality(picture, face))
  })

  it('falls with each thing that was found to cost matches', () => {
    for (const { picture, face } of samples) {
      const { score } = assessQuality(picture, face)
      for (const worse of [gaussianBlur(picture, 6), addNoise(picture, 50, randomOf('s'))]) {
        expect(assessQuality(worse, face).score).toBeLessThan(score - 0.1)
      }
    }
  })
})

describe('extreme input', () => {
  const box = { x: 0, y: 0, width: 1, height: 1 }

  it('gives a low score, not an error, where there is little to see', () => {
    const pixel: Picture = { data: new Uint8Array([90, 80, 70]), width: 1, height: 1 }
    const tiny = assessQuality(pixel, { box })
    expect(tiny.measures.size.score).toBe(0)
    expect(tiny.measures.sharpness.score).toBe(0)
    for (const value of [0, 255]) {
      const flat: Picture = { data: new Uint8Array(200 * 200 * 3).fill(value), width: 200, height: 200 }
      const { measures, reasons, score } = assessQuality(flat, { box: { x: 50, y: 40, width: 90, height: 120 } })
      expect([measures.brightness.score, measures.contrast.score, measures.sharpness.score]).toEqual([0, 0, 0])
      expect(reasons.map(({ code }) => code)).toContain(value === 0 ? 'too-dark' : 'too-bright')
      expect(score).toBeLessThan(0.75)
    }
  })

  it('of a face outside the picture says that alone', () => {
    const { picture } = samples[0]
    for (const outside of [
      { x: -500, y: 0, width: 100, height: 130 },
      { x: 0, y: 1e7, width: 100, height: 130 },
      { x: -99.9, y: -129.9, width: 100, height: 130 },
      { x: -1e9, y: -1e9, width: 2e9, height: 2e9 },
    ]) {
      const { score, reasons } = assessQuality(picture, { box: outside })
      expect(score).toBe(0)
      expect(reasons.map(({ code }) => code)).toEqual(['cut-off'])
    }
  })

  it('is refused where it makes no sense', () => {
    const { picture, face } = samples[0]
    const points = face.landmarks as FivePoints
    const point = points[0]
    const faces: AssessableFace[] = [
      { box: { ...box, width: 0 } },
      { box: { ...box, height: -1 } },
      { box: { ...box, x: Number.NaN } },
      { box: { ...box, width: Number.POSITIVE_INFINITY } },
      { box, landmarks: [point, point, point, point, point] },
      { box, landmarks: points.slice(0, 4) as unknown as FivePoints },
      { box, landmarks: [[Number.NaN, 0], ...points.slice(1)] as unknown as FivePoints },
      { box, score: 1.1 },
      { box, score: Number.NaN },
    ]
    for (const wrong of faces) expect(() => assessQuality(picture, wrong)).toThrow(refused)
    for (const wrong of [
      { data: picture.data.subarray(1), width: picture.width, height: picture.height },
      { data: new Uint8Array(0), width: 0, height: 0 },
    ]) {
      expect(() => assessQuality(wrong, face)).toThrow(refused)
    }
    for (const options of [
      { reasonBelow: 2 },
      { weights: { size: -1 } },
      { weights: { size: Number.NaN } },
      { limits: { size: [40, 40] as const } },
      { limits: { noise: [Number.NaN, 1] as const } },
      { limits: { brightness: [0.5, 0.2, 0.6, 0.9] as const } },
    ]) {
      expect(() => assessQuality(picture, face, options)).toThrow(refused)
    }
  })
})

describe('limits and weights', () => {
  it('are in use for every measure', () => {
    expect(Object.keys(QUALITY_LIMITS)).toEqual(Object.keys(QUALITY_WEIGHTS))
    for (const weight of Object.values(QUALITY_WEIGHTS)) {
      expect(weight).toBeGreaterThanOrEqual(0)
      expect(weight).toBeLessThan(1)
    }
  })
})

describe('error against reject', () => {
  const comparison = (quality: number, failed: boolean, subject = 0) => ({ quality, failed, subject })

  it('falls as failed comparisons are rejected, and counts those of one quality by their share', () => {
    const sorted = byQuality([
      comparison(0.9, false),
      comparison(0.1, true),
      comparison(0.5, false),
      comparison(0.9, true),
    ])
    // Of four, one, two and three are rejected; the last cut goes through the two of quality 0.9.
    expect(rejectCurve(sorted, [0, 0.25, 0.5, 0.75])).toEqual([0.5, expect.closeTo(1 / 3, 12), 0.5, 0.5])
    expect(rejectCurve(oracle(sorted), [0, 0.25, 0.5])).toEqual([0.5, expect.closeTo(1 / 3, 12), 0])
    expect(rejectCurve(sorted, [0], [3])).toEqual([0.5])
  })

  it('gains nothing at random, and all there is with the best possible quality', () => {
    const { float } = random(4)
    const failed = Array.from({ length: 2000 }, () => float() < 0.1)
    const of = (quality: (failure: boolean) => number) => byQuality(failed.map(f => comparison(quality(f), f)))
    const best = oracle(of(() => 0))
    expect(
      gain(
        of(() => 0.5),
        best,
      ),
    ).toBeCloseTo(0, 12)
    expect(gain(best, best)).toBe(1)
    expect(rejectArea(best)).toBeLessThan(0.03)
    expect(
      gain(
        of(f => (f ? 0 : 0.2) + float()),
        best,
      ),
    ).toBeGreaterThan(0.1)
    expect(
      gain(
        of(f => (f ? 1 : 0)),
        best,
      ),
    ).toBeLessThan(0)
  })
})
