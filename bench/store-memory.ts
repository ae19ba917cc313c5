import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { compile } from '../scripts/build-kernels.ts'
import { memoryStore, type NewFaceRecord } from '../src/store/index.ts'
import { random } from '../test/random.ts'
import { inTurns, row } from './timing.ts'

const RECORDS = 100_000
const DIMENSION = 512

/** `match.find` of @vladmandic/human: the index of the nearest of many descriptors, as lists of numbers. */
type Find = (descriptor: readonly number[], descriptors: readonly (readonly number[])[]) => { index: number }

/** The exact search of the memory store beside that of @vladmandic/human, and how near it comes to what the memory can deliver. */
export async function benchMemoryStore(): Promise<void> {
  const { float } = random(1)
  const vectors = Array.from({ length: RECORDS }, () => unit(() => float(-1, 1) + float(-1, 1) + float(-1, 1)))
  const store = await memoryStore()
  for (let i = 0; i < RECORDS; i += 10_000) {
    await store.upsert(
      vectors
        .slice(i, i + 10_000)
        .map(
          (vector, j): NewFaceRecord => ({ id: `r${i + j}`, subject: `s${(i + j) % 20_000}`, vector, model: 'bench' }),
        ),
    )
  }
  // Of nobody in the store: match.find would stop at an equal one.
  const query = unit(() => float(-1, 1) + float(-1, 1) + float(-1, 1))
  const lists = vectors.map(vector => Array.from(vector))
  const list = Array.from(query)
  const find = loadFind()
  const [nearest] = await store.search(query, { k: 1, metric: 'euclidean' })
  const { index } = find(list, lists)
  if (`r${index}` !== nearest.id) throw new Error(`match.find found r${index}, the store ${nearest.id}.`)

  const [records, euclid, subjects, theirs, read] = await inTurns([
    () => store.search(query, { k: 10 }),
    () => store.search(query, { k: 10, metric: 'euclidean' }),
    () => store.search(query, { k: 10, per: 'subject' }),
    async () => find(list, lists),
    await reader(RECORDS * DIMENSION * 4),
  ])
  await store.close()
  console.log(
    `\nThe memory store: the nearest 10 of ${RECORDS.toLocaleString('en')} x ${DIMENSION}, exactly; milliseconds, medians\n`,
  )
  row(['', 'search', 'ratio'])
  row(['match.find', theirs.toFixed(1), '1'])
  row(['cosine', records.toFixed(1), (records / theirs).toFixed(3)])
  row(['euclidean', euclid.toFixed(1), (euclid / theirs).toFixed(3)])
  row(['by subject', subjects.toFixed(1), (subjects / theirs).toFixed(3)])
  const gigabytes = (ms: number): string => ((RECORDS * DIMENSION * 4) / ms / 1e6).toFixed(1)
  console.log(
    `\nmatch.find of @vladmandic/human finds the nearest one. The search reads ${gigabytes(records)} GB/s; one core that only reads gets ` +
      `${gigabytes(read)} GB/s from this machine's memory: the search has ${(read / records).toFixed(2)} of that.`,
  )
}

/** Reads as many bytes, and does nothing with them. */
async function reader(bytes: number): Promise<() => Promise<unknown>> {
  const { instance } = await WebAssembly.instantiate(await compile('bench', 'read.as.ts'))
  const { memory, read } = instance.exports as { memory: WebAssembly.Memory; read(at: number, bytes: number): number }
  memory.grow(Math.ceil(bytes / 65_536))
  // A page that was never written is no memory yet.
  new Uint8Array(memory.buffer).fill(1)
  return async () => read(0, bytes)
}

function unit(next: () => number): Float32Array {
  const vector = Float32Array.from({ length: DIMENSION }, next)
  const length = Math.hypot(...vector)
  return vector.map(value => value / length)
}

function loadFind(): Find {
  const require = createRequire(import.meta.url)
  // The build for Node, which its `exports` hides behind one that needs the native backend.
  const build = join(dirname(require.resolve('@vladmandic/human')), 'human.node-wasm.js')
  const { default: Human } = require(build) as { default: new (config: object) => { match: { find: Find } } }
  return new Human({ debug: false }).match.find
}
