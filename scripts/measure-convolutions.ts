/**
 * `npm run measure:convolutions -- [--condition small|mask] [--epochs N] [--batch N] [--rate R]`: what it gains to learn an embedder's convolutions
 * for hard faces, where a head over its embeddings does not help.
 *
 * Distillation: the network sees a hard picture of a face and is drawn to the embedding that it had of the plain one before it learned, and
 * likewise for the plain picture, so that it stays comparable with what is enrolled. Nobody's name is used. It learns from the pictures of
 * `pairs-train.csv` of LFW View 1 in the folder that `FACEWISE_DATA` names, small ones in several sizes, all of them also mirrored, and is
 * measured once on `pairs-test.csv`, whose people are others.
 *
 * It needs a backend with the gradients of convolutions: `node scripts/native-backend.mjs` first. Half an hour on two cores.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Tensor2D, Tensor4D } from '@tensorflow/tfjs-core'
import { startBackend } from '../src/backends/index.ts'
import { createMtcnn, oneFace } from '../src/detect/index.ts'
import {
  alignCrops,
  DEFAULT_EMBEDDER,
  type EmbedderManifest,
  mirror,
  parsePairs,
  scorePairs,
} from '../src/embed/index.ts'
import { decode } from '../src/image/index.ts'
import { distance } from '../src/metrics.ts'
import { findModel } from '../src/models/index.ts'
import { requireConvolutionGradients, withGradients } from '../src/train/gradients.ts'
import { cosineDecay, randomFrom } from '../src/train/index.ts'
import { createOptimiser } from '../src/train/optimisers.ts'
import { shuffle } from '../src/train/random.ts'
import { picturesOf } from './training/embeddings.ts'
import { type GraphNetwork, graphNetwork } from './training/graph-network.ts'
import { harden, SMALL_SIDE, shrink } from './training/harden.ts'

const { values: options } = parseArgs({
  options: {
    condition: { type: 'string', default: 'small' },
    epochs: { type: 'string', default: '6' },
    batch: { type: 'string', default: '12' },
    rate: { type: 'string', default: '0.0001' },
  },
})
const condition = options.condition === 'mask' ? 'mask' : 'small'
const [epochs, batch, rate] = [options.epochs, options.batch, options.rate].map(Number)
/** Widths in which a face is learned, in pixels. */
const SIDES = [16, 20, SMALL_SIDE, 32] as const
const FAR = 1e-2
const ROWS = 32

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(resolve(root, process.env.FACEWISE_DATA ?? '../shared'), 'data', 'lfw-dev')
if (!existsSync(folder)) throw new Error(`There is no ${folder}: FACEWISE_DATA names the folder with the data.`)

const engine = await startBackend({ prefer: ['native'] })
const tf = await withGradients(engine)
requireConvolutionGradients(engine)
const { manifest: found, source } = await findModel(DEFAULT_EMBEDDER)
const manifest = found as EmbedderManifest
const [height, width] = manifest.networks[0].inputSize as [number, number]
const floats = height * width * 3
const { mean, divisor } = manifest.input

/** A face: plain, and in one or several hard pictures; normalised floats. */
interface Crops {
  readonly path: string
  readonly plain: Float32Array
  readonly hard: readonly Float32Array[]
}

const detector = await createMtcnn({ backend: engine, minFaceSize: 40 })
const learned = await cropsOf(picturesOf(join(folder, 'pairs-train.csv')), true)
const test = await cropsOf(picturesOf(join(folder, 'pairs-test.csv')), false)
detector.dispose()
console.log(`${learned.length} pictures to learn from, ${test.length} to measure on; ${condition}`)

const network = await graphNetwork(engine, manifest, source)
const teacher = {
  straight: embed(
    network,
    learned.map(({ plain }) => plain),
  ),
  mirrored: embed(
    network,
    learned.map(({ plain }) => mirrored(plain)),
  ),
}
const before = embedTest()
await learn()
const after = embedTest()
report()

async function cropsOf(paths: readonly string[], toLearn: boolean): Promise<Crops[]> {
  const crops: Crops[] = []
  for (const path of paths) {
    const picture = await decode(join(folder, path))
    const faces = await detector.detect(picture)
    if (faces.length === 0) continue
    const face = oneFace(faces, picture, 'center')
    const hard =
      toLearn && condition === 'small'
        ? SIDES.map(side => shrink(picture, face, side))
        : [harden(condition, picture, face, path)]
    const crop = (made: { picture: typeof picture; face: typeof face }): Float32Array =>
      alignCrops(made.picture, [made.face], manifest.embedding.alignment, { width, height }, { mean, divisor })
    crops.push({ path, plain: crop({ picture, face }), hard: hard.map(crop) })
  }
  return crops
}

function mirrored(crop: Float32Array): Float32Array {
  return mirror(crop, { width, height })
}

function batchOf(crops: readonly Float32Array[]): Tensor4D {
  const data = new Float32Array(crops.length * floats)
  crops.forEach((crop, i) => {
    data.set(crop, i * floats)
  })
  return tf.tensor4d(data, [crops.length, height, width, 3])
}

function embed({ forward }: GraphNetwork, crops: readonly Float32Array[]): Float32Array[] {
  const rows: Float32Array[] = []
  for (let from = 0; from < crops.length; from += ROWS) {
    tf.tidy(() => {
      const embedded = forward(batchOf(crops.slice(from, from + ROWS)))
      const data = embedded.dataSync()
      const [count, dimension] = embedded.shape
      for (let i = 0; i < count; i++) rows.push(Float32Array.from(data.subarray(i * dimension, (i + 1) * dimension)))
    })
  }
  return rows
}

async function learn(): Promise<void> {
  const optimiser = createOptimiser(tf, 'adam')
  const steps = Math.floor(learned.length / batch)
  for (let epoch = 0; epoch < epochs; epoch++) {
    const random = randomFrom(1, epoch)
    const order = shuffle(
      learned.map((_, i) => i),
      random,
    )
    let total = 0
    for (let step = 0; step < steps; step++) {
      const seen: Float32Array[] = []
      const target: Float32Array[] = []
      for (const i of order.slice(step * batch, (step + 1) * batch)) {
        const { plain, hard } = learned[i]
        const turned = random() < 0.5
        const one = hard[Math.floor(random() * hard.length)]
        seen.push(turned ? mirrored(one) : one, turned ? mirrored(plain) : plain)
        const aim = (turned ? teacher.mirrored : teacher.straight)[i]
        target.push(aim, aim)
      }
      const loss = tf.tidy(() => {
        const x = batchOf(seen)
        const aim = tf.stack(target.map(row => tf.tensor1d(row))) as Tensor2D
        const { value, grads } = tf.variableGrads(
          () => tf.sub(1, tf.mean(tf.sum(tf.mul(network.forward(x), aim), 1))).asScalar(),
          [...network.variables],
        )
        optimiser.apply(grads, rate * cosineDecay(epoch + step / steps, epochs))
        return value.dataSync()[0]
      })
      total += loss / steps
      await new Promise(resolve => setTimeout(resolve, 0))
    }
    console.log(`epoch ${epoch + 1}: 1 - cosine to the plain face before learning: ${total.toFixed(4)}`)
  }
  optimiser.dispose()
}

function embedTest(): { plain: Map<string, Float32Array>; hard: Map<string, Float32Array> } {
  const of = (crops: readonly Float32Array[]): Map<string, Float32Array> => {
    const rows = embed(network, crops)
    return new Map(test.map(({ path }, i) => [path, rows[i]]))
  }
  return { plain: of(test.map(({ plain }) => plain)), hard: of(test.map(({ hard }) => hard[0])) }
}

function report(): void {
  const all = parsePairs(readFileSync(join(folder, 'pairs-test.csv'), 'utf8'))
  const pairs = all.filter(({ a, b }) => before.plain.has(a) && before.plain.has(b))
  console.log(`\n${pairs.length} of ${all.length} pairs; TAR at FAR ${FAR}`)
  type Rows = ReadonlyMap<string, Float32Array>
  const line = (name: string, first: Rows, second: Rows): void => {
    const distances = pairs.map(({ a, b }) => distance(first.get(a)!, second.get(b)!))
    const { tarAtFar, auc } = scorePairs(pairs, distances, { fars: [FAR] })
    const { rate: tar, count, total } = tarAtFar[0].tar
    console.log(`  ${name.padEnd(62)} ${tar.toFixed(3)} (${count} of ${total}), AUC ${auc.toFixed(4)}`)
  }
  line(`${condition} against plain, before`, before.plain, before.hard)
  line(`${condition} by the network that learned, plain by the one before`, before.plain, after.hard)
  line(`${condition} against plain, both by the one that learned`, after.plain, after.hard)
  line(`${condition} against ${condition}, before`, before.hard, before.hard)
  line(`${condition} against ${condition}, after`, after.hard, after.hard)
  line('plain against plain, before', before.plain, before.plain)
  line('plain against plain, after', after.plain, after.plain)
}
