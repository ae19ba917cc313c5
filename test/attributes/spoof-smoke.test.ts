import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createSpoofClassifier, SPOOF_MODELS } from '../../src/attributes/index.ts'
import { type Engine, startBackend } from '../../src/backends/index.ts'
import { createMtcnn, type Mtcnn, oneFace } from '../../src/detect/index.ts'
import { decode } from '../../src/image/index.ts'
import { developmentData } from '../data.ts'

/**
 * A smoke test, no more: four stills and some frames can show that the passive classifiers run and answer, not that they work. The
 * guide on liveness has the table.
 */
describe.skipIf(!developmentData)('passive liveness on four stills and frames of living people (smoke test)', () => {
  let engine: Engine
  let detector: Mtcnn
  const folder = join(developmentData ?? '', 'data', 'liveness')
  beforeAll(async () => {
    engine = await startBackend({ prefer: 'wasm' })
    detector = await createMtcnn({ backend: engine })
  })
  afterAll(() => detector.dispose())

  async function scoreOf(classify: Awaited<ReturnType<typeof createSpoofClassifier>>, path: string): Promise<number> {
    const picture = await decode(join(folder, path))
    const faces = await detector.detect(picture)
    expect(faces.length, path).toBeGreaterThan(0)
    return (await classify.classify(picture, [oneFace(faces, picture, 'center')]))[0].score
  }

  test.each(SPOOF_MODELS)('%s answers for every picture', async name => {
    const classifier = await createSpoofClassifier(name, { backend: engine })
    for (const sequence of readdirSync(join(folder, 'frames'))) {
      const [first] = readdirSync(join(folder, 'frames', sequence)).sort()
      const score = await scoreOf(classifier, join('frames', sequence, first))
      expect(score).toBeGreaterThan(0.5)
      expect(score).toBeLessThanOrEqual(1)
    }
    classifier.dispose()
  })

  test('antispoof puts the living still before the print and the tablets, though not far', async () => {
    const classifier = await createSpoofClassifier('antispoof', { backend: engine })
    const live = await scoreOf(classifier, 'spoof/minivision_image_T1.jpg')
    for (const fake of ['minivision_image_F1.jpg', 'minivision_image_F2.jpg', 'hyperfas_fake_screen.png']) {
      expect(await scoreOf(classifier, `spoof/${fake}`)).toBeLessThan(live)
    }
    classifier.dispose()
  })
})
