/**
 * `npm run soak`: 500 detections in a row, some of them side by side, the faces of each embedded, must leave the number of tensors and, after collection, the
 * memory of the process where they were after the first ten. Exits with 1 if they do not.
 */
import { createMtcnn } from '../src/detect/index.ts'
import { createEmbedder } from '../src/embed/index.ts'
import { decode, type Picture, resizeArea } from '../src/image/index.ts'
import { samplePhoto, testBackend } from '../test/data.ts'

const DETECTIONS = 500
/** What a collected heap may differ by from one moment to another. */
const TOLERANCE_MB = 16

const { gc } = globalThis as { gc?: () => void }
if (!gc) throw new Error('Run with `node --expose-gc`; `npm run soak` does.')

const mtcnn = await createMtcnn({ backend: { prefer: testBackend }, minFaceSize: 40 })
const { tf } = mtcnn.engine
const embedder = await createEmbedder(undefined, { backend: mtcnn.engine })
const pictures: Picture[] = []
for (const number of [1, 3, 6] as const) {
  const whole = await decode(samplePhoto(number))
  // Several sizes, since every size makes other shapes.
  for (const width of [320, 417, 640]) {
    pictures.push(resizeArea(whole, width, Math.round((whole.height * width) / whole.width)))
  }
}

async function settle(): Promise<{ tensors: number; heap: number; rss: number }> {
  for (let i = 0; i < 4; i++) {
    gc?.()
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage()
  return { tensors: tf.memory().numTensors, heap: (heapUsed + external + arrayBuffers) / 1e6, rss: rss / 1e6 }
}

const say = (after: number, { tensors, heap, rss }: Awaited<ReturnType<typeof settle>>): void =>
  console.log(
    `after ${String(after).padStart(3)}: ${tensors} tensors, heap and buffers ${heap.toFixed(1)} MB, process ${rss.toFixed(0)} MB`,
  )

async function recognise(picture: Picture): Promise<void> {
  await embedder.embed(picture, await mtcnn.detect(picture))
}

let done = 0
async function detectTo(count: number): Promise<void> {
  while (done < count) {
    const together = Math.min(done % 3 === 0 ? 2 : 1, count - done)
    await Promise.all(Array.from({ length: together }, (_, i) => recognise(pictures[(done + i) % pictures.length])))
    done += together
  }
}

console.log(`${mtcnn.engine.backend}, ${DETECTIONS} detections and embeddings`)
// Each picture's shapes once before the first look, as the backend keeps something for every shape.
await detectTo(10)
const early = await settle()
say(done, early)
for (const count of [100, 200, 300, 400, DETECTIONS]) {
  await detectTo(count)
  say(done, await settle())
}
const late = await settle()
const grown = late.heap - early.heap
const rssGrown = late.rss - early.rss
const ok = late.tensors === early.tensors && grown < TOLERANCE_MB && rssGrown < TOLERANCE_MB
console.log(
  `${ok ? 'No leak' : 'LEAK'}: tensors ${late.tensors - early.tensors}, heap ${grown.toFixed(1)} MB, process ${rssGrown.toFixed(1)} MB`,
)
embedder.dispose()
mtcnn.dispose()
process.exitCode = ok ? 0 : 1
