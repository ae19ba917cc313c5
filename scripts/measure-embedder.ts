/**
 * `npm run measure:embedder -- NAME CSV [--centre] [--backend B]`: measures an embedder on all pairs of the pictures that a list of pairs names
 * (`path_a,path_b,same`, people known by their folders), and writes what its manifest says of itself, `models/NAME/manifest.json`: the
 * mean embedding where it is wanted, thresholds by false match rate, calibration.
 *
 * The pictures must be others than those that the model is judged by.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type BackendName, startBackend } from '../src/backends/index.ts'
import { createMtcnn, oneFace } from '../src/detect/index.ts'
import {
  allPairs,
  bootstrapRates,
  createEmbedder,
  type EmbedderManifest,
  fitCalibration,
  packVectors,
  parsePairs,
  thresholdTable,
} from '../src/embed/index.ts'
import { decode } from '../src/image/index.ts'
import { findModel } from '../src/models/index.ts'

const FMRS = [1e-2, 1e-3, 1e-4]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { centre: { type: 'boolean', default: false }, backend: { type: 'string', default: 'wasm' } },
})
const [name, csv] = positionals
if (!name || !csv) throw new Error('Usage: npm run measure:embedder -- NAME CSV [--centre] [--backend B]')

const path = fileURLToPath(new URL(`../models/${name}/manifest.json`, import.meta.url))
const committed = JSON.parse(readFileSync(path, 'utf8')) as EmbedderManifest
const { thresholds: _, calibration: __, centre: ___, ...bare } = committed.embedding
const { source } = await findModel(name)

const backend = await startBackend({ prefer: values.backend as BackendName })
const detector = await createMtcnn({ backend, minFaceSize: 40 })
const embedder = await createEmbedder(name, { backend, model: { manifest: { ...committed, embedding: bare }, source } })

const paths = [...new Set(parsePairs(readFileSync(csv, 'utf8')).flatMap(({ a, b }) => [a, b]))]
const vectors: Float32Array[] = []
const subjects: string[] = []
for (const [i, picturePath] of paths.entries()) {
  const picture = await decode(join(dirname(csv), picturePath))
  const faces = await detector.detect(picture)
  if (faces.length === 0) {
    console.log(`no face: ${picturePath}`)
    continue
  }
  const [{ vector }] = await embedder.embed(picture, [oneFace(faces, picture, 'center')])
  vectors.push(vector)
  subjects.push(basename(dirname(picturePath)))
  if (i % 100 === 0) console.log(`${i} of ${paths.length}`)
}

const { metric, dimension } = committed.embedding
const mean = (of: readonly Float32Array[]): number[] =>
  Array.from({ length: dimension }, (_, k) => of.reduce((sum, vector) => sum + vector[k], 0) / of.length)
const centred = (of: readonly Float32Array[], centre: readonly number[]): Float32Array[] =>
  of.map(vector => {
    const moved = vector.map((value, k) => value - centre[k])
    const length = Math.hypot(...moved)
    return moved.map(value => value / length)
  })

const centre = values.centre ? mean(vectors).map(value => Number(value.toPrecision(6))) : undefined
const final = centre ? centred(vectors, centre) : vectors
const pairs = allPairs(packVectors(final), subjects, metric)
const people = new Set(subjects).size
const measuredOn =
  `LFW View 1 (deep-funneled), all pairs of ${vectors.length} pictures of ${people} people of the training list; ` +
  `the most central face found by MTCNN at minimum face 40`
const table = thresholdTable(pairs.genuine.distances, pairs.impostor.distances, FMRS, measuredOn)
const calibration = fitCalibration(pairs.genuine.distances, pairs.impostor.distances)
for (const { fmr, threshold, fnmr, fnmrInterval, fmrInterval } of table.rates) {
  const over = bootstrapRates(pairs, threshold, { seed: 1 })
  console.log(
    `FMR ${fmr}: threshold ${threshold.toFixed(4)}, FNMR ${fnmr.toFixed(4)}; over pairs FMR ${range(fmrInterval)}, FNMR ${range(fnmrInterval)}; ` +
      `over people FMR ${range(over.fmrInterval)}, FNMR ${range(over.fnmrInterval)}`,
  )
}
console.log(`calibration: slope ${calibration.slope.toFixed(3)}, intercept ${calibration.intercept.toFixed(3)}`)
if (centre) crossFit()

const rounded = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (_, v) => (typeof v === 'number' ? Number(v.toPrecision(6)) : v))
const embedding = {
  ...bare,
  ...(centre && { centre }),
  thresholds: rounded(table),
  calibration: rounded(calibration),
}
// One line for the mean: its numbers say nothing to a reader.
const text = JSON.stringify({ ...committed, embedding }, null, 2).replace(/"centre": \[[^\]]*\]/, match =>
  match.replace(/\s+/g, ' '),
)
writeFileSync(path, `${text}\n`)
console.log(`${path} is written.`)
embedder.dispose()
detector.dispose()

function range([low, high]: readonly [number, number]): string {
  return `${low.toExponential(2)} to ${high.toExponential(2)}`
}

/** What centring is worth on people whose pictures made no part of the mean: the mean of each half of the people for the other half. */
function crossFit(): void {
  const names = [...new Set(subjects)]
  const inFirst = new Set(names.filter((_, i) => i % 2 === 0))
  for (const first of [true, false]) {
    const own = vectors.filter((_, i) => inFirst.has(subjects[i]) === first)
    const other = vectors.filter((_, i) => inFirst.has(subjects[i]) !== first)
    const ownSubjects = subjects.filter(subject => inFirst.has(subject) === first)
    const measure = (list: Float32Array[]): string => {
      const { genuine, impostor } = allPairs(packVectors(list), ownSubjects, metric)
      const { rates } = thresholdTable(genuine.distances, impostor.distances, FMRS, '')
      return rates.map(rate => `${rate.fmr}: ${rate.fnmr.toFixed(3)}`).join(', ')
    }
    console.log(
      `half of the people, FNMR at FMR: plain ${measure(own)}; centred by the other half ${measure(centred(own, mean(other)))}; ` +
        `by themselves ${measure(centred(own, mean(own)))}`,
    )
  }
}
