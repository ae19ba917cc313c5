/**
 * `tsx bench/tracking.ts`: what a frame of a video costs where faces are followed, beside a whole detection of the same frame, in one process on
 * the WebAssembly backend. Medians of runs that take turns; the ratio is what to quote.
 *
 * `node --expose-gc --import tsx bench/tracking.ts --soak`: 2,000 frames in one loop must leave the number of tensors and the memory of
 * the process where they were after the first 200. Exits with 1 if they do not.
 */
import { cpus } from 'node:os'
import { startBackend } from '../src/backends/index.ts'
import { createMtcnn } from '../src/detect/index.ts'
import type { Picture } from '../src/image/index.ts'
import { createFacewise } from '../src/index.ts'
import { type Cutout, drawFrame, emptyPlace, type Scene, samplePeople } from '../test/facewise/track-scene.ts'
import { inTurns, median, row } from './timing.ts'

const FRAMES = 60
const SOAK_FRAMES = 2000
/** What a collected heap may differ by from one moment to another. */
const TOLERANCE_MB = 16

const engine = await startBackend({ prefer: 'wasm' })
const mtcnn = await createMtcnn({ backend: engine })
const fw = await createFacewise({ backend: engine, detector: mtcnn })
const [people, background] = [await samplePeople(mtcnn), await emptyPlace()]

/** So many people side by side, each swaying. */
const sceneOf = (count: number): Scene => ({
  background,
  actors: people.slice(0, count).map((cutout: Cutout, i) => ({
    cutout,
    at: frame => ({
      x: 110 + (i % 3) * 210 + 25 * Math.sin(frame / 9 + i),
      y: 130 + Math.floor(i / 3) * 220 + 15 * Math.cos(frame / 7 + i),
      size: 90,
    }),
  })),
})
const draw = (count: number): Picture[] =>
  Array.from({ length: FRAMES }, (_, frame) => drawFrame(sceneOf(count), frame))

if (process.argv.includes('--soak')) await soak()
else await compare()
await fw.dispose()
mtcnn.dispose()

async function compare(): Promise<void> {
  console.log(`Node ${process.version}, ${cpus()[0]?.model.trim()}, TensorFlow.js ${engine.tf.version_core} on wasm`)
  console.log('Frames of 640 x 480, milliseconds, medians; the ratio is of the two beside it.\n')
  row(['faces', 'O-Net alone', 'detection', 'ratio'])
  for (const count of [1, 3, 6]) {
    const pictures = draw(count)
    const boxes = (await mtcnn.detect(pictures[0])).map(({ box }) => box)
    const [look, whole] = await inTurns([() => mtcnn.refine(pictures[0], boxes), () => mtcnn.detect(pictures[0])], 25)
    row([String(boxes.length), look.toFixed(1), whole.toFixed(1), (look / whole).toFixed(3)])
  }
  console.log(
    '\nThe same frames by `track` and by `detect`, milliseconds a frame; searches of the whole picture are part of the mean.\n',
  )
  row(['faces', 'followed', 'mean', 'searches', 'detection', 'ratio', 'of means'])
  for (const count of [1, 3, 6]) {
    const pictures = draw(count)
    const [followed, every, whole]: number[][] = [[], [], []]
    let searches = 0
    for (let round = 0; round < 4; round++) {
      const frames = fw.track(pictures, { attributes: [] })
      for (const picture of pictures) {
        const began = performance.now()
        const { value } = await frames.next()
        const took = performance.now() - began
        const again = performance.now()
        await mtcnn.detect(picture)
        // The first round makes the shapes known.
        if (!value || round === 0) continue
        whole.push(performance.now() - again)
        every.push(took)
        if (value.searched) searches++
        else followed.push(took)
      }
    }
    const mean = (values: number[]): number => values.reduce((a, b) => a + b) / values.length
    row([
      String(count),
      median(followed).toFixed(1),
      mean(every).toFixed(1),
      `${searches} of ${every.length}`,
      median(whole).toFixed(1),
      (median(followed) / median(whole)).toFixed(3),
      (mean(every) / mean(whole)).toFixed(3),
    ])
  }
}

async function soak(): Promise<void> {
  const { gc } = globalThis as { gc?: () => void }
  if (!gc) throw new Error('Run with `node --expose-gc --import tsx bench/tracking.ts --soak`.')
  const scene = sceneOf(3)
  /** People come and go, so that tracks begin and end all the time. */
  const source = function* (): Generator<Picture> {
    for (let frame = 0; frame < SOAK_FRAMES; frame++) {
      const actors = scene.actors.filter((_, i) => (frame + i * 70) % 210 < 140)
      yield drawFrame({ background, actors }, frame)
    }
  }
  const settle = async (): Promise<{ tensors: number; heap: number; rss: number }> => {
    for (let i = 0; i < 4; i++) {
      gc()
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage()
    return { tensors: engine.tf.memory().numTensors, heap: (heapUsed + external + arrayBuffers) / 1e6, rss: rss / 1e6 }
  }
  let done = 0
  let ids = 0
  let early: Awaited<ReturnType<typeof settle>> | undefined
  let late = await settle()
  for await (const { faces } of fw.track(source(), { attributes: ['emotion', 'age-gender', 'pose'], identify: true })) {
    for (const { id } of faces) ids = Math.max(ids, id)
    if (++done % 200 > 0) continue
    late = await settle()
    early ??= late
    const { tensors, heap, rss } = late
    console.log(
      `after ${String(done).padStart(4)} frames, ${ids} tracks: ${tensors} tensors, heap and buffers ${heap.toFixed(1)} MB, process ${rss.toFixed(0)} MB`,
    )
  }
  if (!early) throw new Error('No frame was looked at.')
  const [grown, rssGrown] = [late.heap - early.heap, late.rss - early.rss]
  const ok = late.tensors === early.tensors && grown < TOLERANCE_MB && rssGrown < TOLERANCE_MB && ids > 20
  console.log(
    `${ok ? 'No leak' : 'LEAK'}: tensors ${late.tensors - early.tensors}, heap ${grown.toFixed(1)} MB, process ${rssGrown.toFixed(1)} MB`,
  )
  process.exitCode = ok ? 0 : 1
}
