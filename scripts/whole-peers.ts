/**
 * Other libraries as their users call them, from a picture to faces with descriptors: `@vladmandic/face-api` and `@vladmandic/human`, in
 * Node on WebAssembly, with their own detectors, weights and defaults.
 */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Tensor } from '@tensorflow/tfjs-core'
import type { Engine } from '../src/backends/index.ts'
import type { AlignableFace, Embedder } from '../src/embed/index.ts'
import { createEmbedder } from '../src/embed/index.ts'
import type { Box, Picture } from '../src/image/index.ts'

const require = createRequire(import.meta.url)
const modules = fileURLToPath(new URL('../node_modules', import.meta.url))

/** A face as another library finds it. */
export interface PeerFace {
  readonly box: Box
  readonly score: number
  readonly descriptor: Float32Array
  readonly age: number
  readonly gender: string
  /** The surest expression or emotion, in the library's own word. */
  readonly expression: string
}

interface FaceApi {
  nets: Record<string, { loadFromDisk(folder: string): Promise<void> }>
  computeFaceDescriptor(crop: Tensor): Promise<Float32Array>
  detectAllFaces(picture: Tensor): {
    withFaceLandmarks(): {
      withFaceDescriptors(): {
        withAgeAndGender(): {
          withFaceExpressions(): Promise<
            {
              detection: { box: Box; score: number }
              descriptor: Float32Array
              age: number
              gender: string
              expressions: { asSortedArray(): { expression: string }[] }
            }[]
          >
        }
      }
    }
  }
}

/** face-api on `engine`, of whose copy of TensorFlow.js it takes part: SSD at its default confidence, 68 landmarks, descriptors. */
export async function loadFaceApi({ tf }: Engine): Promise<{
  find(picture: Picture): Promise<PeerFace[]>
  /** The descriptor of an aligned crop, of any size. */
  describeCrop(crop: Picture): Promise<Float32Array>
}> {
  const faceApi = require('@vladmandic/face-api/dist/face-api.node-wasm.js') as FaceApi
  const nets = ['ssdMobilenetv1', 'faceLandmark68Net', 'faceRecognitionNet', 'ageGenderNet', 'faceExpressionNet']
  for (const net of nets) await faceApi.nets[net].loadFromDisk(join(modules, '@vladmandic', 'face-api', 'model'))
  async function withTensor<T>({ data, width, height }: Picture, use: (tensor: Tensor) => Promise<T>): Promise<T> {
    const tensor = tf.tensor3d(Int32Array.from(data), [height, width, 3], 'int32')
    try {
      return await use(tensor)
    } finally {
      tensor.dispose()
    }
  }
  return {
    find: picture =>
      withTensor(picture, async tensor => {
        const faces = await faceApi
          .detectAllFaces(tensor)
          .withFaceLandmarks()
          .withFaceDescriptors()
          .withAgeAndGender()
          .withFaceExpressions()
        return faces.map(({ detection, expressions, ...face }) => ({
          ...face,
          box: boxOf(detection.box),
          score: detection.score,
          expression: expressions.asSortedArray()[0].expression,
        }))
      }),
    describeCrop: crop => withTensor(crop, tensor => faceApi.computeFaceDescriptor(tensor)),
  }
}

interface Human {
  load(): Promise<void>
  detect(picture: Tensor): Promise<{
    error: string | null
    face: {
      score: number
      box: readonly [number, number, number, number]
      embedding: number[]
      age: number
      gender: string
      emotion: { emotion: string }[]
    }[]
  }>
  tf: Engine['tf']
  match: {
    similarity(a: readonly number[], b: readonly number[]): number
    find(
      of: readonly number[],
      among: readonly (readonly number[])[],
      options?: object,
    ): { index: number; similarity: number }
  }
}

/** human with its defaults, but for several faces a picture, and no bodies, hands and objects. `close` ends what serves its models. */
export async function loadHuman(): Promise<{
  find(picture: Picture): Promise<PeerFace[]>
  readonly match: Human['match']
  close(): void
}> {
  const folder = join(modules, '@vladmandic', 'human')
  const { Human } = require(join(folder, 'dist', 'human.node-wasm.js')) as { Human: new (config: unknown) => Human }
  const models = await serveHumanModels()
  const human = new Human({
    backend: 'wasm',
    wasmPath: join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'dist/'),
    modelBasePath: models.address,
    face: { detector: { maxDetected: 20 } },
    filter: { enabled: false },
    body: { enabled: false },
    hand: { enabled: false },
    object: { enabled: false },
    gesture: { enabled: false },
    // Pictures here are no frames of one video.
    cacheSensitivity: 0,
  })
  await human.load()
  return {
    async find({ data, width, height }) {
      const tensor = human.tf.tensor4d(Float32Array.from(data), [1, height, width, 3])
      try {
        const { face, error } = await human.detect(tensor)
        if (error) throw new Error(error)
        return face.map(({ box: [x, y, w, h], embedding, emotion, ...rest }) => ({
          ...rest,
          box: { x, y, width: w, height: h },
          descriptor: Float32Array.from(embedding),
          expression: emotion[0]?.emotion ?? '',
        }))
      } finally {
        tensor.dispose()
      }
    },
    match: human.match,
    close: models.close,
  }
}

/**
 * The embedder of dlib's network on the crop that face-api cuts out, an upright square (`FaceLandmarks.alignDlib`), as near as five
 * points come to 68: its embeddings can be compared with stored descriptors. `faceApiFace` says which square.
 */
export function createFaceApiEmbedder(backend: Engine): Promise<Embedder> {
  const alignment = { kind: 'box', margin: { x: 0, y: 0, unit: 'share' } } as const
  return createEmbedder('dlib-resnet-128', { backend, alignment })
}

/** The square about a face that face-api gives to its network. */
export function faceApiFace({ landmarks }: AlignableFace): AlignableFace {
  if (!landmarks) throw new Error('This needs landmarks.')
  const [leftEye, rightEye, , leftMouth, rightMouth] = landmarks
  const mouth = [(leftMouth[0] + rightMouth[0]) / 2, (leftMouth[1] + rightMouth[1]) / 2] as const
  const far = (eye: typeof leftEye): number => Math.hypot(eye[0] - mouth[0], eye[1] - mouth[1])
  const size = (far(leftEye) + far(rightEye)) / 2 / 0.45
  const [x, y] = [0, 1].map(axis => (leftEye[axis] + rightEye[axis] + mouth[axis]) / 3)
  return { box: { x: x - 0.5 * size, y: y - 0.43 * size, width: size, height: size } }
}

/** Plain numbers: theirs are getters of a class. */
function boxOf({ x, y, width, height }: Box): Box {
  return { x, y, width, height }
}

/** Serves the models of human's package: on WebAssembly in Node it can load them over HTTP alone. */
export async function serveHumanModels(): Promise<{ readonly address: string; close(): void }> {
  const folder = join(modules, '@vladmandic', 'human', 'models')
  const server = createServer((request, response) => {
    response.end(readFileSync(join(folder, basename(request.url ?? ''))))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { address: `http://127.0.0.1:${port}/`, close: () => void server.close() }
}
