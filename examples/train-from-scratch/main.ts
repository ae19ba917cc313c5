/** `npm run example:training -- [folder] [--epochs N]`: trains a small embedder and asks it about people that it has not seen. */
import { parseArgs } from 'node:util'
import { startBackend } from 'facewise/backends'
import { createEmbedder } from 'facewise/embed'
import { memorySource } from 'facewise/models'
import { cosineDecay, packNetwork, pickSamples, smallNetwork, splitPeople, train } from 'facewise/train'
import { madeUpPeople, readPeople, SIDE } from './pictures.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { epochs: { type: 'string', default: '12' } },
})
const samples = positionals[0] ? await readPeople(positionals[0]) : madeUpPeople()
const split = splitPeople(samples.people, 0.3)

// WebAssembly has no gradient of convolutions.
const engine = await startBackend({ prefer: ['native', 'cpu'] })
const network = smallNetwork({ dimension: 32, channels: [8, 12, 16] })
const { weights, startScore, bestScore, bestEpoch } = await train({
  engine,
  network,
  samples: pickSamples(samples, split.train),
  heldOut: pickSamples(samples, split.heldOut),
  optimiser: 'adam',
  learningRate: 0.003,
  schedule: cosineDecay,
  epochs: Number(values.epochs),
  batch: { people: 8, pictures: 4 },
  onEpoch: ({ epoch, loss, score }) =>
    console.log(
      `epoch ${epoch}: loss ${loss.toFixed(3)}, triplets of strangers in the right order ${score?.toFixed(3)}`,
    ),
})
console.log(`before ${startScore?.toFixed(3)}, after ${bestScore?.toFixed(3)} (epoch ${bestEpoch})`)

const { manifest, files } = await packNetwork({
  weights,
  inputSize: [SIDE, SIDE],
  manifest: {
    name: 'from-scratch',
    title: 'A small embedder of my own',
    input: { channels: 'rgb', mean: 127.5, divisor: 127.5 },
    licence: { spdx: 'UNLICENSED', notice: 'Mine.' },
    source: { weights: 'trained on this machine' },
    embedding: {
      dimension: 32,
      metric: 'cosine',
      mirror: false,
      alignment: { kind: 'box', margin: { x: 0, y: 0, unit: 'pixels' } },
    },
  },
})
const embedder = await createEmbedder('from-scratch', {
  backend: engine,
  model: { manifest, source: memorySource(files) },
})
const [{ vector, model }] = await embedder.embedAligned([
  { data: new Uint8Array(SIDE * SIDE * 3), width: SIDE, height: SIDE },
])
console.log(`${model} gives ${vector.length} numbers and loads like any other`)
embedder.dispose()
