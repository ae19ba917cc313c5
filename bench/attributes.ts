/**
 * `npm run bench`, fourth part: emotion, age and gender of the faces of a photo, beside `@vladmandic/face-api`'s expressions, age and
 * gender of the same faces. In a process of its own: what ran before in the memory of WebAssembly changes times by a tenth and more.
 */
import { createRequire } from 'node:module'
import type { Tensor3D } from '@tensorflow/tfjs-core'
import { createAgeGenderClassifier, createEmotionClassifier, createSpoofClassifier } from '../src/attributes/index.ts'
import { startBackend } from '../src/backends/index.ts'
import { createMtcnn } from '../src/detect/index.ts'
import { decode } from '../src/image/index.ts'
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
  Rect: new (x: number, y: number, width: number, height: number) => object
  extractFaceTensors(photo: Tensor3D, boxes: readonly object[]): Promise<Tensor3D[]>
  predictAgeAndGender(input: unknown): Promise<unknown>
  recognizeFaceExpressions(input: unknown): Promise<unknown>
}
const require = createRequire(import.meta.url)
const faceApi = require('@vladmandic/face-api/dist/face-api.node-wasm.js') as Peer
const models = require.resolve('@vladmandic/face-api/package.json').replace(/package\.json$/, 'model')
await faceApi.nets.faceExpressionNet.loadFromDisk(models)
await faceApi.nets.ageGenderNet.loadFromDisk(models)
const whole = tf.tensor3d(Float32Array.from(photo.data), [photo.height, photo.width, 3])
const boxes = faces.map(({ box: { x, y, width, height } }) => new faceApi.Rect(x, y, width, height))
/** The faces as its detector hands them to its networks. */
const cut = (): Promise<Tensor3D[]> => faceApi.extractFaceTensors(whole, boxes)
const crops = await cut()
const inOneCall = async (tensors: readonly Tensor3D[]): Promise<void> => {
  await faceApi.recognizeFaceExpressions(tensors)
  await faceApi.predictAgeAndGender(tensors)
}
/** As its `withFaceExpressions()` and `withAgeAndGender()` do. */
const oneByOne = async (tensors: readonly Tensor3D[]): Promise<void> => {
  for (const tensor of tensors) {
    await faceApi.recognizeFaceExpressions(tensor)
    await faceApi.predictAgeAndGender(tensor)
  }
}

const [ours, emotions, ages, texture, classified, eachClassified, cutClassified] = await inTurns([
  () => Promise.all([emotion.classify(photo, faces), ageGender.classify(photo, faces)]),
  () => emotion.classify(photo, faces),
  () => ageGender.classify(photo, faces),
  () => spoof.classify(photo, faces),
  () => inOneCall(crops),
  () => oneByOne(crops),
  async () => {
    const tensors = await cut()
    await oneByOne(tensors)
    tf.dispose(tensors)
  },
])
tf.dispose([whole, ...crops])
const milliseconds = (ms: number): string => ms.toFixed(1)
console.log(`\nEmotion, age and gender of ${FACES} faces, cut out of the photo and classified; milliseconds, medians\n`)
row(['ours', 'emotion', 'age, gender', 'antispoof'])
row([ours, emotions, ages, texture].map(milliseconds))
console.log('\nExpression, age and gender of the same faces by face-api, and our time over its\n')
row(['cut, 1 by 1', 'ratio', 'not cut', 'ratio', 'in one call', 'ratio'])
row([cutClassified, eachClassified, classified].flatMap(ms => [milliseconds(ms), (ours / ms).toFixed(2)]))
console.log(
  '\ncut, 1 by 1: as it does it for a photo in Node. not cut: the same on faces that were cut out before. in one call: those, in one batch, for which ' +
    'one has to call its networks oneself. Its expression network is another than ours.',
)
