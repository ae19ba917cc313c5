/**
 * `npx tsx scripts/measure-migration.ts [--pictures 400]`: what the guide to migration says in figures. Faces of LFW View 1's `pairs-test.csv` whose people have two
 * pictures and more, found and described by this library, by `@vladmandic/face-api` and by `@vladmandic/human`, each with its own defaults, and then
 * compared with each other: how far apart the same face lies in two libraries, what the thresholds that the others are used with are
 * worth as false match and false non-match rates, and whether stored descriptors can be compared with new embeddings.
 *
 * Nobody of these people is among those on whose pictures this library's thresholds were measured.
 */
import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startBackend } from '../src/backends/index.ts'
import { table } from '../src/cli/table.ts'
import { byCentrality, createMtcnn, type Face } from '../src/detect/index.ts'
import {
  alignCrops,
  bootstrapRates,
  createEmbedder,
  distance,
  distributions,
  falseMatchRate,
  falseNonMatchRate,
  parsePairs,
  type SubjectComparisons,
  thresholdAtFmr,
} from '../src/embed/index.ts'
import { type Box, decode, type Picture } from '../src/image/index.ts'
import { createFaceApiEmbedder, faceApiFace, loadFaceApi, loadHuman } from './whole-peers.ts'

const { values } = parseArgs({ options: { pictures: { type: 'string', default: '400' } } })
const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(resolve(root, process.env.FACEWISE_DATA ?? '../shared'), 'data', 'lfw-dev')

/** A face of one picture as the libraries see it. */
interface Shot {
  readonly person: string
  readonly ours: Float32Array
  /** Ours on the crop that face-api cuts out. */
  readonly likeFaceApi: Float32Array
  readonly faceApi: Float32Array
  readonly human: Float32Array
  /** face-api's network on the crop that ours got. */
  readonly sameCrop: Float32Array
}

if (!existsSync(folder)) {
  console.log('SKIPPED: this needs the development data; FACEWISE_DATA names its folder.')
} else {
  const shots = await look()
  sameFace(shots)
  rates(shots)
}

async function look(): Promise<Shot[]> {
  const engine = await startBackend({ prefer: 'wasm' })
  const [mtcnn, embedder] = [
    await createMtcnn({ backend: engine }),
    await createEmbedder(undefined, { backend: engine }),
  ]
  const likeFaceApi = await createFaceApiEmbedder(engine)
  const [faceApi, human] = [await loadFaceApi(engine), await loadHuman()]
  const missed = { facewise: 0, 'face-api': 0, human: 0 }
  let others = 0
  const shots: Shot[] = []
  const files = pictures()
  for (const file of files) {
    const picture = await decode(join(folder, file))
    const ours = central(await mtcnn.detect(picture), picture)
    const theirs = central(await faceApi.find(picture), picture)
    const humans = central(await human.find(picture), picture)
    if (!ours) missed.facewise++
    if (!theirs) missed['face-api']++
    if (!humans) missed.human++
    if (!ours || !theirs || !humans) continue
    if (overlap(ours.box, theirs.box) < 0.3 || overlap(ours.box, humans.box) < 0.3) {
      others++
      continue
    }
    const [[own], [like]] = [
      await embedder.embed(picture, [ours]),
      await likeFaceApi.embed(picture, [faceApiFace(ours)]),
    ]
    shots.push({
      person: basename(dirname(file)),
      ours: own.vector,
      likeFaceApi: like.vector,
      faceApi: theirs.descriptor,
      human: humans.descriptor,
      sameCrop: await faceApi.describeCrop(cropOf(embedder.manifest.embedding.alignment, picture, ours)),
    })
    if (shots.length % 100 === 0) console.log(`${shots.length} of ${files.length}`)
  }
  human.close()
  const people = new Set(shots.map(({ person }) => person)).size
  console.log(
    `\n${files.length} pictures; no face found: ${Object.entries(missed)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')}; another face found in ${others}; compared: ${shots.length} pictures of ${people} people\n`,
  )
  return shots
}

/** Of people with two pictures and more, the first of the list. */
function pictures(): string[] {
  const pairs = parsePairs(readFileSync(join(folder, 'pairs-test.csv'), 'utf8'))
  return [...new Set(pairs.filter(({ same }) => same).flatMap(({ a, b }) => [a, b]))].slice(0, Number(values.pictures))
}

function central<T extends { readonly box: Box }>(faces: readonly T[], picture: Picture): T | undefined {
  return byCentrality(faces as unknown as Face[], picture)[0] as unknown as T | undefined
}

function overlap(a: Box, b: Box): number {
  const along = (x: number, w: number, y: number, v: number): number => Math.min(x + w, y + v) - Math.max(x, y)
  const common = Math.max(0, along(a.x, a.width, b.x, b.width)) * Math.max(0, along(a.y, a.height, b.y, b.height))
  return common / (a.width * a.height + b.width * b.height - common)
}

function cropOf(alignment: Parameters<typeof alignCrops>[2], picture: Picture, face: Face): Picture {
  const size = { width: 150, height: 150 }
  const data = Uint8Array.from(alignCrops(picture, [face], alignment, size, { mean: 0, divisor: 1 }), Math.round)
  return { data, ...size }
}

/** How far apart two libraries' embeddings of one face in one picture lie. */
function sameFace(shots: readonly Shot[]): void {
  const row = (name: string, of: (shot: Shot) => number): string[] => {
    const sorted = shots.map(of).sort((a, b) => a - b)
    const at = (share: number): string =>
      sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))].toFixed(4)
    const beyond = sorted.filter(value => value > 0.0706).length / sorted.length
    return [name, at(0.05), at(0.5), at(0.95), at(1), beyond.toFixed(3)]
  }
  print([
    ['the same face of the same picture, cosine distance', '5 %', 'median', '95 %', 'largest', 'over 0.0706'],
    row('facewise, face-api', ({ ours, faceApi }) => distance(ours, faceApi)),
    row('facewise, face-api on the crop of facewise', ({ ours, sameCrop }) => distance(ours, sameCrop)),
    row('facewise on the crop of face-api, face-api', ({ likeFaceApi, faceApi }) => distance(likeFaceApi, faceApi)),
  ])
}

/** What thresholds are worth: those that the libraries are used with, and those of FMR 1e-3 on these pictures. */
function rates(shots: readonly Shot[]): void {
  const cosine = (a: Float32Array, b: Float32Array): number => distance(a, b)
  const euclidean = (a: Float32Array, b: Float32Array): number => distance(a, b, 'euclidean')
  const rows: [string, Compare, limit: number, shown: (limit: number) => string][] = [
    ['facewise, cosine', (a, b) => cosine(a.ours, b.ours), 0.0706472, fixed],
    ['face-api, Euclidean', (a, b) => euclidean(a.faceApi, b.faceApi), 0.6, fixed],
    ['face-api, Euclidean', (a, b) => euclidean(a.faceApi, b.faceApi), 0.5, fixed],
    ['face-api, cosine', (a, b) => cosine(a.faceApi, b.faceApi), 0.0706472, fixed],
    ['stored by face-api, asked by facewise, cosine', (a, b) => cosine(a.faceApi, b.ours), 0.0706472, fixed],
    ['the same on the crop of face-api', (a, b) => cosine(a.faceApi, b.likeFaceApi), 0.0706472, fixed],
    ['human, similarity', (a, b) => euclidean(a.human, b.human), humanDistance(0.5), similarity],
    ['human, similarity', (a, b) => euclidean(a.human, b.human), humanDistance(0.6), similarity],
  ]
  print([
    ['', 'threshold', 'FMR', '95 % over people', 'FNMR', '95 % over people', 'FNMR at FMR 1e-3', 'its threshold'],
    ...rows.map(([name, compare, limit, shown]) => {
      const pairs = comparisons(shots, compare)
      const all = distributions(pairs.genuine.distances, pairs.impostor.distances)
      const { fmrInterval, fnmrInterval } = bootstrapRates(pairs, limit)
      const strict = thresholdAtFmr(all, 1e-3)
      return [
        name,
        shown(limit),
        falseMatchRate(all, limit).rate.toPrecision(2),
        range(fmrInterval),
        falseNonMatchRate(all, limit).rate.toFixed(3),
        range(fnmrInterval),
        falseNonMatchRate(all, strict).rate.toFixed(3),
        shown(strict),
      ]
    }),
  ])
  const { genuine, impostor } = comparisons(shots, () => 0)
  console.log(`\n${genuine.distances.length} pairs of one person, ${impostor.distances.length} of two`)
}

type Compare = (a: Shot, b: Shot) => number

/** All pairs; where the two sides are two libraries, each way round. */
function comparisons(shots: readonly Shot[], compare: Compare): SubjectComparisons {
  const names = [...new Set(shots.map(({ person }) => person))]
  const numbers = shots.map(({ person }) => names.indexOf(person))
  const genuine = { distances: [] as number[], subject: [] as number[] }
  const impostor = { distances: [] as number[], first: [] as number[], second: [] as number[] }
  const oneWay = compare(shots[0], shots[1]) === compare(shots[1], shots[0])
  for (const [i, a] of shots.entries()) {
    for (const [j, b] of shots.entries()) {
      if (i === j || (oneWay && i > j)) continue
      const far = compare(a, b)
      if (numbers[i] === numbers[j]) {
        genuine.distances.push(far)
        genuine.subject.push(numbers[i])
      } else {
        impostor.distances.push(far)
        impostor.first.push(numbers[i])
        impostor.second.push(numbers[j])
      }
    }
  }
  return {
    subjects: names.length,
    genuine: { distances: Float32Array.from(genuine.distances), subject: Int32Array.from(genuine.subject) },
    impostor: {
      distances: Float32Array.from(impostor.distances),
      first: Int32Array.from(impostor.first),
      second: Int32Array.from(impostor.second),
    },
  }
}

function fixed(limit: number): string {
  return limit.toFixed(4)
}

/** human's similarity with its default options is 1 at a Euclidean distance of 4 and less, and 0 from 16 on: `src/face/match.ts`. */
function similarity(euclidean: number): string {
  return ((16 - euclidean) / 12).toFixed(3)
}

function humanDistance(wanted: number): number {
  return 16 - 12 * wanted
}

function range([low, high]: readonly [number, number]): string {
  return `${low.toPrecision(2)} to ${high.toPrecision(2)}`
}

function print(rows: readonly (readonly string[])[]): void {
  console.log('')
  for (const line of table(rows, 'l'.padEnd(rows[0].length, 'r'))) console.log(line)
}
