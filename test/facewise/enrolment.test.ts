import { describe, expect, test } from 'vitest'
import type { FaceQuality } from '../../src/attributes/index.ts'
import type { Face } from '../../src/detect/index.ts'
import { distance, type Embedding } from '../../src/embed/index.ts'
import { type Candidate, type Frame, faceToEnrol, selectFrames, templatesOf } from '../../src/facewise/enrolment.ts'
import { random } from '../random.ts'

const faceOf = (size: number): Face => ({ box: { x: 0, y: 0, width: size, height: size }, score: 1 })
const quality = (score: number, message?: string): FaceQuality =>
  ({ score, measures: {}, reasons: message ? [{ code: 'too-small', measure: 'size', message }] : [] }) as never
const candidate = (vector: readonly number[], score = 1, message?: string): Candidate => ({
  face: faceOf(100),
  quality: quality(score, message),
  embedding: { vector: Float32Array.from(vector), model: 'm' },
})
const apart = (a: Embedding, b: Embedding): number => distance(a.vector, b.vector, 'cosine')

describe('the face of a frame', () => {
  test('is the only one, or one before which all others are bystanders', () => {
    expect(faceToEnrol([])).toMatchObject({ code: 'no-face' })
    const [large, small] = [faceOf(100), faceOf(60)]
    expect(faceToEnrol([small])).toBe(small)
    expect(faceToEnrol([small, large])).toBe(large)
    expect(faceToEnrol([faceOf(90), large])).toMatchObject({ code: 'several-faces' })
  })
})

describe('choosing frames', () => {
  test('keeps what is good and tells why the rest is not', () => {
    const frames: Frame[] = [
      candidate([1, 0, 0]),
      { reason: { code: 'no-face', message: 'No face.' } },
      candidate([1, 0.02, 0], 0.2, 'Come closer.'),
      candidate([1, 0.01, 0.01]),
      candidate([1, 0.01, 0], 0.4),
    ]
    const { frames: told, accepted } = selectFrames(frames, 0.5, 0.05, apart)
    expect(told.map(frame => frame.accepted)).toEqual([true, false, false, true, false])
    expect(told[1]).toEqual({ accepted: false, reasons: [{ code: 'no-face', message: 'No face.' }] })
    expect(told[2].reasons).toEqual([{ code: 'too-small', message: 'Come closer.' }])
    expect(told[4].reasons[0].code).toBe('low-quality')
    expect(accepted).toHaveLength(2)
  })

  test('leaves out the frame of another person, wherever it stands', () => {
    const { float } = random(3)
    for (let round = 0; round < 50; round++) {
      const own = Array.from({ length: 4 }, () => candidate([1, float(-0.05, 0.05), float(-0.05, 0.05)]))
      const other = candidate([0, 1, float(-0.1, 0.1)])
      const at = round % 5
      const frames = [...own.slice(0, at), other, ...own.slice(at)]
      const { frames: told, accepted } = selectFrames(frames, 0.5, 0.07, apart)
      expect(told.map(frame => frame.accepted)).toEqual(frames.map((_, i) => i !== at))
      expect(told[at].reasons[0].code).toBe('another-person')
      expect(accepted).not.toContain(other)
    }
  })

  test('takes neither of two that are far apart', () => {
    const { accepted } = selectFrames([candidate([1, 0, 0]), candidate([0, 1, 0])], 0.5, 0.07, apart)
    expect(accepted).toEqual([])
  })

  test('one frame stands for itself', () => {
    expect(selectFrames([candidate([1, 0, 0])], 0.5, 0.07, apart).accepted).toHaveLength(1)
  })
})

describe('templates', () => {
  const accepted = [candidate([1, 0, 0], 0.7), candidate([0.6, 0.8, 0], 0.9), candidate([0, 1, 0], 0.8)]

  test('all, the best, so many', () => {
    expect(templatesOf(accepted, 'all', 'cosine')).toHaveLength(3)
    expect(templatesOf(accepted, 'best', 'cosine')).toEqual([accepted[1].embedding.vector])
    expect(templatesOf(accepted, 2, 'cosine')).toEqual([accepted[1].embedding.vector, accepted[2].embedding.vector])
    expect(templatesOf(accepted, 9, 'cosine')).toHaveLength(3)
  })

  test('the mean: of length 1 where angles are compared, as it is elsewhere', () => {
    const [mean] = templatesOf(accepted, 'mean', 'cosine')
    expect(Math.hypot(...mean)).toBeCloseTo(1, 6)
    expect(mean[0] / mean[1]).toBeCloseTo(1.6 / 1.8, 6)
    const [plain] = templatesOf(accepted, 'mean', 'euclidean')
    expect(plain[1]).toBeCloseTo(0.6, 6)
  })

  test.each([0, -1, 1.5, Number.NaN])('%s templates are none', count => {
    expect(() => templatesOf(accepted, count, 'cosine')).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })
})
