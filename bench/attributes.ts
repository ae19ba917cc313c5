/**
 * `npm run bench`, fourth part: emotion, age and gender of the faces of a photo, beside `@vladmandic/face-api`'s expressions, age and
 * gender of the same faces. In a process of its own: what ran before in the memory of WebAssembly changes times by a tenth and more.
 */
import { createRequire } from 'node:module'
import { createAgeGenderClassifier, createEmotionClassifier, createSpoofClassifier } from '../src/attributes/index.ts'
import { startBackend } from '../src/backends/index.ts'
import { createMtcnn, type Face } from '../src/detect/index.ts'
import { decode, type Picture } from '../src/image/index.ts'
import { samplePhoto } from '../test/data.ts'
import { inTurns, row } from './timing.ts'

/** Faces of one call. */
const FACES = 6

const engine = await startBackend({ prefer: 'wasm' })
const { tf } = engine
const photo = await decode(samplePhoto(5))
const detector = await createMtcnn({ backend: engine, minFaceSize: 60 })
const found = await detector.detect(photo)
detector.dispose()
const faces = Array.from({ length: FACES }, (_, i) => found[i % found.length])

const emotion = await createEmotionClassifier(undefined, { backend: engine })
const ageGender = await createAgeGenderClassifier(undefined, { backend: engine })
const spoof = await createSpoofClassifier(undefined, { backend: engine })

interface Peer {
  nets: Record<'faceExpressionNet' | 'ageGenderNet', { loadFromDisk(folder: string): Promise<void> }>
  predictAgeAndGender(input: unknown): Promise<unknown>
  recognizeFaceExpressions(input: unknown): Promise<unknown>
}
const require = createRequire(import.meta.url)
const faceApi = require('@vladmandic/face-api/dist/face-api.node-wasm.js') as Peer
const models = require.resolve('@vladmandic/face-api/package.json').replace(/package\.json$/, 'model')
await faceApi.nets.faceExpressionNet.loadFromDisk(models)
await faceApi.nets.ageGenderNet.loadFromDisk(models)
// What its detector hands to its networks: the faces, cut out, as tensors.
const crops = faces.map(face => cut(photo, face))

const [ours, emotions, ages, together, oneByOne, texture] = await inTurns([
  () => Promise.all([emotion.classify(photo, faces), ageGender.classify(photo, faces)]),
  () => emotion.classify(photo, faces),
  () => ageGender.classify(photo, faces),
  async () => {
    await faceApi.recognizeFaceExpressions(crops)
    await faceApi.predictAgeAndGender(crops)
  },
  async () => {
    for (const crop of crops) {
      await faceApi.recognizeFaceExpressions(crop)
      await faceApi.predictAgeAndGender(crop)
    }
  },
  () => spoof.classify(photo, faces),
])
console.log(`\nEmotion, age and gender of ${FACES} faces, milliseconds, medians\n`)
row(['ours', 'emotion', 'age, gender', 'face-api', 'ratio', 'one by one', 'ratio', 'antispoof'])
row([
  ...[ours, emotions, ages, together].map(ms => ms.toFixed(1)),
  (ours / together).toFixed(2),
  oneByOne.toFixed(1),
  (ours / oneByOne).toFixed(2),
  texture.toFixed(1),
])
console.log(
  '\nours: cut out of the photo and classified. face-api: faces cut out before, all in one call; one by one: as its withFaceExpressions() and ' +
    'withAgeAndGender() do. Its expression network is another than ours.',
)

/** The face's box as a tensor. */
function cut({ data, width }: Picture, { box }: Face): unknown {
  const [x, y, w, h] = [box.x, box.y, box.width, box.height].map(Math.floor)
  const bytes = new Float32Array(w * h * 3)
  for (let row = 0; row < h; row++) {
    const from = ((y + row) * width + x) * 3
    bytes.set(data.subarray(from, from + w * 3), row * w * 3)
  }
  return tf.tensor3d(bytes, [h, w, 3], 'float32')
}
