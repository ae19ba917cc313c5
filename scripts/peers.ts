/**
 * Other libraries' own classifiers on their own weights, for comparison: of `@vladmandic/face-api` through its public interface; of
 * `@vladmandic/human`, which has none for a picture of a face alone, from its published sources: the modules that prepare a picture, run a
 * network and read its numbers, with nothing changed but where the graph is loaded from.
 */
import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { GraphModel } from '@tensorflow/tfjs-converter'
import type { Tensor3D, Tensor4D } from '@tensorflow/tfjs-core'
import { build } from 'esbuild'
import type { Engine } from '../src/backends/index.ts'
import type { Picture } from '../src/image/index.ts'

const require = createRequire(import.meta.url)
const root = fileURLToPath(new URL('..', import.meta.url))
const human = join(root, 'node_modules', '@vladmandic', 'human')

/** What the other libraries say of a picture of one face. */
export interface Peers {
  /** face-api's expressions, the surest first. */
  expressions(pictures: readonly Picture[]): Promise<string[]>
  /** face-api's age and gender. */
  ageGender(pictures: readonly Picture[]): Promise<{ age: number; gender: string }[]>
  /** human's emotion with the highest score; undefined where it gives none. */
  emotion(picture: Picture): Promise<string | undefined>
  /** human's age and gender. */
  faceres(picture: Picture): Promise<{ age: number; gender: string }>
  /** human's two scores against spoofing. */
  antispoof(picture: Picture): Promise<number>
  liveness(picture: Picture): Promise<number>
}

interface FaceApi {
  nets: Record<
    'ageGenderNet' | 'faceExpressionNet',
    {
      loadFromDisk(folder: string): Promise<void>
      predictAgeAndGender(input: Tensor3D[]): Promise<{ age: number; gender: string }[]>
      predictExpressions(input: Tensor3D[]): Promise<{ asSortedArray(): { expression: string }[] }[]>
    }
  >
}

/** human's modules; `config` is theirs, `index` and `count` serve a cache between frames, which is off here. */
interface HumanPart<T> {
  load(config: unknown): Promise<GraphModel>
  predict(image: Tensor4D, config: unknown, index: number, count: number): Promise<T>
}
interface Human {
  emotion: HumanPart<{ score: number; emotion: string }[]>
  faceres: HumanPart<{ age: number; gender: string }>
  antispoof: HumanPart<number>
  liveness: HumanPart<number>
}

/** face-api's names of expressions in ours. */
const EXPRESSIONS: Readonly<Record<string, string>> = {
  fearful: 'fear',
  disgusted: 'disgust',
  surprised: 'surprise',
}

/** Loads them all on `engine`, which they share: one copy of TensorFlow.js in a program. */
export async function loadPeers(engine: Engine): Promise<Peers> {
  const { tf } = engine
  const faceApi = require('@vladmandic/face-api/dist/face-api.node-wasm.js') as FaceApi
  const models = join(dirname(require.resolve('@vladmandic/face-api/package.json')), 'model')
  const { ageGenderNet, faceExpressionNet } = faceApi.nets
  await ageGenderNet.loadFromDisk(models)
  await faceExpressionNet.loadFromDisk(models)
  // Here for human's own configuration, which keeps an answer for 99 frames.
  const part = (name: string) => ({ enabled: true, modelPath: `${name}.json`, minConfidence: 0, crop: 0 })
  const config = {
    skipAllowed: false,
    face: {
      emotion: part('emotion'),
      description: part('faceres'),
      antispoof: part('antispoof'),
      liveness: part('liveness'),
    },
  }
  const theirs = await importHuman(engine)
  for (const name of ['emotion', 'faceres', 'antispoof', 'liveness'] as const) await theirs[name].load(config)

  async function withTensors<T>(pictures: readonly Picture[], use: (tensors: Tensor3D[]) => Promise<T>): Promise<T> {
    const tensors = pictures.map(({ data, width, height }) =>
      tf.tensor3d(Float32Array.from(data), [height, width, 3], 'float32'),
    )
    try {
      return await use(tensors)
    } finally {
      tf.dispose(tensors)
    }
  }
  async function ask<K extends keyof Human>(
    name: K,
    { data, width, height }: Picture,
  ): Promise<Awaited<ReturnType<Human[K]['predict']>>> {
    // Its detector hands over pictures from 0 to 1.
    const image = tf.tensor4d(
      Float32Array.from(data, byte => byte / 255),
      [1, height, width, 3],
    )
    try {
      return (await theirs[name].predict(image, config, 0, 1)) as Awaited<ReturnType<Human[K]['predict']>>
    } finally {
      tf.dispose(image)
    }
  }
  return {
    expressions: pictures =>
      withTensors(pictures, async tensors =>
        (await faceExpressionNet.predictExpressions(tensors)).map(result => {
          const [{ expression }] = result.asSortedArray()
          return EXPRESSIONS[expression] ?? expression
        }),
      ),
    ageGender: pictures => withTensors(pictures, tensors => ageGenderNet.predictAgeAndGender(tensors)),
    emotion: async picture => (await ask('emotion', picture))[0]?.emotion,
    faceres: picture => ask('faceres', picture),
    antispoof: picture => ask('antispoof', picture),
    liveness: picture => ask('liveness', picture),
  }
}

/** human's modules, bundled from its sources. */
async function importHuman({ converter, tf }: Engine): Promise<Human> {
  const cache = join(root, 'node_modules', '.cache', 'facewise-peers')
  mkdirSync(cache, { recursive: true })
  // Of this process alone: tests beside it write theirs.
  const outfile = join(cache, `human-${randomUUID()}.mjs`)
  await build({
    stdin: {
      contents: ['gear/emotion', 'face/faceres', 'face/antispoof', 'face/liveness']
        .map(path => `export * as ${path.split('/')[1]} from '${join(human, 'src', path)}'`)
        .join('\n'),
      resolveDir: root,
    },
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    external: ['@tensorflow/*'],
    logLevel: 'error',
    plugins: [
      {
        name: 'surroundings',
        setup(pluginBuild) {
          // Its copy of TensorFlow.js is ours; graphs come from its folder; what it learns of the machine is not asked for here.
          pluginBuild.onResolve({ filter: /^dist\/tfjs\.esm\.js$/ }, () => ({
            path: '@tensorflow/tfjs-core',
            external: true,
          }))
          pluginBuild.onResolve({ filter: /\/tfjs\/load$/ }, () => ({ path: 'load', namespace: 'surroundings' }))
          pluginBuild.onResolve({ filter: /\/util\/env$/ }, () => ({ path: 'env', namespace: 'surroundings' }))
          pluginBuild.onLoad({ filter: /.*/, namespace: 'surroundings' }, ({ path }) => ({
            contents:
              path === 'load'
                ? 'export const loadModel = path => globalThis.facewisePeerModel(path)'
                : 'export const env = { initial: false, kernels: [] }',
          }))
        },
      },
    ],
  })
  Object.assign(globalThis, {
    facewisePeerModel: (path: string) => {
      const { modelTopology, weightsManifest } = JSON.parse(readFileSync(join(human, 'models', path), 'utf8'))
      const weightData = Uint8Array.from(readFileSync(join(human, 'models', path.replace(/\.json$/, '.bin')))).buffer
      const weightSpecs = weightsManifest[0].weights
      return converter.loadGraphModel(tf.io.fromMemory({ modelTopology, weightSpecs, weightData }))
    },
  })
  return import(pathToFileURL(outfile).href).finally(() => rmSync(outfile))
}
