/**
 * `npm run bench:training -- [--backend B]`: epochs a second of a head, and whether memory stays flat over 100 epochs.
 *
 * Embeddings are random: for speed only their number and dimension count. 250 people with 6 pictures each, batches of 48 people.
 */
import { parseArgs } from 'node:util'
import { type BackendName, startBackend } from '../src/backends/index.ts'
import { HEADS, head, randomFrom, type Selection, train, tripletLoss, vectorSamples } from '../src/train/index.ts'

const PEOPLE = 250
const PICTURES = 6

const { values: options } = parseArgs({ options: { backend: { type: 'string', default: 'wasm' } } })
const engine = await startBackend({ prefer: options.backend as BackendName, threads: false })
console.log(`${engine.backend}; ${PEOPLE} people, ${PICTURES} pictures each; batches of 48 people`)

const small = vectorSamples(
  Array.from({ length: 64 }, (_, i) => Float32Array.from({ length: 32 }, (_, k) => Math.sin(i * 32 + k))),
  Array.from({ length: 64 }, (_, i) => `person ${i % 16}`),
)
const tensors: number[] = []
const bytes: number[] = []
await train({
  engine,
  network: head({ dimension: 32 }),
  samples: small,
  epochs: 100,
  onEpoch() {
    tensors.push(engine.tf.memory().numTensors)
    bytes.push(engine.tf.memory().numBytes)
  },
})
console.log(
  `100 epochs: ${tensors[1]} tensors of ${bytes[1]} bytes after the second, ${tensors[99]} of ${bytes[99]} after the last`,
)

for (const dimension of [128, 512]) {
  const random = randomFrom(dimension)
  const vectors = Array.from({ length: PEOPLE * PICTURES }, () =>
    Float32Array.from({ length: dimension }, () => random() - 0.5),
  )
  const samples = vectorSamples(
    vectors,
    vectors.map((_, i) => `person ${i % PEOPLE}`),
  )
  for (const kind of HEADS) {
    for (const selection of ['semi-hard', 'all'] as Selection[]) {
      const times: number[] = []
      let last = performance.now()
      await train({
        engine,
        network: head({ kind, dimension }),
        samples,
        loss: tripletLoss({ selection }),
        optimiser: 'adam',
        epochs: 6,
        batch: { people: 48, pictures: PICTURES },
        onEpoch() {
          times.push(performance.now() - last)
          last = performance.now()
        },
      })
      // The first compiles.
      const median = times.slice(1).sort((a, b) => a - b)[2]
      console.log(`  ${dimension} numbers, ${kind}, ${selection}: ${(1000 / median).toFixed(2)} epochs a second`)
    }
  }
}
